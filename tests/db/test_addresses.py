"""An email address that belongs to one person and is claimed by another hands over nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from poutama.db.identity import SignIn, find_person
from poutama.errors import ForbiddenError
from poutama.viewer import Viewer
from tests.db.notices import shown
from tests.db.roster_importer import ORGANISATION, VERIFY, Importer, errors
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

ADDRESS = "u1@school.example"
ISSUER, SECOND_ISSUER = "https://issuer.example", "https://second.example"
TEACHER = "t1@school.example"
WRITE = """mutation { createGoal(input: {title: "private", goalType: WELLBEING, information: ""})
  { goal { id } } }"""
LOOK = "{ groups { members { person { name goals { title } } } } goals { title } }"
CONFLICTS = """{ addressConflicts { id kind source claimant email personName personSourcedId
      claimedName proposal decision version } }"""
RESOLVE = """mutation ($id: UUID!, $decision: AddressDecision!, $version: Int!) {
  resolveAddressConflict(input: {conflictId: $id, decision: $decision, expectedVersion: $version})
    { addressConflict { decision } } }"""
INVITE = "mutation ($input: InviteInput!) { invite(input: $input) { membership { id } } }"
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) { membership { id } } }"""
END = "UPDATE membership SET ends_at = now() WHERE person_id = $1"
FAR = id_of("other organisation")
STUDENT = user("u1", "Stu One")
NEWCOMER = user("u77", "Newbie Smith", email=ADDRESS)


def school(*people: Any, mode: str = "bulk", **tables: Table) -> bytes:
    """A class with a teacher, and these students."""
    members = [("c1", one["sourcedId"], one["role"]) for one in people]
    wanted: dict[str, Table] = {
        "classes": classes(("c1", "Art")),
        "users": [user("t1", "Tea Cher", "teacher"), *people],
        "enrollments": enrolments(("c1", "t1", "teacher"), *members),
    }
    return roster_of({**wanted, **tables}, mode)


async def sign_in(
    importer: Importer, email: str, subject: str | None = None, issuer: str = ISSUER
) -> Viewer:
    found = await find_person(importer.database, SignIn(issuer, subject or email, email))
    return Viewer(found)


async def send(importer: Importer, document: str, viewer: Viewer, **variables: Any) -> Any:
    return await EngineClient(importer.database, "json").ask(document, viewer, **variables)


async def conflicts(importer: Importer, caller: Caller = Caller.ADMIN) -> list[Any]:
    """All that the caller sees, but for the sample's."""
    found = (await send(importer, CONFLICTS, Viewer(id_of(caller))))["addressConflicts"]
    return [each for each in found if each["claimant"] != "subject"]


async def resolve(importer: Importer, decision: str) -> None:
    """Decide the one conflict that is open, by as many adults as it takes."""
    (found,) = [each for each in await conflicts(importer) if each["decision"] is None]
    first, shown = Viewer(id_of(Caller.ADMIN)), {"id": found["id"], "version": found["version"]}
    answer = await send(importer, RESOLVE, first, **shown, decision=decision)
    if decision == "SAME_PERSON":
        second, shown["version"] = Viewer(id_of(Caller.MANAGER)), found["version"] + 1
        answer = await send(importer, RESOLVE, second, **shown, decision=decision)
    assert answer["resolveAddressConflict"]["addressConflict"]["decision"] == decision


async def write_privately(importer: Importer, *, leaves: bool = True) -> Viewer:
    """A student with a private goal, who then leaves."""
    await importer.import_(school(STUDENT))
    student = await sign_in(importer, ADDRESS)
    await send(importer, WRITE, student)
    if leaves:
        await importer.import_(school())
    return student


async def write_by_hand(importer: Importer) -> Viewer:
    """A student with a private goal, whom no row of a roster stands for."""
    student = await write_privately(importer, leaves=False)
    await importer.write("DELETE FROM roster_person WHERE sourced_id = 'u1'")
    await importer.write(
        "UPDATE membership SET source = 'INVITED' WHERE person_id = $1", student.person_id
    )
    return student


async def sees(importer: Importer, viewer: Viewer) -> bool:
    return "private" in str(await send(importer, LOOK, viewer))


