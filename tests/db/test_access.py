"""Who has access to a student: confirmed caregivers, what the removed leave behind, the list of all
of it, and join codes that admit only whom the group wants."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.notices import shown
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import JOIN_CODE, id_of
from tests.golden.engine_client import EngineClient

INVITE = """mutation ($input: InviteInput!) { invite(input: $input) { membership { id } } }"""
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) {
    membership { id confirmed } } }"""
CONFIRM = """mutation ($id: UUID!) { confirmMembership(input: { membershipId: $id }) {
  membership { confirmed confirmedBy { id } applicantName } } }"""
END = """mutation ($id: UUID!, $all: Boolean! = false) {
  endMembership(input: { membershipId: $id, endGranted: $all }) {
    endedGrants membership { endsAt } } }"""
JOIN = """mutation ($code: String!) {
  joinGroup(input: { joinCode: $code }) { membership { id confirmed } } }"""
RENEW = """mutation ($id: UUID!, $days: Int) {
  renewJoinCode(input: { groupId: $id, days: $days }) { group { joinCode joinCodeExpiresAt } } }"""
APPROVAL = """mutation ($id: UUID!) {
  updateGroup(input: { groupId: $id, joinApproval: true }) { group { joinApproval } } }"""
GOALS = "query ($id: UUID!) { person(personId: $id) { goals { id } } }"
WAITING = """query ($id: UUID!) { person(personId: $id) { id }
  me { memberships { id } } groups { members(filter: { confirmed: { eq: false } }) {
    id applicantName person { id } } } }"""
GRANTED = """query ($id: UUID!) { person(personId: $id) {
  granted { id role child { name } } confirmations { id role } } }"""
ACCESS = """query ($id: UUID!) { person(personId: $id) { access(orderBy: [REASON_ASC]) {
  id reason readsGoals holderName organisationName groupName since grantedByName confirmedByName
  membership { id } } } }"""
OPEN = """mutation ($id: UUID!) { openRecord(input: {
  personId: $id, reason: "A mentor has reported harm" }) { openedRecord { id } } }"""
CHILD = str(id_of(Caller.STUDENT))
STUDENT, CLASSMATE = viewer_for(Caller.STUDENT), viewer_for(Caller.CLASSMATE)
MANAGER, ADMIN = viewer_for(Caller.MANAGER), viewer_for(Caller.ADMIN)
MENTOR, CAREGIVER = viewer_for(Caller.MENTOR), viewer_for(Caller.CAREGIVER)
STRANGER = viewer_for(Caller.STRANGER)


