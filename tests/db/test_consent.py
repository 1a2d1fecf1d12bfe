"""Nothing that others do shares a student's goals: only what the student has accepted does."""

from __future__ import annotations

import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.identity import SignIn, find_person
from poutama.text import normalize_email
from poutama.viewer import Viewer
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

FOUND = """mutation { createOrganisation(input: { name: "Snoop" }) { organisation { id } } }"""
ADD = """mutation ($organisation: UUID!) {
  createGroup(input: { organisationId: $organisation, name: "Snoop" }) { group { id } } }"""
INVITE = """mutation ($input: InviteInput!) {
  invite(input: $input) { membership { id person { id } } } }"""
ACCEPT = """mutation ($id: UUID!) {
  acceptMembership(input: { membershipId: $id }) { membership { id } } }"""
END = "mutation ($id: UUID!) { endMembership(input: { membershipId: $id }) { membership { id } } }"
OPEN = """mutation ($id: UUID!) {
  openRecord(input: { personId: $id, reason: "To see if it opens" }) {
    openedRecord { id } } }"""
LOOK = """query ($student: UUID!, $goal: UUID!) {
  person(personId: $student) { name goals { id } goalsConnection { totalCount } }
  goals(goalId: $goal) { id }
  groups { progress { active } members { person { goals { id } } child { goals { id } } } } }"""
SNOOP, FRIEND = Viewer(id_of(Caller.STRANGER)), Viewer(id_of(Caller.OTHER_ADMIN))
STUDENT = Viewer(id_of(Caller.STUDENT))


@pytest_asyncio.fixture
async def snoop(client: EngineClient, engine_database: Database) -> EngineClient:
    """The student, and a stranger who may found whatever organisation they like."""
    await fill(engine_database)
    return client


async def sees_goals(client: EngineClient, viewer: Viewer) -> bool:
    student, goal = str(STUDENT.person_id), str(id_of("goal"))
    return str(id_of("goal")) in str(await client.ask(LOOK, viewer, student=student, goal=goal))


async def found(client: EngineClient) -> dict[str, str]:
    """What an invitation into the stranger's own organisation says."""
    organisation = (await client.ask(FOUND, SNOOP))["createOrganisation"]["organisation"]["id"]
    return {"organisationId": organisation, "name": "Anyone"}


async def invite_student(client: EngineClient, given: dict[str, str]) -> str:
    """The student's membership, not accepted yet."""
    made = await client.ask(ADD, SNOOP, organisation=given["organisationId"])
    group = made["createGroup"]["group"]["id"]
    student = {"email": "the-student@school.example", "role": "STUDENT", "groupId": group}
    answer = (await client.ask(INVITE, SNOOP, input={**given, **student}))["invite"]["membership"]
    assert answer["person"] is None
    return str(answer["id"])


CARE = {
    "email": "admin-of-another-organisation@school.example",
    "role": "CAREGIVER",
    "childId": str(STUDENT.person_id),
}


async def test_an_invitation_that_was_not_accepted_shares_nothing(snoop: EngineClient) -> None:
    await invite_student(snoop, await found(snoop))
    assert not await sees_goals(snoop, SNOOP)
    student, goal = str(STUDENT.person_id), str(id_of("goal"))
    seen = await snoop.ask(LOOK, SNOOP, student=student, goal=goal)
    assert seen["person"] is None


async def test_nobody_becomes_caregiver_of_a_student_who_has_accepted_nothing(
    snoop: EngineClient,
) -> None:
    given = await found(snoop)
    assert await snoop.refuse(INVITE, SNOOP, input={**given, **CARE}) == "NOT_FOUND"
    await invite_student(snoop, given)
    assert await snoop.refuse(INVITE, SNOOP, input={**given, **CARE}) == "NOT_FOUND"


async def test_what_was_accepted_is_shared(snoop: EngineClient) -> None:
    given = await found(snoop)
    membership = await invite_student(snoop, given)
    await snoop.ask(ACCEPT, STUDENT, id=membership)
    care = (await snoop.ask(INVITE, SNOOP, input={**given, **CARE}))["invite"]["membership"]
    await snoop.ask(ACCEPT, FRIEND, id=care["id"])
    await snoop.ask(OPEN, SNOOP, id=str(STUDENT.person_id))
    assert await sees_goals(snoop, SNOOP)
    assert await sees_goals(snoop, FRIEND)


async def test_who_has_left_shares_nothing_any_more(snoop: EngineClient) -> None:
    membership = await invite_student(snoop, await found(snoop))
    await snoop.ask(ACCEPT, STUDENT, id=membership)
    assert not await sees_goals(snoop, SNOOP), "who runs a school reads no diaries"
    await snoop.ask(OPEN, SNOOP, id=str(STUDENT.person_id))
    assert await sees_goals(snoop, SNOOP)
    await snoop.ask(END, STUDENT, id=membership)
    assert not await sees_goals(snoop, SNOOP)


async def test_an_invitation_is_found_by_the_sign_in_that_it_is_for(snoop: EngineClient) -> None:
    """However either is written: one function normalises both."""
    written, signed_in = " MA\u0304RIA@School.Example ", "m\u0101ria@SCHOOL.example"
    await snoop.ask(
        "mutation ($i: InviteInput!) { invite(input: $i) { membership { id } } }",
        viewer_for(Caller.MANAGER),
        i={
            "organisationId": str(id_of("organisation")),
            "groupId": str(id_of("group")),
            "role": "STUDENT",
            "email": written,
            "name": "Maria",
        },
    )
    sign_in = SignIn("https://issuer.example", "maria", normalize_email(signed_in))
    person = await find_person(snoop.database, sign_in)
    rows = await snoop.database.read(
        "select role from membership where person_id = $1", [person], deadline=soon()
    )
    assert [row["role"] for row in rows] == ["STUDENT"]
