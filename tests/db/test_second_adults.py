"""Two accounts of one adult are not two adults: who is from outside the school's own mail waits."""

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
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

INVITE = "mutation ($input: InviteInput!) { invite(input: $input) { membership { id } } }"
ACCEPT = """mutation ($id: UUID!, $notice: String!) {
  acceptMembership(input: { membershipId: $id, noticeVersion: $notice }) {
    membership { id confirmed } } }"""
CONFIRM = """mutation ($id: UUID!) {
  confirmMembership(input: { membershipId: $id }) { membership { confirmed } } }"""
GOALS = "query ($id: UUID!) { person(personId: $id) { goals { id } } }"
CHILD = str(id_of(Caller.STUDENT))
STUDENT, MENTOR = viewer_for(Caller.STUDENT), viewer_for(Caller.MENTOR)
MANAGER, ADMIN = viewer_for(Caller.MANAGER), viewer_for(Caller.ADMIN)
STRANGER = viewer_for(Caller.STRANGER)


@pytest_asyncio.fixture
async def school(client: EngineClient, engine_database: Database) -> EngineClient:
    """A verified organisation with an administrator and a manager; no mail domain yet."""
    await fill(engine_database)
    settings, computed = Settings(rendering=client.rendering), load_features().computed
    client.engine = Engine(
        load_model(), engine_database, settings, client.procedures, computed=lambda _: computed
    )
    return client


async def reads_goals(school: EngineClient, viewer: Viewer | None) -> bool:
    found = (await school.ask(GOALS, viewer, id=CHILD))["person"]
    return found is not None and found["goals"] != []


async def engage(school: EngineClient, viewer: Viewer | None, **more: str) -> dict[str, Any]:
    """The membership of an adult whom the administrator invited, once they have accepted."""
    email = str((await school.ask("{ me { email } }", viewer))["me"]["email"])
    offer = {"organisationId": str(id_of("organisation")), "email": email, "name": "x", **more}
    made = (await school.ask(INVITE, ADMIN, input=offer))["invite"]["membership"]
    accepted = await school.ask(ACCEPT, viewer, **await shown(school, made["id"]))
    membership: dict[str, Any] = accepted["acceptMembership"]["membership"]
    return membership


async def add_domain(school: EngineClient, domain: str) -> None:
    await school.database.write(
        "insert into verified_domain (organisation_id, domain) values ($1, $2)",
        [id_of("organisation"), domain],
        deadline=soon(),
    )


async def test_a_second_account_of_an_administrator_is_not_a_second_adult(
    school: EngineClient,
) -> None:
    await add_domain(school, "kura.school.nz")  # theirs is of another
    engaged = await engage(school, STRANGER, role="ADMIN")
    assert not engaged["confirmed"]
    # It confirms no one, invites no one, and cannot be confirmed by who invited it.
    caregiver = str(id_of("caregiver's, not confirmed"))
    assert await school.refuse(CONFIRM, STRANGER, id=caregiver) == "NOT_FOUND"
    place = {"organisationId": str(id_of("organisation")), "groupId": str(id_of("group"))}
    offer = {**place, "role": "MENTOR", "email": "admin@school.example", "name": "x"}
    assert await school.refuse(INVITE, STRANGER, input=offer) == "NOT_FOUND"
    for refused in (ADMIN, STRANGER, MENTOR, STUDENT):
        assert await school.refuse(CONFIRM, refused, id=engaged["id"]) == "NOT_FOUND"
    confirmed = (await school.ask(CONFIRM, MANAGER, id=engaged["id"]))["confirmMembership"]
    assert confirmed["membership"]["confirmed"]
    await school.ask(CONFIRM, STRANGER, id=caregiver)


@pytest.mark.parametrize("ended", [False, True])
async def test_a_student_s_account_is_not_a_second_adult(
    school: EngineClient, *, ended: bool
) -> None:
    """Its address is of the school's own mail, and a child's password is easily known."""
    await add_domain(school, "school.example")
    # While their address is claimed, nothing is offered to them.
    await school.database.write(
        "delete from address_conflict where person_id = $1",
        [id_of(Caller.CLASSMATE)],
        deadline=soon(),
    )
    if ended:
        # Of the other place there, so that they have not left.
        await school.database.write(
            "update membership set role = case when confirmed then role else 'MENTOR' end,"
            " ends_at = case when confirmed then now() end where person_id = $1",
            [id_of(Caller.CLASSMATE)],
            deadline=soon(),
        )
    pupil = viewer_for(Caller.CLASSMATE)
    engaged = await engage(school, pupil, role="MENTOR_MANAGER")
    assert not engaged["confirmed"]
    caregiver = str(id_of("caregiver's, not confirmed"))
    assert await school.refuse(CONFIRM, pupil, id=caregiver) == "NOT_FOUND"
    assert await school.refuse(CONFIRM, ADMIN, id=engaged["id"]) == "NOT_FOUND"
    await school.ask(CONFIRM, MANAGER, id=engaged["id"])


@pytest.mark.parametrize(("domain", "known"), [("school.example", True), ("kura.school.nz", False)])
async def test_a_mentor_from_outside_the_school_s_mail_reads_nothing_before_a_second_adult_confirms(
    school: EngineClient, domain: str, *, known: bool
) -> None:
    await add_domain(school, domain)
    engaged = await engage(school, STRANGER, role="MENTOR", groupId=str(id_of("group")))
    assert engaged["confirmed"] == known
    assert await reads_goals(school, STRANGER) == known
    if not known:
        assert await school.refuse(CONFIRM, ADMIN, id=engaged["id"]) == "NOT_FOUND"
        await school.ask(CONFIRM, MANAGER, id=engaged["id"])
        assert await reads_goals(school, STRANGER)
