"""Whom an import enrols without asking: people of the school's mail domains, who have not left."""

from __future__ import annotations

from typing import Any

import pytest

from poutama.features.roster import steps
from poutama.features.roster.runner import run_phase
from tests.db.notices import shown
from tests.db.roster_importer import Importer, counts
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

END = "mutation ($id: UUID!) { endMembership(input: {membershipId: $id}) { membership { id } } }"
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: {membershipId: $id, noticeVersion: $notice}) { membership { id } } }"""
STUDENT = user("u1", "The Student", email="the-student@school.example")
TAKEN = (
    "The email 'X' may be another person's: Ana T was not added. Where addressConflicts lists it,"
    " an administrator decides whether they are one person; otherwise use an address of the"
    " school's own mail domains, or give them the join code of their class."
)
INVITED = ("invitedOtherDomain", "invitedOwnDecision")


def school(*people: Any, class_: str = "Art", **tables: Table) -> bytes:
    """One class, with all of these in it."""
    wanted: dict[str, Table] = {
        "classes": classes((class_, class_)),
        "users": people,
        "enrollments": enrolments(*((class_, one["sourcedId"], one["role"]) for one in people)),
    }
    return roster_of({**wanted, **tables})


def invited(seen: Any) -> dict[str, int]:
    return {name: seen[name] for name in INVITED if seen[name]}


async def study_elsewhere(importer: Importer, *, accepted: bool) -> None:
    """The student is offered a membership of another organisation."""
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source,"
        " accepted_at) VALUES (gen_random_uuid(), $1, $2, $3, 'STUDENT', 'INVITED',"
        " CASE WHEN $4::bool THEN now() END)",
        id_of("other organisation"),
        id_of("far group"),
        id_of(Caller.STUDENT),
        accepted,
    )


async def find_membership(importer: Importer, class_: str) -> str:
    rows = await importer.rows(
        "SELECT m.id FROM membership AS m JOIN learning_group AS g ON g.id = m.group_id"
        " WHERE g.name = $1 AND m.person_id = $2 AND (m.ends_at IS NULL OR m.ends_at > now())",
        class_,
        id_of(Caller.STUDENT),
    )
    return str(rows[0]["id"])


@pytest.mark.parametrize(
    ("email", "enrolled"),
    [
        ("u1@school.example", True),
        ("U1@School.Example", True),
        ("u1@gmail.example", False),
        ("u1@sub.school.example", False),
        ("u1@my-school.example", False),
        ("u1@school.example.org", False),
        ("school.example@gmail.example", False),
    ],
)
async def test_only_addresses_of_exactly_the_schools_domain_are_enrolled(
    importer: Importer, email: str, *, enrolled: bool
) -> None:
    applied = await importer.import_(school(user("u1", "Ana T", email=email)))
    assert await importer.members("Art") == ([(email.lower(), "STUDENT")] if enrolled else [])
    assert invited(applied) == ({} if enrolled else {"invitedOtherDomain": 1})
    assert counts(applied) == {"groupsAdded": 1, "peopleAdded": 1, "membershipsAdded": 1}
    said = applied["changes"][-1]["sentence"]
    assert ("none of its mail domains" in said) is not enrolled


async def test_a_verified_school_without_a_domain_invites_all_people(importer: Importer) -> None:
    await importer.write("DELETE FROM verified_domain")
    applied = await importer.import_(school(STUDENT, user("t1", "Tea Cher", "teacher")))
    assert await importer.members("Art") == []
    assert invited(applied) == {"invitedOtherDomain": 2}


async def test_who_ended_a_membership_themselves_is_asked_before_they_are_in_again(
    importer: Importer,
) -> None:
    await importer.import_(school(STUDENT))
    assert len(await importer.members("Art")) == 1
    await importer.ask(END, Caller.STUDENT, id=await find_membership(importer, "Art"))
    applied = await importer.import_(school(STUDENT, class_="Dance"))
    assert await importer.members("Dance") == []
    assert invited(applied) == {"invitedOwnDecision": 1}
    # Nor is an earlier membership taken for another by its next line.
    again = enrolments(("Art", "u1", "student"), endDate="2090-01-01")
    await importer.import_(school(STUDENT, enrollments=again))
    assert await importer.members("Art") == []
    # Once they have accepted, they are a student like the others.
    offered = await find_membership(importer, "Art")
    await importer.ask(ACCEPT, Caller.STUDENT, **await shown(importer, offered))
    applied = await importer.import_(school(STUDENT, class_="Drama"))
    assert await importer.members("Drama") == [("the-student@school.example", "STUDENT")]
    assert invited(applied) == {}


async def test_who_was_removed_by_the_school_is_enrolled_by_the_school(
    importer: Importer,
) -> None:
    await importer.import_(school(STUDENT))
    await importer.ask(END, Caller.ADMIN, id=await find_membership(importer, "Art"))
    await importer.import_(school(STUDENT, class_="Dance"))
    assert await importer.members("Dance") == [("the-student@school.example", "STUDENT")]


@pytest.mark.parametrize("accepted", [True, False])
async def test_who_belongs_to_another_organisation_is_asked(
    importer: Importer, *, accepted: bool
) -> None:
    """Any stranger may have invited them: an invitation alone changes nothing."""
    await study_elsewhere(importer, accepted=accepted)
    applied = await importer.import_(school(STUDENT))
    assert invited(applied) == ({"invitedOwnDecision": 1} if accepted else {})
    assert len(await importer.members("Art")) == (0 if accepted else 1)
    # The school does not learn which of the reasons it is.
    said = applied["changes"][-1]["sentence"]
    assert ("had an account here before, belong to another" in said) is accepted


async def test_what_has_changed_since_the_rows_were_matched_is_decided_again(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = await importer.check(school(user("u1", "Ana T")))

    async def remove_once_people_are_written(*arguments: Any) -> Any:
        if await importer.rows("SELECT 1 FROM person WHERE email = 'u1@school.example'"):
            await importer.write("DELETE FROM verified_domain")
        return await run_phase(*arguments)

    monkeypatch.setattr(steps, "run_phase", remove_once_people_are_written)
    applied = await importer.apply(checked)
    assert applied["membershipsAdded"] == 1
    assert await importer.members("Art") == []
    (row,) = await importer.rows("SELECT * FROM membership WHERE source = 'ROSTER'")
    assert (row["accepted_at"], row["invited_name"]) == (None, "Ana T")


async def test_a_check_does_not_say_which_addresses_elsewhere_have_an_account(
    importer: Importer,
) -> None:
    """It said so of an account, and otherwise of a person of another school's roster or of one who
    had left."""
    far = id_of("other organisation")
    await importer.verify(far)
    addresses = [f"{who}@mail.example" for who in ("unknown", "signed-in", "left", "listed")]
    for email in addresses[1:]:
        await importer.write("INSERT INTO person (id, name, email) VALUES ($1, 'A', $2)",
            id_of(email), email)  # fmt: skip
    await importer.write(
        "INSERT INTO membership (id, organisation_id, person_id, role, source, accepted_at,"
        " ends_at) VALUES ($1, $2, $1, 'ADMIN', 'INVITED', now(), now())",
        *(id_of(addresses[2]), far),
    )
    await importer.write(
        "INSERT INTO roster_import (id, organisation_id, managers, state, name, media_type, bytes,"
        " sha256, object_key) VALUES ($1, $1, false, 'APPLIED', 'a', 'a', 1, 'a', 'a')",
        far,
    )
    await importer.write(
        "INSERT INTO roster_person (organisation_id, sourced_id, person_id, import_id, hash, made)"
        " VALUES ($1, 's', $2, $1, '', true)",
        *(far, id_of(addresses[3])),
    )
    people = [user(f"u{n}", "Ana T", email=email) for n, email in enumerate(addresses)]
    checked = await importer.check(school(*people))
    added = [each for each in checked["changes"] if each["kind"] == "PERSON"]
    said = {each["sentence"] for each in added}
    assert said == {f"New person Ana T ({email})." for email in addresses[:2]}
    refused = [
        each["message"] for each in checked["checkJob"]["rowErrors"] if each["field"] == "email"
    ]
    assert [
        text.replace(email, "X") for text, email in zip(refused, addresses[2:], strict=True)
    ] == [TAKEN] * 2
    # Nor does it claim them.
    assert not await importer.rows("SELECT 1 FROM address_conflict WHERE kind = 'ROSTER'")
