"""Nothing that others do shares a student's data: the student is shown what it is, and accepts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.identity import SignIn, find_person
from poutama.engine import Engine
from poutama.errors import ForbiddenError
from poutama.features import load_features, load_model
from poutama.features.groups.notice import NOTICE_VERSION
from poutama.settings import Settings
from poutama.text import normalize_email
from poutama.viewer import Viewer
from tests.db.notices import shown
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import JOIN_CODE, id_of
from tests.golden.engine_client import EngineClient

FOUND = """mutation { createOrganisation(input: { name: "Tīrawolden College" }) {
  organisation { id verified } } }"""
ADD = """mutation ($organisation: UUID!) {
  createGroup(input: { organisationId: $organisation, name: "Class 1" }) {
    group { id joinCode } } }"""
INVITE = """mutation ($input: InviteInput!) { invite(input: $input) {
  membership { id version acceptedAt invitedName person { id } } } }"""
JOIN = """mutation ($code: String!) { joinGroup(input: { joinCode: $code }) {
  membership { id organisation { id } invitation { organisationVerified sharing } } } }"""
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) { membership { id } } }"""
CONFIRM = """mutation ($id: UUID!) {
  confirmMembership(input: { membershipId: $id }) { membership { id } } }"""
DECLINE = """mutation ($id: UUID!, $report: Boolean!) {
  declineInvitation(input: { membershipId: $id, report: $report, reason: "Not our school" }) {
    membership { endsAt } } }"""
END = "mutation ($id: UUID!) { endMembership(input: { membershipId: $id }) { membership { id } } }"
DELETE_GROUP = """mutation ($id: UUID!) {
  deleteGroup(input: { groupId: $id }) { deletedGroupId } }"""
INVITATIONS = """{ me { id name } invitations { id organisationName organisationVerified groupName
  inviterName role sharing noticeVersion expiresAt } }"""
CONSENTS = """query ($id: UUID!) { person(personId: $id) { consents { basis role noticeVersion
  notice givenBy { id } withdrawnAt withdrawnBy { id } membership { id } } } }"""
RENAME = """mutation ($id: UUID!, $name: String!) {
  updatePerson(input: { personId: $id, name: $name }) { person { name } } }"""
RENAME_SCHOOL = """mutation ($id: UUID!) {
  updateOrganisation(input: { organisationId: $id, name: "Kea" }) { organisation { name } } }"""
LOOK = """query ($student: UUID!, $goal: UUID!) {
  person(personId: $student) { name goals { id } goalsConnection { totalCount } }
  goals(goalId: $goal, filter: {}) { id }
  groups { progress { active } members { person { goals { id } } child { goals { id } } } } }"""
SNOOP, STUDENT = Viewer(id_of(Caller.STRANGER)), Viewer(id_of(Caller.STUDENT))
MANAGER, MENTOR = Viewer(id_of(Caller.MANAGER)), Viewer(id_of(Caller.MENTOR))
NEW = "mere@school.example"


@pytest_asyncio.fixture
async def school(client: EngineClient, engine_database: Database) -> EngineClient:
    """The student, a verified organisation, and a stranger who may found another."""
    await fill(engine_database)
    settings, computed = Settings(rendering=client.rendering), load_features().computed
    client.engine = Engine(
        load_model(), engine_database, settings, client.procedures, computed=lambda _: computed
    )
    return client


async def sees_goals(client: EngineClient, viewer: Viewer) -> bool:
    student, goal = str(STUDENT.person_id), str(id_of("goal"))
    return str(id_of("goal")) in str(await client.ask(LOOK, viewer, student=student, goal=goal))