@pytest_asyncio.fixture
async def school(client: EngineClient, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    settings, computed = Settings(rendering=client.rendering), load_features().computed
    client.engine = Engine(
        load_model(), engine_database, settings, client.procedures, computed=lambda _: computed
    )
    return client


async def care(
    school: EngineClient, carer: Viewer | None = STRANGER, *, by: Viewer | None = MANAGER
) -> str:
    """The membership of a caregiver of the student, whom `by` invited and who has accepted."""
    assert carer is not None
    rows = await school.database.read(
        "select email from person where id = $1", [carer.person_id], deadline=soon()
    )
    input = {"organisationId": str(id_of("organisation")), "childId": CHILD, "role": "CAREGIVER"}
    made = await school.ask(INVITE, by, input={**input, "email": rows[0]["email"], "name": "x"})
    membership: str = made["invite"]["membership"]["id"]
    accepted = await school.ask(ACCEPT, carer, **await shown(school, membership))
    assert not accepted["acceptMembership"]["membership"]["confirmed"]
    return membership


async def reads_goals(school: EngineClient, viewer: Viewer | None, student: str = CHILD) -> bool:
    found = (await school.ask(GOALS, viewer, id=student))["person"]
    return found is not None and found["goals"] != []


async def list_access(school: EngineClient, viewer: Viewer | None) -> list[dict[str, Any]]:
    found = (await school.ask(ACCESS, viewer, id=CHILD))["person"]
    access: list[dict[str, Any]] = found["access"] if found else []
    return access


# Caregivers


@pytest.mark.parametrize("inviter", [MANAGER, ADMIN])
async def test_a_manager_cannot_make_themselves_a_childs_caregiver(
    school: EngineClient, inviter: Viewer
) -> None:
    membership = await care(school, MANAGER, by=inviter)
    assert not await reads_goals(school, MANAGER)
    assert await school.refuse(CONFIRM, MANAGER, id=membership) == "NOT_FOUND"
    assert not await reads_goals(school, MANAGER)


@pytest.mark.parametrize("leader", [MANAGER, ADMIN])
async def test_who_leads_does_not_make_themselves_a_mentor(
    school: EngineClient, leader: Viewer
) -> None:
    email = str((await school.ask("{ me { email } }", leader))["me"]["email"])
    place = {"organisationId": str(id_of("organisation")), "groupId": str(id_of("group"))}
    offer = {**place, "role": "MENTOR", "email": email, "name": "x"}
    made = await school.ask(INVITE, leader, input=offer)
    membership = made["invite"]["membership"]["id"]
    assert await school.refuse(ACCEPT, leader, **await shown(school, membership)) == "NOT_FOUND"
    assert not await reads_goals(school, leader)


@pytest.mark.parametrize("second", [STUDENT, ADMIN])
async def test_a_caregiver_is_confirmed_by_the_child_or_a_second_adult(
    school: EngineClient, second: Viewer
) -> None:
    membership = await care(school)
    assert not await reads_goals(school, STRANGER)
    for refused in (STRANGER, MANAGER, MENTOR, CLASSMATE):
        assert await school.refuse(CONFIRM, refused, id=membership) == "NOT_FOUND"
    confirmed = (await school.ask(CONFIRM, second, id=membership))["confirmMembership"]
    assert confirmed["membership"]["confirmed"]
    assert await reads_goals(school, STRANGER)


async def test_the_child_sees_who_wants_to_be_their_caregiver(school: EngineClient) -> None:
    membership = await care(school)
    rows = (
        await school.ask(
            """query ($id: UUID!) { organisations { memberships(filter: { id: { eq: $id } }) {
              id role applicantName confirmed } } }""",
            STUDENT,
            id=membership,
        )
    )["organisations"][0]["memberships"]
    assert rows == [
        {"id": membership, "role": "CAREGIVER", "applicantName": "stranger", "confirmed": False}
    ]


async def test_who_has_not_accepted_cannot_be_confirmed(school: EngineClient) -> None:
    input = {"organisationId": str(id_of("organisation")), "childId": CHILD, "role": "CAREGIVER"}
    who = {"email": "new@school.example", "name": "New"}
    made = await school.ask(INVITE, MANAGER, input={**input, **who})
    membership = made["invite"]["membership"]["id"]
    assert await school.refuse(CONFIRM, STUDENT, id=membership) == "CONFLICT"


async def test_a_child_ends_their_caregivers_access(school: EngineClient) -> None:
    assert await reads_goals(school, CAREGIVER)
    await school.ask(END, STUDENT, id=str(id_of("caregiver's")))
    assert not await reads_goals(school, CAREGIVER)


# What the removed leave behind


async def test_removing_a_member_shows_and_ends_what_they_granted(school: EngineClient) -> None:
    membership = await care(school)
    await school.ask(CONFIRM, STUDENT, id=membership)
    manager = str(id_of(Caller.MANAGER))
    listed = (await school.ask(GRANTED, ADMIN, id=manager))["person"]["granted"]
    assert {"id": membership, "role": "CAREGIVER", "child": {"name": "the student"}} in listed
    await school.ask(END, ADMIN, id=str(id_of("manager's")))
    assert await reads_goals(school, STRANGER), "only where the caller says so"
    ended = (await school.ask(END, ADMIN, id=str(id_of("manager's")), all=True))["endMembership"]
    assert ended["endedGrants"] == len(listed)
    assert not await reads_goals(school, STRANGER)
    rows = await school.database.read(
        "select withdrawn_at, withdrawn_by_id from consent where membership_id = $1",
        [membership],
        deadline=soon(),
    )
    assert [row["withdrawn_by_id"] for row in rows] == [id_of(Caller.ADMIN)]


async def test_whom_the_removed_confirmed_waits_again(school: EngineClient) -> None:
    membership = await care(school, by=ADMIN)
    await school.ask(CONFIRM, MANAGER, id=membership)
    assert await reads_goals(school, STRANGER)
    await school.ask(END, ADMIN, id=str(id_of("manager's")), all=True)
    assert not await reads_goals(school, STRANGER)
    await school.ask(CONFIRM, STUDENT, id=membership)
    assert await reads_goals(school, STRANGER)


# The list


async def test_a_child_lists_who_has_access_why_since_when_and_by_whom(
    school: EngineClient,
) -> None:
    membership = await care(school)
    await school.ask(CONFIRM, ADMIN, id=membership)
    await school.ask(OPEN, MANAGER, id=CHILD)
    found = await list_access(school, STUDENT)
    assert all(each["since"] for each in found)
    assert {each["organisationName"] for each in found} == {"organisation"}
    shown = {(each["reason"], each["holderName"], each["readsGoals"]) for each in found}
    assert shown == {
        ("MENTOR", "mentor", True),
        ("MANAGER", "manager", False),
        ("ADMIN", "admin", False),
        ("ADMIN", "second admin", False),
        ("CAREGIVER", "caregiver", True),
        ("CAREGIVER", "stranger", True),
        ("OPENED_RECORD", "manager", True),
        ("OPENED_RECORD", "second admin", True),
    }
    (new,) = (each for each in found if each["holderName"] == "stranger")
    assert (new["grantedByName"], new["confirmedByName"]) == ("manager", "admin")
    assert (new["membership"], new["groupName"]) == ({"id": membership}, None)
    await school.ask(END, STUDENT, id=new["membership"]["id"])
    assert new not in await list_access(school, STUDENT)
    (theirs,) = {e["membership"]["id"] for e in found if e["reason"] not in ("CAREGIVER",)}
    await school.ask(END, STUDENT, id=theirs)
    assert await list_access(school, STUDENT) == []


async def test_adults_see_the_list_of_their_own_organisation_without_opened_records(
    school: EngineClient,
) -> None:
    await school.ask(OPEN, MANAGER, id=CHILD)
    joined = (await school.ask(JOIN, STUDENT, code="TOTA2345"))["joinGroup"]["membership"]["id"]
    await school.ask(ACCEPT, STUDENT, **await shown(school, joined))
    everything = await list_access(school, STUDENT)
    assert {e["organisationName"] for e in everything} == {"organisation", "other organisation"}
    for viewer in (MENTOR, CAREGIVER, MANAGER, ADMIN):
        seen = await list_access(school, viewer)
        assert {each["organisationName"] for each in seen} == {"organisation"}
        opened = [each for each in seen if each["reason"] == "OPENED_RECORD"]
        assert bool(opened) == (viewer == ADMIN)
    assert await list_access(school, STRANGER) == []


# Join codes


async def test_a_join_code_expires(school: EngineClient) -> None:
    await school.database.write(
        "update learning_group set join_code_expires_at = now() where id = $1",
        [id_of("group")],
        deadline=soon(),
    )
    assert await school.refuse(JOIN, STRANGER, code=JOIN_CODE) == "NOT_FOUND"
    renewed = await school.ask(RENEW, MENTOR, id=str(id_of("group")), days=1)
    code = renewed["renewJoinCode"]["group"]["joinCode"]
    assert (await school.ask(JOIN, STRANGER, code=code))["joinGroup"]["membership"]["confirmed"]
    rows = await school.database.read(
        "select join_code_expires_at - now() < interval '25 hours' as soon from learning_group"
        " where id = $1",
        [id_of("group")],
        deadline=soon(),
    )
    assert rows[0]["soon"]


async def test_a_group_that_admits_by_approval_shows_nothing_before_a_mentor_confirms(
    school: EngineClient,
) -> None:
    await school.ask(APPROVAL, MENTOR, id=str(id_of("group")))
    joined = (await school.ask(JOIN, STRANGER, code=JOIN_CODE))["joinGroup"]["membership"]
    assert not joined["confirmed"]
    newcomer = str(id_of(Caller.STRANGER))
    await school.ask(ACCEPT, STRANGER, **await shown(school, joined["id"]))
    assert (await school.ask(WAITING, STRANGER, id=newcomer))["groups"] == []
    seen = await school.ask(WAITING, MENTOR, id=newcomer)
    assert seen["person"] is None
    waiting = {"id": joined["id"], "applicantName": "stranger", "person": None}
    assert waiting in seen["groups"][0]["members"]
    assert await school.refuse(CONFIRM, STRANGER, id=joined["id"]) == "NOT_FOUND"
    await school.ask(CONFIRM, MENTOR, id=joined["id"])
    assert (await school.ask(WAITING, MENTOR, id=newcomer))["person"] == {"id": newcomer}


@pytest.mark.parametrize(("ender", "waits"), [(MENTOR, True), (STUDENT, False)])
async def test_a_join_code_alone_does_not_readmit_who_was_removed(
    school: EngineClient, ender: Viewer, waits: bool
) -> None:
    await school.ask(END, ender, id=str(id_of("student's")))
    again = (await school.ask(JOIN, STUDENT, code=JOIN_CODE))["joinGroup"]["membership"]
    await school.ask(ACCEPT, STUDENT, **await shown(school, again["id"]))
    assert again["confirmed"] != waits
    assert await reads_goals(school, MENTOR) != waits
    if waits:
        await school.ask(CONFIRM, MENTOR, id=again["id"])
        assert await reads_goals(school, MENTOR)


EXPIRED = "update membership set expires_at = now() where group_id = $1 and accepted_at is null"
LATER = {
    "approval is wanted": "update learning_group set join_approval = true where id = $1",
    "the code was renewed": "update learning_group set join_code = 'NEW23456',"
    " join_code_expires_at = now() + interval '9 days' where id = $1",
}


async def test_a_membership_by_a_code_is_accepted_as_long_as_the_code_is_valid(
    school: EngineClient,
) -> None:
    joined = (await school.ask(JOIN, STRANGER, code=JOIN_CODE))["joinGroup"]["membership"]
    rows = await school.database.read(
        "select m.expires_at = g.join_code_expires_at as same from membership as m"
        " join learning_group as g on g.id = m.group_id where m.id = $1",
        [joined["id"]],
        deadline=soon(),
    )
    assert rows[0]["same"]
    await school.database.write(EXPIRED, [id_of("group")], deadline=soon())
    assert await school.refuse(ACCEPT, STRANGER, **await shown(school, joined["id"])) == "NOT_FOUND"


@pytest.mark.parametrize("change", LATER.values(), ids=LATER)
async def test_a_membership_by_a_code_waits_for_approval_as_of_its_acceptance(
    school: EngineClient, change: str
) -> None:
    joined = (await school.ask(JOIN, STRANGER, code=JOIN_CODE))["joinGroup"]["membership"]
    assert joined["confirmed"]
    await school.database.write(change, [id_of("group")], deadline=soon())
    accepted = (await school.ask(ACCEPT, STRANGER, **await shown(school, joined["id"])))[
        "acceptMembership"
    ]
    assert not accepted["membership"]["confirmed"]
    newcomer = str(id_of(Caller.STRANGER))
    assert (await school.ask(WAITING, MENTOR, id=newcomer))["person"] is None
    await school.ask(CONFIRM, MENTOR, id=joined["id"])
    assert (await school.ask(WAITING, MENTOR, id=newcomer))["person"] == {"id": newcomer}


async def test_the_renewed_code_admits_who_joined_by_the_old_one(school: EngineClient) -> None:
    joined = (await school.ask(JOIN, STRANGER, code=JOIN_CODE))["joinGroup"]["membership"]
    renewed = await school.ask(RENEW, MENTOR, id=str(id_of("group")), days=9)
    code = renewed["renewJoinCode"]["group"]["joinCode"]
    again = (await school.ask(JOIN, STRANGER, code=code))["joinGroup"]["membership"]
    assert again["id"] == joined["id"]
    accepted = await school.ask(ACCEPT, STRANGER, **await shown(school, joined["id"]))
    assert accepted["acceptMembership"]["membership"]["confirmed"]


@pytest.mark.parametrize("joins_first", [True, False])
async def test_who_was_removed_from_a_group_is_not_readmitted_by_the_code_of_another(
    school: EngineClient, *, joins_first: bool
) -> None:
    async def remove() -> None:
        await school.ask(END, MENTOR, id=str(id_of("student's")))

    await school.ask(END, STUDENT, id=str(id_of("student's, not accepted")))
    if not joins_first:
        await remove()
    joined = (await school.ask(JOIN, STUDENT, code="RIMU2345"))["joinGroup"]["membership"]
    assert joined["confirmed"] == joins_first
    if joins_first:
        await remove()
    accepted = (await school.ask(ACCEPT, STUDENT, **await shown(school, joined["id"])))[
        "acceptMembership"
    ]
    assert not accepted["membership"]["confirmed"]
    other = viewer_for(Caller.OTHER_MENTOR)
    assert not await reads_goals(school, other)
    await school.ask(CONFIRM, other, id=joined["id"])
    assert await reads_goals(school, other)
