"""A district's file: groups are named with their schools, and an import may choose some of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.db.roster_importer import Importer, counts, errors
from tests.unit.features.rosters import Table, classes, enrolments, orgs, roster_of, user

ORGS = orgs(
    ("d1", "Made Up District", "district"), ("s1", "Kea", "school"), ("s2", "Tui", "school")
)
KEA = ["t1@school.example", "u1@school.example"]


def district(mode: str = "bulk", **changes: Table) -> bytes:
    """Two schools, with a class in each; a teacher is at both."""
    far = {"schoolSourcedId": "s2"}
    tables: dict[str, Table] = {
        "orgs": ORGS,
        "classes": [*classes(("c1", "Art")), *classes(("c2", "Art"), **far)],
        "users": [
            user("t1", "Hana M", "teacher", orgSourcedIds="s1, s2"),
            user("u1", "Ana T"),
            user("u2", "Bea S", orgSourcedIds="s2", email="not one"),
        ],
        "enrollments": [
            *enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student")),
            *enrolments(("c2", "t1", "teacher"), ("c2", "u2", "student"), **far),
        ],
    }
    return roster_of({**tables, **changes}, mode)


async def names(importer: Importer, statement: str) -> list[str]:
    return sorted(row["name"] for row in await importer.rows(statement))


GROUPS = (
    "SELECT g.name FROM learning_group AS g JOIN roster_group AS l ON l.group_id = g.id"
    " WHERE NOT l.ended"
)
PEOPLE = (
    "SELECT p.email AS name FROM person AS p JOIN roster_person AS l ON l.person_id = p.id"
    " WHERE NOT l.ended"
)


async def test_groups_of_a_file_of_several_schools_have_their_school_in_the_name(
    importer: Importer,
) -> None:
    checked = await importer.check(district())
    assert ("orgs.csv", 0, "", "SCHOOLS") in errors(checked)
    (message,) = (
        one["message"] for one in checked["checkJob"]["rowErrors"] if one["code"] == "SCHOOLS"
    )
    assert "2 schools, s1 (Kea), s2 (Tui): all of them" in message
    await importer.apply(checked)
    assert await names(importer, GROUPS) == ["Art (Kea)", "Art (Tui)"]
    assert counts(await importer.import_(district())) == {}
    # A delta that does not name the schools renames no group.
    again = classes(("c1", "Art"), status="active", termSourcedIds="t9")
    delta = roster_of({"classes": again}, "delta")
    await importer.import_(delta)
    assert await names(importer, GROUPS) == ["Art (Kea)", "Art (Tui)"]
    other = classes(("c1", "Craft"), status="active")
    await importer.import_(roster_of({"classes": other, "orgs": ORGS}, "delta"))
    assert await names(importer, GROUPS) == ["Art (Tui)", "Craft (Kea)"]


async def test_one_school_is_in_no_name(importer: Importer) -> None:
    await importer.import_(district(orgs=ORGS[:2]))
    assert await names(importer, GROUPS) == ["Art", "Art"]


async def test_schools_of_a_file_are_chosen(importer: Importer) -> None:
    checked = await importer.check(district(), schools=" s1 ")
    # What is wrong with the rows of others is not of this import.
    assert errors(checked) == [("orgs.csv", 0, "", "SCHOOLS")]
    assert (checked["schools"], checked["rowsRead"]) == ("s1", 5)
    await importer.apply(checked)
    assert await names(importer, GROUPS) == ["Art"]
    assert await names(importer, PEOPLE) == KEA
    # Another choice ends what is no longer chosen.
    applied = await importer.import_(district(), schools="s2")
    assert (applied["groupsEnded"], applied["membershipsEnded"]) == (1, 2)


async def test_a_school_that_is_not_in_the_file_cannot_be_chosen(importer: Importer) -> None:
    failed = await importer.check(district(), schools="s1,s9")
    assert failed["job"]["failure"] == ("orgs.csv has no school 's9'. It has s1 (Kea), s2 (Tui).")


@pytest.mark.parametrize("schools", ["s1", None])
async def test_in_1_2_the_roles_say_whose_users_are(
    importer: Importer, schools: str | None
) -> None:
    def plain(one: Any) -> Any:
        return {key: value for key, value in one.items() if key not in ("role", "orgSourcedIds")}

    roles = [
        {
            "sourcedId": f"r-{who}-{school}",
            "userSourcedId": who,
            "roleType": "primary",
            "role": role,
            "orgSourcedId": school,
        }
        for who, role, school in (
            ("t1", "teacher", "s1"),
            ("t1", "teacher", "s2"),
            ("u1", "student", "s1"),
            ("u2", "student", "s2"),
        )
    ]
    people = [user("t1", "Hana M", "teacher"), user("u1", "Ana T"), user("u2", "Bea S")]
    tables: dict[str, Table] = {
        "orgs": ORGS,
        "classes": classes(("c1", "Art")),
        "users": [plain(one) for one in people],
        "roles": roles,
        "enrollments": enrolments(("c1", "t1", "teacher"), ("c1", "u1", "student")),
    }
    await importer.import_(roster_of(tables, version="1.2"), schools=schools)
    expected = [*KEA, *(() if schools else ("u2@school.example",))]
    assert await names(importer, PEOPLE) == expected