async def found_snoop(client: EngineClient) -> dict[str, str]:
    """The stranger's organisation, with a group in which they are the mentor."""
    organisation = (await client.ask(FOUND, SNOOP))["createOrganisation"]["organisation"]
    assert not organisation["verified"]
    group = (await client.ask(ADD, SNOOP, organisation=organisation["id"]))["createGroup"]["group"]
    place = {"organisationId": organisation["id"], "groupId": group["id"]}
    mentor = {**place, "email": "stranger@school.example", "name": "Me", "role": "MENTOR"}
    made = (await client.ask(INVITE, SNOOP, input=mentor))["invite"]["membership"]
    # As if another adult had offered it: what one offers oneself cannot be accepted.
    by_another = "UPDATE membership SET granted_by_id = $2 WHERE id = $1::uuid"
    another = [made["id"], id_of(Caller.OTHER_ADMIN)]
    await client.database.write(by_another, another, deadline=soon())
    await client.ask(ACCEPT, SNOOP, **await shown(client, made["id"]))
    return {**place, "code": group["joinCode"]}


def offer(**more: object) -> dict[str, object]:
    """An invitation of a student into the verified organisation's group."""
    place = {"organisationId": str(id_of("organisation")), "groupId": str(id_of("group"))}
    return {**place, "email": NEW, "name": "Fatty McLoser", "role": "STUDENT", **more}


async def invite(client: EngineClient, **more: object) -> Any:
    return (await client.ask(INVITE, MANAGER, input=offer(**more)))["invite"]["membership"]


async def sign_in(client: EngineClient, email: str = NEW, name: str | None = None) -> Viewer:
    known = SignIn("https://issuer.example", email, normalize_email(email), name)
    return Viewer(await find_person(client.database, known))


async def count_people(client: EngineClient) -> int:
    rows = await client.database.read("select count(*) as n from person", deadline=soon())
    return int(rows[0]["n"])


async def test_an_organisation_that_is_not_verified_invites_no_students_or_caregivers(
    school: EngineClient,
) -> None:
    place = await found_snoop(school)
    child = {"email": "the-student@school.example", "name": "x", "role": "STUDENT"}
    input = {key: place[key] for key in ("organisationId", "groupId")}
    assert await school.refuse(INVITE, SNOOP, input={**input, **child}) == "FORBIDDEN"
    joined = (await school.ask(JOIN, STUDENT, code=place["code"]))["joinGroup"]["membership"]
    await school.ask(ACCEPT, STUDENT, **await shown(school, joined["id"]))
    care = {"organisationId": place["organisationId"], "childId": str(STUDENT.person_id)}
    friend = {**care, "email": "friend@x.example", "name": "x", "role": "CAREGIVER"}
    assert await school.refuse(INVITE, SNOOP, input=friend) == "FORBIDDEN"


async def test_a_verified_organisation_keeps_the_name_that_was_checked(
    school: EngineClient,
) -> None:
    admin, organisation = viewer_for(Caller.ADMIN), str(id_of("organisation"))
    assert await school.refuse(RENAME_SCHOOL, admin, id=organisation) == "FORBIDDEN"
    place = await found_snoop(school)
    renamed = await school.ask(RENAME_SCHOOL, SNOOP, id=place["organisationId"])
    assert renamed["updateOrganisation"]["organisation"]["name"] == "Kea"


async def test_a_join_code_says_in_plain_words_that_the_organisation_is_not_verified(
    school: EngineClient,
) -> None:
    place = await found_snoop(school)
    joined = (await school.ask(JOIN, STUDENT, code=place["code"]))["joinGroup"]["membership"]
    assert joined["organisation"] is None
    assert not joined["invitation"]["organisationVerified"]
    warning, mentors, *_ = joined["invitation"]["sharing"]
    assert warning.startswith("“Tīrawolden College” is not verified: no one has checked")
    assert mentors.startswith("The mentors of the group “Class 1” see your name and read your")
    assert not await sees_goals(school, SNOOP)
    await school.ask(ACCEPT, STUDENT, **await shown(school, joined["id"]))
    assert await sees_goals(school, SNOOP)
    await school.ask(END, STUDENT, id=joined["id"])
    assert not await sees_goals(school, SNOOP)


