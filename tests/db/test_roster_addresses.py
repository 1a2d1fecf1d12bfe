"""Whose addresses a roster may set: those of the school's own mail domains, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from poutama.db.identity import SignIn, find_person
from poutama.errors import ForbiddenError
from poutama.features.roster import steps
from poutama.features.roster.checkpoint import RosterPhase
from poutama.features.roster.runner import run_phase
from tests.db.roster_importer import Importer, errors
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

ACCEPT = (
    "mutation ($id: UUID!) { acceptMembership(input: {membershipId: $id}) { membership { id } } }"
)
ROLES = {"u1": "student", "t1": "teacher", "b1": "administrator"}


def school(*people: Any, class_: str = "Art", **tables: Table) -> bytes:
    """One class, with all of these in it."""
    wanted: dict[str, Table] = {
        "classes": classes((class_, class_)),
        "users": people,
        "enrollments": enrolments(
            *((class_, one["sourcedId"], one["role"]) for one in people if one["role"] in TAUGHT)
        ),
    }
    return roster_of({**wanted, **tables})


TAUGHT = ("student", "teacher")


def staff_and_student(name: str, domain: str) -> list[Any]:
    return [user(id_, name, role, email=f"{id_}@{domain}") for id_, role in ROLES.items()]


async def names(importer: Importer, domain: str) -> list[tuple[str, str]]:
    rows = await importer.rows(
        "SELECT email, name FROM person WHERE email LIKE '__@' || $1 ORDER BY email", domain
    )
    return [(row["email"], row["name"]) for row in rows]


async def test_a_roster_moves_no_one_to_an_address_outside_the_schools_domains(
    importer: Importer,
) -> None:
    """Enrolled by an address of the school, and then handed to a person who has another."""
    await importer.import_(school(*staff_and_student("A Ghost", "school.example")), managers=True)
    outside = school(*staff_and_student("New Name", "home.example"))
    checked = await importer.check(outside, managers=True)
    assert [error[3] for error in errors(checked)] == ["OTHER_DOMAIN"] * 3
    assert "ask those who run the service" in checked["checkJob"]["rowErrors"][0]["message"]
    assert "home.example" not in str(checked["changes"])
    applied = await importer.apply(checked)
    assert applied["rowsRefused"] == 0
    # The rest of each row is used.
    assert await names(importer, "home.example") == []
    assert await names(importer, "school.example") == [
        (f"{id_}@school.example", "New Name") for id_ in sorted(ROLES)
    ]
    for id_ in ROLES:
        with pytest.raises(ForbiddenError, match="not been invited"):
            await find_person(
                importer.database, SignIn("https://issuer.example", id_, f"{id_}@home.example")
            )


async def test_a_domain_that_is_taken_away_meanwhile_is_no_longer_the_schools(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await importer.import_(school(user("u1", "Ana T")))
    checked = await importer.check(school(user("u1", "Ana T", email="ana@school.example")))

    async def remove_before_people_are_written(*arguments: Any) -> Any:
        if arguments[0].checkpoint.phase is RosterPhase.WRITE_PEOPLE:
            await importer.write("DELETE FROM verified_domain")
        return await run_phase(*arguments)

    monkeypatch.setattr(steps, "run_phase", remove_before_people_are_written)
    await importer.apply(checked)
    assert await names(importer, "school.example") == [("u1@school.example", "Ana T")]


async def test_a_teacher_is_confirmed_by_the_address_that_they_have_alone(
    importer: Importer,
) -> None:
    """One who signs in with another address, and whom the file then lists with one of the school's,
    is not an adult whom the school knows."""
    teacher = user("t1", "Tea Cher", "teacher", email="t1@home.example")
    await importer.import_(school(teacher))
    person = await find_person(
        importer.database, SignIn("https://issuer.example", "t1", "t1@home.example")
    )
    await importer.import_(school({**teacher, "email": "t1@school.example"}, class_="Dance"))
    (offer,) = await importer.rows(
        "SELECT m.id, m.invited_email FROM membership AS m JOIN learning_group AS g"
        " ON g.id = m.group_id WHERE m.person_id = $1 AND g.name = 'Dance'",
        person,
    )
    await importer.write(
        "UPDATE membership SET person_id = $1 WHERE id = $2", id_of(Caller.OTHER_ADMIN), offer["id"]
    )
    await importer.ask(ACCEPT, Caller.OTHER_ADMIN, id=str(offer["id"]))
    (row,) = await importer.rows("SELECT confirmed FROM membership WHERE id = $1", offer["id"])
    assert (offer["invited_email"], row["confirmed"]) == ("t1@home.example", False)