@pytest.mark.parametrize("leaves", [True, False], ids=["left before", "replaced at once"])
async def test_the_next_holder_of_an_address_is_not_the_last_one(
    importer: Importer, *, leaves: bool
) -> None:
    student = await write_privately(importer, leaves=leaves)
    applied = await importer.import_(school(NEWCOMER))
    assert not await sees(importer, await sign_in(importer, TEACHER))
    assert ("users.csv", 3, "email", "TAKEN") in errors(applied)
    (error,) = [e for e in applied["checkJob"]["rowErrors"] if e["code"] == "TAKEN"]
    assert ("Stu One" in error["message"]) == (not leaves)
    assert "Newbie Smith" in error["message"]
    (conflict,) = await conflicts(importer)
    assert conflict | {"id": ""} == {
        "id": "", "kind": "ROSTER", "source": "organisation", "claimant": "u77", "decision": None,
        "email": ADDRESS, "personName": None, "personSourcedId": "u1",
        "claimedName": "Newbie Smith", "proposal": None, "version": 1,
    }  # fmt: skip
    for caller in (Caller.MANAGER, Caller.OTHER_ADMIN, Caller.MENTOR):
        assert await conflicts(importer, caller) == []
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "newcomer")
    # The old account is still the old person's.
    assert await sign_in(importer, ADDRESS) == student


async def test_the_same_import_again_asks_once(importer: Importer) -> None:
    await write_privately(importer)
    for _ in range(2):
        await importer.import_(school(NEWCOMER))
    assert len(await conflicts(importer)) == 1
    # Another address for the newcomer, and there is nothing to ask.
    await importer.import_(school(user("u77", "Newbie Smith")))
    assert await conflicts(importer) == []


async def test_different_people_are_two_from_then_on(importer: Importer) -> None:
    student = await write_privately(importer)
    await importer.import_(school(NEWCOMER))
    await resolve(importer, "DIFFERENT_PEOPLE")
    await importer.import_(school(NEWCOMER))
    newcomer = await sign_in(importer, ADDRESS, "newcomer")
    assert newcomer != student
    assert await sign_in(importer, ADDRESS) == student
    assert await sees(importer, student)
    for viewer in (newcomer, await sign_in(importer, TEACHER)):
        assert not await sees(importer, viewer)
    # The student returns with their old row, without the address.
    back = school(STUDENT, NEWCOMER)
    assert ("users.csv", 3, "email", "AMBIGUOUS") not in errors(await importer.import_(back))


async def test_the_same_person_has_the_new_row(importer: Importer) -> None:
    student = await write_privately(importer)
    await importer.import_(school(NEWCOMER))
    await resolve(importer, "SAME_PERSON")
    applied = await importer.import_(school(NEWCOMER))
    # Who left is not renamed.
    assert errors(applied) == [("users.csv", 3, "email", "KEPT")]
    rows = await importer.rows("SELECT person_id, made FROM roster_person WHERE sourced_id = 'u77'")
    assert [tuple(row) for row in rows] == [(student.person_id, False)]
    # Who left is asked before anything is shared again.
    assert not await sees(importer, await sign_in(importer, TEACHER))


@pytest.mark.parametrize("issuer", [ISSUER, SECOND_ISSUER])
async def test_another_account_with_the_address_waits_for_the_administrator(
    importer: Importer, issuer: str
) -> None:
    await importer.import_(school(STUDENT))
    student = await sign_in(importer, ADDRESS)
    for _ in range(2):
        with pytest.raises(ForbiddenError, match="must decide"):
            await sign_in(importer, ADDRESS, "other", issuer)
    (conflict,) = await conflicts(importer)
    assert (conflict["kind"], conflict["source"]) == ("SIGN_IN", issuer)
    await resolve(importer, "SAME_PERSON")
    assert await sign_in(importer, ADDRESS, "other", issuer) == student
    accounts = await importer.rows("SELECT issuer FROM identity")
    assert len(accounts) == (1 if issuer == ISSUER else 2)
    entries = "SELECT kind FROM audit_entry WHERE subject_id = $1 AND actor_id = $2"
    kinds = await importer.rows(entries, student.person_id, id_of(Caller.ADMIN))
    assert {"Person", "AddressConflict"} <= {row["kind"] for row in kinds}


async def test_who_left_before_they_signed_in_is_not_found_by_the_address(
    importer: Importer,
) -> None:
    await importer.import_(school(STUDENT))
    await importer.import_(school())
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS)
    await resolve(importer, "DIFFERENT_PEOPLE")
    with pytest.raises(ForbiddenError, match="not been invited"):
        await sign_in(importer, ADDRESS)


