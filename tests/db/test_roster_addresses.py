"""Whose addresses a roster may set: those of the school's own mail domains, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from poutama.db.identity import SignIn, find_person
from poutama.errors import ForbiddenError
from poutama.features.roster import steps
from poutama.features.roster.checkpoint import RosterPhase
from poutama.features.roster.runner import run_phase
from tests.db.notices import shown
from tests.db.roster_importer import ORGANISATION, Importer, errors
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) { membership { id } } }"""
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
FAR = id_of("other organisation")
DECLINE = (
    "mutation ($id: UUID!) { declineInvitation(input: {membershipId: $id}) { membership { id } } }"
)
RESOLVE = """mutation ($id: UUID!) {
  resolveAddressConflict(input: {
    conflictId: $id, decision: DIFFERENT_PEOPLE, expectedVersion: 1 })
    { addressConflict { decision } } }"""


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
    await importer.ask(ACCEPT, Caller.OTHER_ADMIN, **await shown(importer, offer["id"]))
    (row,) = await importer.rows("SELECT confirmed FROM membership WHERE id = $1", offer["id"])
    assert (offer["invited_email"], row["confirmed"]) == ("t1@home.example", False)


async def list_elsewhere(importer: Importer, email: str, *, signed_in: bool = False) -> Any:
    """Another verified school, with another domain, has listed the address; returns its person."""
    await importer.write("UPDATE organisation SET verified = true WHERE id = $1", FAR)
    person = id_of(email)
    await importer.write(
        "INSERT INTO person (id, name, email) VALUES ($1, 'Guess', $2)", person, email
    )
    await importer.write(
        "INSERT INTO roster_import (id, organisation_id, managers, state, name, media_type, bytes,"
        " sha256, object_key) VALUES ($1, $2, false, 'APPLIED', 'a', 'a', 1, 'a', 'a')",
        *(person, FAR),
    )
    await importer.write(
        "INSERT INTO roster_person (organisation_id, sourced_id, person_id, import_id, hash, made)"
        " VALUES ($1, $3, $2, $2, '', true)",
        *(FAR, person, email),
    )
    await importer.write(
        "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source,"
        " invited_email, accepted_at) VALUES ($2, $1, $3, $2, 'STUDENT', 'ROSTER', $4,"
        " CASE WHEN $5::bool THEN now() END)",
        *(FAR, person, id_of("far group"), email, signed_in),
    )
    if signed_in:
        await bind(importer, person)
    return person


async def bind(importer: Importer, person: Any) -> None:
    await importer.write(
        "INSERT INTO identity (issuer, subject, person_id) VALUES ('i', $2, $1)",
        *(person, str(person)),
    )


async def test_the_owner_of_a_mail_domain_takes_an_address_from_whom_others_listed(
    importer: Importer,
) -> None:
    ghost = await list_elsewhere(importer, "u1@school.example")
    applied = await importer.import_(school(user("u1", "Mere Real")))
    assert errors(applied) == [("users.csv", 2, "email", "FREED")]
    assert await names(importer, "school.example") == [("u1@school.example", "Mere Real")]
    assert await importer.members("Art") == [("u1@school.example", "STUDENT")]
    (row,) = await importer.rows("SELECT email FROM person WHERE id = $1", ghost)
    assert row["email"] is None
    assert not await importer.rows("SELECT 1 FROM address_conflict WHERE kind = 'ROSTER'")
    # For a correction of an address as well.
    await list_elsewhere(importer, "u2@school.example")
    await importer.import_(school(user("u1", "Mere Real", email="u2@school.example")))
    assert await names(importer, "school.example") == [("u2@school.example", "Mere Real")]