async def test_an_invitation_makes_no_person_and_changes_no_name(school: EngineClient) -> None:
    before = await count_people(school)
    made = await invite(school)
    assert (made["person"], made["invitedName"]) == (None, "Fatty McLoser")
    assert await count_people(school) == before
    person = await sign_in(school, name="Mere Tūhoe")
    assert await count_people(school) == before + 1
    assert (await school.ask(INVITATIONS, person))["me"]["name"] == "Mere Tūhoe"
    renamed = await school.ask(RENAME, person, id=str(person.person_id), name="Mere T")
    assert renamed["updatePerson"]["person"]["name"] == "Mere T"
    assert await school.refuse(RENAME, MANAGER, id=str(person.person_id), name="x") == "NOT_FOUND"


async def test_a_sign_in_without_a_name_is_called_by_its_address(school: EngineClient) -> None:
    await invite(school)
    person = await sign_in(school)
    assert (await school.ask(INVITATIONS, person))["me"]["name"] == "mere"


async def test_the_inviter_does_not_learn_whether_the_address_has_a_person(
    school: EngineClient,
) -> None:
    unknown = await invite(school)
    known = await invite(school, email="stranger@school.example")
    others = [{key: made[key] for key in made if key != "id"} for made in (unknown, known)]
    assert others[0] == others[1]
    await sign_in(school)
    again = await invite(school)
    assert again == unknown