async def test_only_the_school_that_the_person_belongs_to_decides(importer: Importer) -> None:
    await importer.import_(school(STUDENT))
    student = await sign_in(importer, ADDRESS)
    with pytest.raises(ForbiddenError):
        await sign_in(importer, ADDRESS, "other")
    (conflict,) = await conflicts(importer)
    input = {"id": conflict["id"], "decision": "SAME_PERSON", "version": conflict["version"]}
    client, admin = EngineClient(importer.database, "json"), Viewer(id_of(Caller.ADMIN))
    stranger = Viewer(id_of(Caller.OTHER_ADMIN))
    for viewer in (stranger, student, Viewer(id_of(Caller.MANAGER))):
        assert await client.refuse(RESOLVE, viewer, **input) == "NOT_FOUND"
    await importer.write(VERIFY, ORGANISATION, False)
    assert await client.refuse(RESOLVE, admin, **input) == "CONFLICT"
    await importer.write(VERIFY, ORGANISATION, True)
    await importer.write("UPDATE person SET email = 'x@y.example' WHERE id = $1", student.person_id)
    assert await client.refuse(RESOLVE, admin, **input) == "CONFLICT"


async def test_another_schools_student_is_neither_taken_nor_named(importer: Importer) -> None:
    await importer.import_(school(STUDENT))
    # The same person, as a row of another verified school's roster, which has the domain as well.
    await importer.verify(FAR)
    await importer.write("DELETE FROM verified_domain WHERE organisation_id = $1", ORGANISATION)
    await importer.write(
        "INSERT INTO roster_person (organisation_id, sourced_id, person_id, hash, made)"
        " SELECT $1::uuid, 'far', id, '', false FROM person WHERE email = $2",
        FAR,
        ADDRESS,
    )
    await importer.write("DELETE FROM roster_person WHERE sourced_id = 'u1'")
    await importer.write("DELETE FROM membership WHERE source = 'ROSTER'")
    applied = await importer.import_(school(NEWCOMER))
    (error,) = [e for e in applied["checkJob"]["rowErrors"] if e["field"] == "email"]
    assert (error["code"], "Stu One" in error["message"]) == ("FOREIGN", False)
    for caller in (Caller.ADMIN, Caller.OTHER_ADMIN):
        assert await conflicts(importer, caller) == []


async def test_a_strangers_invitation_neither_opens_nor_keeps_a_leavers_address(
    importer: Importer,
) -> None:
    await importer.import_(school(STUDENT))
    await importer.import_(school(NEWCOMER))
    await invite(importer, FAR)
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "newcomer")
    await pass_days(importer, 91)
    assert await run_task("free_addresses", importer.database, importer.store) == 1


async def test_who_only_invited_a_person_does_not_decide_about_their_account(
    importer: Importer,
) -> None:
    await importer.import_(school(STUDENT))
    await sign_in(importer, ADDRESS)
    await importer.write("UPDATE membership SET accepted_at = NULL WHERE source = 'ROSTER'")
    await importer.write("UPDATE verified_domain SET domain = 'other.example'")
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "other", SECOND_ISSUER)
    assert await conflicts(importer) == []
    # Of a person who has never signed in there is no account, and the school is asked.
    await importer.write("DELETE FROM identity")
    await importer.import_(school())
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "other", SECOND_ISSUER)
    assert [each["kind"] for each in await conflicts(importer)] == ["SIGN_IN"]


async def test_a_row_that_stood_for_a_leaver_by_the_address_is_the_newcomers(
    importer: Importer,
) -> None:
    """The row stood for them before they left."""
    student = await write_by_hand(importer)
    await importer.import_(school(NEWCOMER))
    await importer.write(END, student.person_id)
    assert not await sees(importer, await sign_in(importer, TEACHER))
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "newcomer")
    await resolve(importer, "DIFFERENT_PEOPLE")
    await importer.import_(school(NEWCOMER))
    assert await sign_in(importer, ADDRESS, "newcomer") != student
    assert await sees(importer, student)


async def test_a_leaver_whom_no_roster_made_is_not_taken_for_the_newcomer(
    importer: Importer,
) -> None:
    """They were invited by hand, and have signed in."""
    student = await write_by_hand(importer)
    await importer.write(END, student.person_id)
    assert ("users.csv", 3, "email", "TAKEN") in errors(await importer.import_(school(NEWCOMER)))
    await resolve(importer, "DIFFERENT_PEOPLE")
    await importer.import_(school(NEWCOMER))
    assert await sign_in(importer, ADDRESS, "newcomer") != student
    assert not await sees(importer, await sign_in(importer, TEACHER))


