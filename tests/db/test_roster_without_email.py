"""Students without an email address, and siblings who share one, as primary schools list them.

They are people and members, known by the school's ids; no address that two people share leads to a
sign-in, and what is one student's is never another's.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from poutama.db.identity import SignIn, find_person
from poutama.errors import ForbiddenError
from tests.db.roster_importer import Importer, counts, errors
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

PARENT = "whanau@home.example"
PEOPLE = """
SELECT l.sourced_id, p.id, p.name, p.email, l.ended, (
    SELECT count(*) FROM membership AS m WHERE m.person_id = p.id AND m.accepted_at IS NOT NULL
        AND (m.ends_at IS NULL OR m.ends_at > now())
) AS places
FROM roster_person AS l JOIN person AS p ON p.id = l.person_id
WHERE l.sourced_id <> 't1' ORDER BY l.sourced_id
"""
TEACHER = user("t1", "Hana M", "teacher")


def child(number: int, **more: str) -> Any:
    """A row as the systems of primary schools export it: a username, and no address."""
    return user(
        f"u{number}", f"Child {number}", **{"email": "", "username": f"child.{number}", **more}
    )


def school(*people: Any, mode: str = "bulk", **tables: Table) -> bytes:
    """One class, with a teacher and all of these in it."""
    users = [TEACHER, *people]
    members = [("c1", one["sourcedId"], one["role"]) for one in users]
    made: dict[str, Table] = {"classes": classes(("c1", "Room 1")), "users": users}
    return roster_of({**made, "enrollments": enrolments(*members), **tables}, mode)


async def listed(importer: Importer) -> list[tuple[str, str | None, int]]:
    """Of each student of the roster: the id there, the address, how many memberships count."""
    rows = await importer.rows(PEOPLE)
    return [(row["sourced_id"], row["email"], row["places"]) for row in rows]


async def person_of(importer: Importer, sourced_id: str) -> UUID:
    rows = [row for row in await importer.rows(PEOPLE) if row["sourced_id"] == sourced_id]
    return UUID(str(rows[0]["id"]))


async def enter(importer: Importer, email: str, subject: str = "s1") -> UUID:
    return await find_person(importer.database, SignIn("https://issuer.example", subject, email))


async def test_children_without_an_email_are_members_and_no_sign_in_leads_to_them(
    importer: Importer,
) -> None:
    checked = await importer.check(school(child(1), child(2)))
    assert errors(checked) == []
    sentences = [each["sentence"] for each in checked["changes"]]
    assert "New person Child 1 (u1), without an email." in sentences
    assert "Child 1 becomes a student of Room 1." in sentences
    applied = await importer.apply(checked)
    assert counts(applied) == {"groupsAdded": 1, "peopleAdded": 3, "membershipsAdded": 3}
    assert await listed(importer) == [("u1", None, 1), ("u2", None, 1)]
    consents = await importer.rows("SELECT basis FROM consent WHERE withdrawn_at IS NULL")
    assert [row["basis"] for row in consents].count("SCHOOL") == 3
    assert counts(await importer.import_(school(child(1), child(2)))) == {}


async def test_an_address_that_appears_later_is_theirs_as_it_is_others(importer: Importer) -> None:
    await importer.import_(school(child(1), child(2)))
    person = await person_of(importer, "u1")
    later = school(child(1, email="one@school.example"), child(2, email="two@home.example"))
    applied = await importer.import_(later)
    # Of a person whom the roster made, an address of another mail domain stays as it is.
    assert errors(applied) == [("users.csv", 4, "email", "OTHER_DOMAIN")]
    assert await listed(importer) == [("u1", "one@school.example", 1), ("u2", None, 1)]
    assert await enter(importer, "one@school.example") == person
    with pytest.raises(ForbiddenError):
        await enter(importer, "two@home.example", "s2")
    # A row that says nothing of the address takes none away.
    await importer.import_(school(child(1), child(2)))
    assert await listed(importer) == [("u1", "one@school.example", 1), ("u2", None, 1)]


@pytest.mark.parametrize("email", [PARENT, "whanau@school.example"])
async def test_an_address_that_siblings_share_is_no_ones(importer: Importer, email: str) -> None:
    both = school(child(1, email=email), child(2, email=email.upper()))
    applied = await importer.import_(both)
    assert errors(applied) == [
        ("users.csv", 3, "email", "SHARED"),
        ("users.csv", 4, "email", "SHARED"),
    ]
    assert applied["rowsRefused"] == 0
    assert await listed(importer) == [("u1", None, 1), ("u2", None, 1)]
    assert counts(await importer.import_(both)) == {}
    # Nor of a sibling whose row comes alone, be it one that is known or another one.
    alone = {"classes": [], "enrollments": enrolments(("c1", "u3", "student"))}
    for one in (child(1, email=email), child(3, email=email)):
        await importer.import_(school(one, mode="delta", **alone, users=[one]))
    assert await listed(importer) == [("u1", None, 1), ("u2", None, 1), ("u3", None, 1)]
    with pytest.raises(ForbiddenError):
        await enter(importer, email)


async def test_an_address_is_lost_to_a_sibling_before_a_sign_in_and_kept_after_it(
    importer: Importer,
) -> None:
    first, second = (child(n, email=f"{n}@school.example") for n in (1, 2))
    await importer.import_(school(first, second))
    person = await enter(importer, "1@school.example")
    third, fourth = child(3, email="1@school.example"), child(4, email="2@school.example")
    applied = await importer.import_(school(first, second, third, fourth))
    assert [code for _, line, _, code in errors(applied) if line in (4, 5, 6)] == ["SHARED"] * 3
    assert await listed(importer) == [
        ("u1", "1@school.example", 1), ("u2", None, 1), ("u3", None, 1), ("u4", None, 1),
    ]  # fmt: skip
    assert await enter(importer, "1@school.example") == person
    with pytest.raises(ForbiddenError):
        await enter(importer, "2@school.example", "s2")
    # Once it is the one's alone again, it is theirs.
    await importer.import_(school(first, second, third), percent=100)
    assert (await listed(importer))[1] == ("u2", "2@school.example", 1)


async def test_what_was_offered_to_a_shared_address_is_offered_to_no_child(
    importer: Importer,
) -> None:
    row = child(1, email="1@school.example")
    await importer.import_(school(row))
    await importer.write(
        "INSERT INTO membership (id, organisation_id, person_id, role, source, invited_email)"
        " SELECT gen_random_uuid(), m.organisation_id, $1, 'MENTOR_MANAGER', 'INVITED',"
        " '1@school.example' FROM membership AS m WHERE m.person_id = $1",
        await person_of(importer, "u1"),
    )
    await importer.import_(school(row, child(2, email="1@school.example")))
    offers = await importer.rows(
        "SELECT ends_at IS NOT NULL AS ended FROM membership"
        " WHERE source = 'INVITED' AND invited_email = '1@school.example'"
    )
    assert [offer["ended"] for offer in offers] == [True]


async def test_staff_need_an_address_of_their_own(importer: Importer) -> None:
    """A code leads to students alone: one administrator would be two adults otherwise."""
    teacher = {**child(1), "role": "teacher"}
    applied = await importer.import_(school(teacher))
    assert errors(applied) == [("enrollments.csv", 3, "userSourcedId", "NO_ADDRESS")]
    assert await listed(importer) == [("u1", None, 0)]
    await importer.import_(school(child(1)))
    assert await listed(importer) == [("u1", None, 1)]
    applied = await importer.import_(school(teacher))
    assert errors(applied) == [("enrollments.csv", 3, "userSourcedId", "NO_ADDRESS")]
    assert await listed(importer) == [("u1", None, 0)]


async def test_the_username_names_them_after_a_change_of_ids(importer: Importer) -> None:
    await importer.import_(school(child(1), child(2)))
    first, second = [await person_of(importer, each) for each in ("u1", "u2")]
    renamed = {"givenName": "Another", "familyName": "Child"}
    moved = [{**child(1), "sourcedId": "n1"}, {**child(2, **renamed), "sourcedId": "n2"}]
    await importer.import_(school(*moved))
    assert await person_of(importer, "n1") == first
    # A username is given to newcomers as an address is: the name must be the same.
    assert await person_of(importer, "n2") != second
    # Nor does a row take the place of one that stays.
    await importer.import_(school(*moved, {**child(1), "sourcedId": "m1"}))
    assert await person_of(importer, "m1") != first


async def test_a_username_of_a_student_who_left_names_no_one(importer: Importer) -> None:
    await importer.import_(school(child(1)))
    leaver = await person_of(importer, "u1")
    await importer.import_(school())
    await importer.import_(school({**child(1), "sourcedId": "n1"}))
    assert await person_of(importer, "n1") != leaver
