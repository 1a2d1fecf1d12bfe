"""What a person answers is what they were shown, and who declines is left alone by all of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.db.notices import shown
from tests.db.sample_people import viewer_for
from tests.db.sessions import soon
from tests.db.test_consent import (
    ACCEPT,
    DECLINE,
    END,
    INVITATIONS,
    INVITE,
    JOIN,
    MANAGER,
    NEW,
    RENAME_SCHOOL,
    SNOOP,
    STUDENT,
    found_snoop,
    invite,
    offer,
    school,
    sign_in,
)
from tests.features.record import Caller
from tests.features.sample import JOIN_CODE, id_of
from tests.golden.engine_client import EngineClient

__all__ = ["school"]

ADMIN = viewer_for(Caller.ADMIN)
RENAME_GROUP = """mutation ($id: UUID!) {
  updateGroup(input: { groupId: $id, name: "Kea" }) { group { name } } }"""


async def show(client: EngineClient, viewer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.ask(INVITATIONS, viewer))["invitations"]
    return found


@pytest.mark.parametrize("renamed", ["organisation", "group", "verification"])
async def test_what_is_accepted_is_what_was_shown(school: EngineClient, renamed: str) -> None:
    place = await found_snoop(school)
    await school.ask(JOIN, STUDENT, code=place["code"])
    (shown,) = [each for each in await show(school, STUDENT) if not each["organisationVerified"]]
    input = {"id": shown["id"], "notice": shown["noticeVersion"]}
    if renamed == "organisation":
        await school.ask(RENAME_SCHOOL, SNOOP, id=place["organisationId"])
    elif renamed == "group":
        await school.ask(RENAME_GROUP, SNOOP, id=place["groupId"])
    else:
        verified = "update organisation set verified = true where id = $1"
        await school.database.write(verified, [UUID(place["organisationId"])], deadline=soon())
    assert await school.refuse(ACCEPT, STUDENT, **input) == "CONFLICT"
    (again,) = [each for each in await show(school, STUDENT) if each["id"] == shown["id"]]
    assert again["sharing"] != shown["sharing"]
    await school.ask(ACCEPT, STUDENT, id=shown["id"], notice=again["noticeVersion"])
    rows = await school.database.read(
        "select notice, notice_version from consent where membership_id = $1",
        [UUID(shown["id"])],
        deadline=soon(),
    )
    (consent,) = (tuple(row) for row in rows)
    assert consent == ("\n".join(again["sharing"]), again["noticeVersion"])


async def test_the_version_of_the_sentences_without_the_names_is_refused(
    school: EngineClient,
) -> None:
    membership = (await invite(school, email="stranger@school.example"))["id"]
    assert await school.refuse(ACCEPT, SNOOP, id=membership, notice="2026-11") == "CONFLICT"


def as_mentor(**more: object) -> dict[str, object]:
    return offer(role="MENTOR", **more)


async def test_who_declines_an_offer_declines_all_that_the_organisation_offers(
    school: EngineClient,
) -> None:
    first, other_address = (await invite(school))["id"], "mere@home.example"
    person = await sign_in(school)
    second = (await school.ask(INVITE, MANAGER, input=as_mentor()))["invite"]["membership"]["id"]
    elsewhere = "update membership set invited_email = $2 where id = $1"
    await school.database.write(elsewhere, [UUID(second), other_address], deadline=soon())
    unbound = (await school.ask(INVITE, ADMIN, input={**as_manager(), "email": NEW}))["invite"]
    without = "update membership set person_id = null where id = $1"
    await school.database.write(without, [UUID(unbound["membership"]["id"])], deadline=soon())
    others = [(await invite(school, email="ari@school.example"))["id"]]
    asked = (await school.ask(JOIN, person, code=JOIN_CODE))["joinGroup"]["membership"]["id"]
    others += [asked] if asked not in (first, second) else []
    await school.ask(DECLINE, person, id=first, report=False)
    rows = await school.database.read(
        "select id from membership where declined_at is not null and ends_at = declined_at"
        " and ended_by_id = $1",
        [person.person_id],
        deadline=soon(),
    )
    assert {str(row["id"]) for row in rows} == {first, second, unbound["membership"]["id"]}
    open_ = "select id from membership where ends_at is null and id = any($1::uuid[])"
    left = await school.database.read(open_, [[UUID(each) for each in others]], deadline=soon())
    assert sorted(str(row["id"]) for row in left) == sorted(others)
    for address in (NEW, other_address):
        assert await school.refuse(INVITE, MANAGER, input=as_mentor(email=address)) == "CONFLICT"


def as_manager() -> dict[str, object]:
    return {**offer(role="MENTOR_MANAGER"), "groupId": None}


async def test_who_declines_what_they_joined_by_a_code_keeps_what_is_offered(
    school: EngineClient,
) -> None:
    person = viewer_for(Caller.STRANGER)
    joined = (await school.ask(JOIN, person, code=JOIN_CODE))["joinGroup"]["membership"]["id"]
    mentor = as_mentor(email="stranger@school.example")
    offered = (await school.ask(INVITE, MANAGER, input=mentor))["invite"]["membership"]["id"]
    await school.ask(DECLINE, person, id=joined, report=False)
    assert [each["id"] for each in await show(school, person)] == [offered]


async def test_the_offers_of_another_organisation_stay(school: EngineClient) -> None:
    theirs = "stranger@school.example"
    membership = (await invite(school, email=theirs))["id"]
    other = {"organisationId": str(id_of("other organisation")), "groupId": None}
    elsewhere = {**as_manager(), **other, "email": theirs}
    made = await school.ask(INVITE, viewer_for(Caller.OTHER_ADMIN), input=elsewhere)
    await school.ask(DECLINE, SNOOP, id=membership, report=False)
    assert [each["id"] for each in await show(school, SNOOP)] == [
        made["invite"]["membership"]["id"]
    ]


FOUND = """mutation ($name: String!) { createOrganisation(input: {
  name: $name, timeZone: "UTC", region: "NZ", retentionDays: 365 }) { organisation { id } } }"""
NAME = """mutation ($id: UUID!, $name: String!) {
  updateOrganisation(input: { organisationId: $id, name: $name }) { organisation { name } } }"""
INVITE_STAFF = """mutation ($id: UUID!, $role: Role!) { invite(input: { organisationId: $id,
  email: "the-student@school.example", name: "x", role: $role }) { membership { id } } }"""
DECLINE_STAFF = """mutation ($id: UUID!) {
  declineInvitation(input: { membershipId: $id, report: false }) { membership { id } } }"""


async def test_organisations_that_are_not_verified_are_no_way_to_write_to_a_child(
    school: EngineClient,
) -> None:
    """Their names are free text; one could rewrite them, or send the next from another of one's."""
    founder, child = viewer_for(Caller.STRANGER), viewer_for(Caller.STUDENT)
    first, second = [
        (await school.ask(FOUND, founder, name=name))["createOrganisation"]["organisation"]["id"]
        for name in ("Hello", "Answer me")
    ]
    offer = await school.ask(INVITE_STAFF, founder, id=first, role="ADMIN")
    assert await school.refuse(NAME, founder, id=first, name="Where are you") == "CONFLICT"
    await school.ask(NAME, founder, id=second, name="Answer me now")

    await school.ask(DECLINE_STAFF, child, id=offer["invite"]["membership"]["id"])

    for place in (first, second):
        for role in ("ADMIN", "MENTOR_MANAGER"):
            refused = await school.refuse(INVITE_STAFF, founder, id=place, role=role)
            assert refused == "CONFLICT"
    await school.ask(NAME, founder, id=first, name="Hello again")
    # A school that is verified, or founded by others, is not kept from it.
    verified = str(id_of("organisation"))
    await school.ask(INVITE_STAFF, viewer_for(Caller.ADMIN), id=verified, role="ADMIN")