@pytest.mark.parametrize("role", ["STUDENT", "MENTOR"])
async def test_what_is_offered_to_the_address_of_a_leaver_is_the_newcomers(
    importer: Importer, role: str
) -> None:
    student = await write_privately(importer)
    place = {"organisationId": str(ORGANISATION), "groupId": str(id_of("group"))}
    offered = {**place, "email": ADDRESS, "name": "Newbie Smith", "role": role}
    made = await send(importer, INVITE, Viewer(id_of(Caller.MANAGER)), input=offered)
    offer = await shown(importer, made["invite"]["membership"]["id"])
    client = EngineClient(importer.database, "json")
    assert await client.refuse(ACCEPT, student, **offer) == "NOT_FOUND"
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "newcomer")
    # The leaver's account may still have the address at its issuer.
    assert await sign_in(importer, ADDRESS) == student
    assert await client.refuse(ACCEPT, student, **offer) == "NOT_FOUND"
    await resolve(importer, "DIFFERENT_PEOPLE")
    newcomer = await sign_in(importer, ADDRESS, "newcomer")
    await send(importer, ACCEPT, newcomer, **await shown(importer, offer["id"]))
    assert newcomer != student


async def test_an_offer_to_an_address_that_is_claimed_waits_for_the_decision(
    importer: Importer,
) -> None:
    student = await write_privately(importer, leaves=False)
    place = {"organisationId": str(ORGANISATION), "groupId": str(id_of("group"))}
    offered = {**place, "email": ADDRESS, "name": "x", "role": "MENTOR"}
    made = await send(importer, INVITE, Viewer(id_of(Caller.MANAGER)), input=offered)
    offer = await shown(importer, made["invite"]["membership"]["id"])
    with pytest.raises(ForbiddenError, match="must decide"):
        await sign_in(importer, ADDRESS, "newcomer")
    client = EngineClient(importer.database, "json")
    assert await client.refuse(ACCEPT, student, **offer) == "CONFLICT"
    await resolve(importer, "SAME_PERSON")
    await send(importer, ACCEPT, student, **offer)


async def test_who_lost_an_address_does_not_get_what_is_offered_to_it(importer: Importer) -> None:
    student = await write_privately(importer)
    await importer.import_(school(NEWCOMER))
    await resolve(importer, "DIFFERENT_PEOPLE")
    await importer.write(
        "INSERT INTO membership (id, organisation_id, role, source, invited_email)"
        " VALUES (gen_random_uuid(), $1::uuid, 'MENTOR_MANAGER', 'INVITED', $2)",
        ORGANISATION,
        ADDRESS,
    )
    # The issuer still has the address for the student's account.
    assert await sign_in(importer, ADDRESS) == student
    waiting = "SELECT person_id FROM membership WHERE invited_email = $1 AND role <> 'STUDENT'"
    assert [row["person_id"] for row in await importer.rows(waiting, ADDRESS)] == [None]
    newcomer = await sign_in(importer, ADDRESS, "newcomer")
    rows = await importer.rows(waiting, ADDRESS)
    assert [row["person_id"] for row in rows] == [newcomer.person_id] != [student.person_id]


async def invite(importer: Importer, organisation: UUID) -> None:
    """The organisation offers a membership to the person who has the address."""
    await importer.write(
        "INSERT INTO membership (id, organisation_id, person_id, role, source)"
        " SELECT gen_random_uuid(), $1::uuid, id, 'MENTOR_MANAGER', 'INVITED'"
        " FROM person WHERE email = $2",
        organisation,
        ADDRESS,
    )


async def pass_days(importer: Importer, days: int) -> None:
    """As if whatever has ended had ended so many days ago."""
    for statement in (
        "UPDATE membership SET ends_at = ends_at - $1::int8 * interval '1 day'",
        "UPDATE roster_person SET updated_at = updated_at - $1::int8 * interval '1 day'",
    ):
        await importer.write(statement, days)


@pytest.mark.parametrize(("days", "freed"), [(89, 0), (91, 1)])
async def test_the_address_of_who_left_is_free_after_some_time(
    importer: Importer, days: int, freed: int
) -> None:
    student = await write_privately(importer)
    await importer.import_(school(NEWCOMER))
    await pass_days(importer, days)
    assert await run_task("free_addresses", importer.database, importer.store) == freed
    await importer.import_(school(NEWCOMER))
    there = await importer.rows("SELECT 1 FROM person WHERE name = 'Newbie Smith'")
    assert len(there) == freed
    assert await sign_in(importer, ADDRESS) == student
    assert not await sees(importer, await sign_in(importer, TEACHER))


@pytest.mark.parametrize("claimed", [False, True], ids=["no school", "a school with other domains"])
async def test_an_address_that_no_roster_may_claim_stays(
    importer: Importer, *, claimed: bool
) -> None:
    await write_privately(importer)
    if claimed:
        await importer.import_(school(NEWCOMER))
        assert len(await conflicts(importer)) == 1
        await importer.write("UPDATE verified_domain SET domain = 'other.example'")
    await pass_days(importer, 365)
    assert await run_task("free_addresses", importer.database, importer.store) == 0
    assert await importer.rows("SELECT 1 FROM person WHERE email = $1", ADDRESS)