async def test_the_owner_of_a_mail_domain_decides_about_its_addresses_alone(
    importer: Importer,
) -> None:
    person = await list_elsewhere(importer, "u1@school.example", signed_in=True)
    applied = await importer.import_(school(user("u1", "Mere Real")))
    assert ("users.csv", 2, "email", "TAKEN") in errors(applied)
    (found,) = await importer.rows(
        "SELECT id, organisation_id, claimed_name FROM address_conflict WHERE person_id = $1",
        person,
    )
    assert tuple(found)[1:] == (ORGANISATION, "Mere Real")
    id_ = str(found["id"])
    assert (await importer.refuse(RESOLVE, Caller.OTHER_ADMIN, id=id_))[0] == "NOT_FOUND"
    await importer.ask(RESOLVE, id=id_)
    await importer.import_(school(user("u1", "Mere Real")))
    assert await names(importer, "school.example") == [("u1@school.example", "Mere Real")]


@pytest.mark.parametrize("known", [False, True])
async def test_an_address_of_another_schools_domain_makes_no_person_and_no_claim(
    importer: Importer, *, known: bool
) -> None:
    await importer.write("INSERT INTO verified_domain VALUES ($1, 'far.example', now())", FAR)
    if known:
        await list_elsewhere(importer, "u1@far.example", signed_in=True)
    people = len(await importer.rows("SELECT 1 FROM person"))
    checked = await importer.check(school(user("u1", "A Guess", email="u1@far.example")))
    assert errors(checked)[0] == ("users.csv", 2, "email", "FOREIGN")
    await importer.apply(checked)
    assert len(await importer.rows("SELECT 1 FROM person")) == people
    assert not await importer.rows("SELECT 1 FROM address_conflict WHERE kind = 'ROSTER'")
    assert not await importer.rows(
        "SELECT 1 FROM membership WHERE source = 'ROSTER' AND organisation_id = $1", ORGANISATION
    )


async def test_who_left_is_neither_named_to_a_roster_nor_renamed_by_it(importer: Importer) -> None:
    await importer.import_(school(user("u1", "Dead Name")))
    (row,) = await importer.rows("SELECT id FROM person WHERE email = 'u1@school.example'")
    await bind(importer, row["id"])
    await importer.write(
        "UPDATE membership SET ends_at = now(), ended_by_id = person_id WHERE person_id = $1",
        row["id"],
    )
    await importer.write("UPDATE person SET name = 'My New Name' WHERE id = $1", row["id"])
    # Whether the guess is right or wrong, the report is the same.
    for guess in ("A Probe", "My New Name"):
        checked = await importer.check(school(user("u1", guess), class_="Dance"))
        assert errors(checked) == [("users.csv", 2, "email", "KEPT")]
        assert checked["peopleChanged"] == 0
    await importer.import_(school(user("u1", "A Probe")))
    assert await names(importer, "school.example") == [("u1@school.example", "My New Name")]


async def test_who_is_only_offered_a_place_is_not_named_by_the_roster(importer: Importer) -> None:
    row = user("u1", "Unkind Name", email="u1@home.example")
    await importer.import_(school(row))
    sign_in = SignIn("https://issuer.example", "u1", "u1@home.example", "Aroha W")
    await find_person(importer.database, sign_in)
    assert await names(importer, "home.example") == [("u1@home.example", "Aroha W")]
    await importer.import_(school({**row, "familyName": "Again"}))
    assert await names(importer, "home.example") == [("u1@home.example", "Aroha W")]


async def test_no_roster_offers_again_to_who_has_declined(importer: Importer) -> None:
    row = user("u1", "Ana T", email="u1@home.example")
    await importer.import_(school(row))
    (offer,) = await importer.rows("SELECT id, person_id FROM membership WHERE source = 'ROSTER'")
    await importer.write(
        "UPDATE membership SET person_id = $1 WHERE id = $2", id_of(Caller.OTHER_ADMIN), offer["id"]
    )
    await importer.ask(DECLINE, Caller.OTHER_ADMIN, id=str(offer["id"]))
    applied = await importer.import_(school(row, class_="Dance"))
    assert errors(applied) == [("enrollments.csv", 2, "userSourcedId", "DECLINED")]
    assert applied["invitedOtherDomain"] == 0
    assert len(await importer.rows("SELECT 1 FROM membership WHERE source = 'ROSTER'")) == 1
    await importer.write("UPDATE membership SET declined_at = declined_at - interval '91 days'")
    assert (await importer.import_(school(row, class_="Drama")))["invitedOtherDomain"] == 1