MY_NAME = """mutation ($id: UUID!, $name: String!) {
  updatePerson(input: { personId: $id, name: $name }) { person { name } } }"""


async def test_what_was_invited_reads_no_names_that_an_unverified_organisation_rewrites(
    school: EngineClient,
) -> None:
    place = await found_snoop(school)
    mentor = {"organisationId": place["organisationId"], "groupId": place["groupId"]}
    await school.ask(INVITE, SNOOP, input=offer(role="MENTOR", email=THEIRS, **mentor))

    async def named() -> tuple[str, str | None]:
        (found,) = [each for each in await show(school, STUDENT) if each["role"] == "MENTOR"]
        return found["groupName"], found["inviterName"]

    before = await named()
    assert before[1] == "stranger"
    assert await school.refuse(RENAME_GROUP, SNOOP, id=place["groupId"]) == "CONFLICT"
    await school.ask(MY_NAME, SNOOP, id=str(SNOOP.person_id), name="Answer me")
    assert await named() == (before[0], None)
    await school.database.write("update membership set ends_at = now()", deadline=soon())
    await school.database.write(
        "update membership set ends_at = null where source = 'FOUNDED'", deadline=soon()
    )
    await school.ask(RENAME_GROUP, SNOOP, id=place["groupId"])


THEIRS = "the-student@school.example"


async def test_to_end_an_offer_of_ones_own_is_to_decline_it(school: EngineClient) -> None:
    membership = (await invite(school))["id"]
    person = await sign_in(school)
    await school.ask(END, person, id=membership)
    assert await school.refuse(INVITE, MANAGER, input=offer()) == "CONFLICT"


async def test_to_end_an_offer_of_anothers_declines_nothing(school: EngineClient) -> None:
    membership = (await invite(school))["id"]
    await sign_in(school)
    await school.ask(END, MANAGER, id=membership)
    assert (await invite(school))["id"] != membership


async def test_to_end_what_one_had_accepted_declines_nothing(school: EngineClient) -> None:
    membership = (await invite(school))["id"]
    person = await sign_in(school)
    await school.ask(ACCEPT, person, **await shown(school, membership))
    await school.ask(END, person, id=membership)
    assert (await invite(school))["id"] != membership