SITUATIONS = {
    "joined by a code": "('JOIN_CODE', null::text, null::timestamptz, true)",
    "waits for approval": "('JOIN_CODE', null::text, now(), false)",
    "was invited at another address": "('INVITED', 'old@school.example', null::timestamptz, true)",
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
async def test_the_inviter_does_not_learn_whose_address_it_is(
    school: EngineClient, situation: str
) -> None:
    unknown = await ask_as_inviter(school, NEW)
    await school.database.write(
        "insert into membership (id, organisation_id, group_id, person_id, role, source,"
        " invited_email, accepted_at, confirmed)"
        " select $1, $2, $3, $4, 'STUDENT', s.a, s.b, s.c, s.d"
        f" from (values {situation}) as s (a, b, c, d)",
        [id_of("theirs"), id_of("organisation"), id_of("group"), id_of(Caller.STRANGER)],
        deadline=soon(),
    )
    known = await ask_as_inviter(school, "stranger@school.example")
    assert known == {**unknown, "invitedEmail": "stranger@school.example"}
    # Who belongs there is known to those who lead.
    current = "update membership set accepted_at = now(), confirmed = true where id = $1"
    await school.database.write("delete from membership where invited_name = 'x'", deadline=soon())
    await school.database.write(current, [id_of("theirs")], deadline=soon())
    assert (await invite(school, email="stranger@school.example"))["id"] == str(id_of("theirs"))


async def ask_as_inviter(client: EngineClient, email: str) -> Any:
    """All that the answer has, but for what is new each time; asking again answers the same."""
    fields = """{ id role source beginsAt endsAt acceptedAt invitedName invitedEmail expiresAt
      version updatedAt createdAt confirmed confirmedAt applicantName person { id }
      invitation { id } grantedBy { id } confirmedBy { id } endedBy { id } enrolledBy { id } }"""
    document = (
        f"mutation ($input: InviteInput!) {{ invite(input: $input) {{ membership {fields} }} }}"
    )
    first, again = [
        (await client.ask(document, MANAGER, input=offer(email=email, name="x")))["invite"]
        for _ in range(2)
    ]
    assert again == first
    moments = ("id", "beginsAt", "expiresAt", "updatedAt", "createdAt")
    made: dict[str, Any] = first["membership"]
    assert made["createdAt"] == made["updatedAt"] == made["beginsAt"]
    return {key: value for key, value in made.items() if key not in moments}


async def test_accepting_answers_the_other_offers_of_the_same_membership(
    school: EngineClient,
) -> None:
    joined = (await school.ask(JOIN, SNOOP, code=JOIN_CODE))["joinGroup"]["membership"]["id"]
    invited = (await invite(school, email="stranger@school.example"))["id"]
    assert joined != invited
    await school.ask(ACCEPT, SNOOP, **await shown(school, invited))
    assert (await school.ask(INVITATIONS, SNOOP))["invitations"] == []
    assert await school.refuse(ACCEPT, SNOOP, **await shown(school, joined)) == "NOT_FOUND"


async def doubt(client: EngineClient) -> None:
    """The operator takes the verification of the organisation back."""
    doubted = "update organisation set verified = false where id = $1"
    await client.database.write(doubted, [id_of("organisation")], deadline=soon())


@pytest.mark.parametrize(
    ("role", "source", "refused"),
    [
        ("STUDENT", "INVITED", True),
        ("CAREGIVER", "INVITED", True),
        ("MENTOR", "INVITED", False),
        ("MENTOR", "ROSTER", True),
        ("STUDENT", "ROSTER", True),
        ("STUDENT", "JOIN_CODE", False),
    ],
)
async def test_an_offer_ends_with_the_verification_that_it_needs(
    school: EngineClient, role: str, source: str, *, refused: bool
) -> None:
    more: dict[str, object] = {"email": "stranger@school.example", "role": role}
    if role == "CAREGIVER":
        more |= {"groupId": None, "childId": str(STUDENT.person_id)}
    membership = (await invite(school, **more))["id"]
    as_from = "update membership set source = $2 where id = $1"
    await school.database.write(as_from, [UUID(membership), source], deadline=soon())
    await doubt(school)
    if refused:
        assert await school.refuse(ACCEPT, SNOOP, **await shown(school, membership)) == "FORBIDDEN"
    else:
        await school.ask(ACCEPT, SNOOP, **await shown(school, membership))


async def test_a_caregiver_is_not_confirmed_once_the_organisation_is_doubted(
    school: EngineClient,
) -> None:
    care = {"groupId": None, "childId": str(STUDENT.person_id), "role": "CAREGIVER"}
    membership = (await invite(school, email="stranger@school.example", **care))["id"]
    await school.ask(ACCEPT, SNOOP, **await shown(school, membership))
    await doubt(school)
    assert await school.refuse(CONFIRM, STUDENT, id=membership) == "FORBIDDEN"
    assert not await sees_goals(school, SNOOP)


async def test_a_code_admits_who_was_invited_before_the_organisation_was_doubted(
    school: EngineClient,
) -> None:
    invited = (await invite(school, email="stranger@school.example"))["id"]
    await doubt(school)
    joined = (await school.ask(JOIN, SNOOP, code=JOIN_CODE))["joinGroup"]["membership"]["id"]
    assert joined != invited
    await school.ask(ACCEPT, SNOOP, **await shown(school, joined))


async def test_the_invited_see_what_they_are_asked_and_the_answer_is_recorded(
    school: EngineClient,
) -> None:
    membership = (await invite(school))["id"]
    person = await sign_in(school)
    (shown,) = (await school.ask(INVITATIONS, person))["invitations"]
    assert (shown["id"], shown["role"]) == (membership, "STUDENT")
    assert (shown["organisationName"], shown["organisationVerified"]) == ("organisation", True)
    assert (shown["groupName"], shown["inviterName"]) == ("group", "manager")
    assert shown["noticeVersion"].startswith(f"{NOTICE_VERSION}-")
    assert shown["expiresAt"] is not None
    assert await school.refuse(ACCEPT, person, id=membership, notice="2025-1") == "CONFLICT"
    await school.ask(ACCEPT, person, id=membership, notice=shown["noticeVersion"])
    assert (await school.ask(INVITATIONS, person))["invitations"] == []
    me = {"id": str(person.person_id)}
    for viewer in (person, MANAGER):
        (consent,) = (await school.ask(CONSENTS, viewer, **me))["person"]["consents"]
        assert consent == {
            "basis": "PERSON",
            "role": "STUDENT",
            "noticeVersion": shown["noticeVersion"],
            "notice": "\n".join(shown["sharing"]),
            "givenBy": me,
            "withdrawnAt": None,
            "withdrawnBy": None,
            "membership": {"id": membership},
        }
    assert (await school.ask(CONSENTS, MENTOR, **me))["person"]["consents"] == []
    await school.ask(END, person, id=membership)
    (consent,) = (await school.ask(CONSENTS, person, **me))["person"]["consents"]
    assert consent["withdrawnAt"] is not None
    assert consent["withdrawnBy"] == me


async def test_who_declines_is_left_alone_and_a_report_is_kept(school: EngineClient) -> None:
    membership = (await invite(school))["id"]
    person = await sign_in(school)
    await school.ask(DECLINE, person, id=membership, report=True)
    assert (await school.ask(INVITATIONS, person))["invitations"] == []
    assert await school.refuse(ACCEPT, person, **await shown(school, membership)) == "NOT_FOUND"
    assert await school.refuse(INVITE, MANAGER, input=offer()) == "CONFLICT"
    rows = await school.database.read(
        "select reporter_id, inviter_id, reason from invitation_report", deadline=soon()
    )
    assert [tuple(row) for row in rows] == [(person.person_id, MANAGER.person_id, "Not our school")]


async def test_a_group_that_people_left_or_declined_is_kept(school: EngineClient) -> None:
    """With its memberships would go who declined, who was removed, and what was consented to."""
    place = str(id_of("organisation"))
    group = (await school.ask(ADD, MANAGER, organisation=place))["createGroup"]["group"]["id"]
    membership = (await invite(school, groupId=group))["id"]
    person = await sign_in(school)
    assert await school.refuse(DELETE_GROUP, MANAGER, id=group) == "CONFLICT"
    await school.ask(DECLINE, person, id=membership, report=False)
    assert await school.refuse(DELETE_GROUP, MANAGER, id=group) == "CONFLICT"
    assert await school.refuse(INVITE, MANAGER, input=offer()) == "CONFLICT"


@pytest.mark.parametrize("column", ["expires_at", "ends_at"])
async def test_an_invitation_that_is_over_admits_none(school: EngineClient, column: str) -> None:
    membership = (await invite(school))["id"]
    await school.database.write(
        f"update membership set {column} = now() - interval '1 hour' where id = $1",
        [UUID(membership)],
        deadline=soon(),
    )
    with pytest.raises(ForbiddenError):
        await sign_in(school)


async def test_who_signed_in_before_finds_an_invitation_to_a_verified_address(
    school: EngineClient,
) -> None:
    await invite(school)
    person = await sign_in(school)
    later = "mere@home.example"
    membership = (await invite(school, email=later))["id"]
    moved = SignIn("https://issuer.example", NEW, later)
    assert await find_person(school.database, moved) == person.person_id
    shown = (await school.ask(INVITATIONS, person))["invitations"]
    assert membership in [each["id"] for each in shown]


async def test_an_invitation_is_found_by_the_sign_in_that_it_is_for(school: EngineClient) -> None:
    """However either is written: one function normalises both."""
    await invite(school, email=" MA\u0304RIA@School.Example ")
    person = await sign_in(school, "m\u0101ria@SCHOOL.example")
    (shown,) = (await school.ask(INVITATIONS, person))["invitations"]
    assert shown["role"] == "STUDENT"


async def test_a_caregiver_of_a_student_of_another_organisation_is_refused(
    school: EngineClient,
) -> None:
    other = viewer_for(Caller.OTHER_ADMIN)
    place = {"organisationId": str(id_of("other organisation")), "childId": str(STUDENT.person_id)}
    input = {**place, "email": "x@x.example", "name": "x", "role": "CAREGIVER"}
    assert await school.refuse(INVITE, other, input=input) == "NOT_FOUND"
