"""A group is put away: no person belongs to it or joins it, and what it was is kept."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from tests.db.roster_importer import Importer
from tests.db.sample_people import fill
from tests.db.sessions import soon
from tests.db.test_access import ADMIN, CAREGIVER, INVITE, JOIN, MENTOR, RENEW, STUDENT, reads_goals
from tests.features.sample import JOIN_CODE, id_of
from tests.golden.engine_client import EngineClient
from tests.unit.features.rosters import classes, enrolments, roster_of, user

END = """mutation ($id: UUID!) { endGroup(input: { groupId: $id }) {
  group { endedAt joinCode version members { endsAt } } } }"""
LISTS = """query ($id: UUID!, $ended: Boolean! = false) {
  groups(includeEnded: $ended) { id }
  groupsConnection(includeEnded: $ended) { nodes { id } }
  organisations { groups(includeEnded: $ended) { id } }
  group(groupId: $id) { id } me { memberships { group { id } } }
}"""
GROUP = str(id_of("group"))
COUNTS = """
SELECT (SELECT count(*) FROM membership WHERE group_id = $1 AND ends_at > now()),
    (SELECT count(*) FROM membership WHERE group_id = $1),
    (SELECT count(*) FROM consent AS c JOIN membership AS m ON m.id = c.membership_id
        WHERE m.group_id = $1 AND c.withdrawn_at IS NULL)
"""


@pytest_asyncio.fixture
async def school(client: EngineClient, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    settings, computed = Settings(rendering=client.rendering), load_features().computed
    client.engine = Engine(
        load_model(), engine_database, settings, client.procedures, computed=lambda _: computed
    )
    return client


async def test_a_group_that_is_put_away_has_no_members_and_is_kept(school: EngineClient) -> None:
    assert await reads_goals(school, MENTOR)
    assert await reads_goals(school, CAREGIVER)
    ended = (await school.ask(END, ADMIN, id=GROUP))["endGroup"]["group"]
    assert (ended["endedAt"] is not None, ended["joinCode"]) == (True, None)
    assert all(each["endsAt"] for each in ended["members"])
    for reader in (MENTOR, CAREGIVER):
        assert not await reads_goals(school, reader)
    rows = await school.database.read(COUNTS, [id_of("group")], deadline=soon())
    assert tuple(rows[0]) == (0, len(ended["members"]), 0)
    for included in (False, True):
        found = await school.ask(LISTS, ADMIN, id=GROUP, ended=included)
        (place,) = found["organisations"]
        for rows in (found["groups"], found["groupsConnection"]["nodes"], place["groups"]):
            assert ({"id": GROUP} in rows) == included
        assert found["group"] == {"id": GROUP}
    again = (await school.ask(END, ADMIN, id=GROUP))["endGroup"]["group"]
    assert again == ended


async def test_no_person_joins_a_group_that_is_put_away(school: EngineClient) -> None:
    await school.ask(END, ADMIN, id=GROUP)
    assert await school.refuse(JOIN, STUDENT, code=JOIN_CODE) == "NOT_FOUND"
    assert await school.refuse(RENEW, ADMIN, id=GROUP) == "CONFLICT"
    place = {"organisationId": str(id_of("organisation")), "groupId": GROUP}
    offer = {**place, "role": "STUDENT", "email": "new@school.example", "name": "x"}
    assert await school.refuse(INVITE, ADMIN, input=offer) == "NOT_FOUND"


def roster(*members: str) -> bytes:
    return roster_of({
        "classes": classes(("c1", "Art")),
        "users": [user(each, "Ana T") for each in members],
        "enrollments": enrolments(*(("c1", each, "student") for each in members)),
    })  # fmt: skip


async def test_a_roster_brings_a_group_back_only_by_an_enrolment_and_says_so(
    importer: Importer,
) -> None:
    await importer.import_(roster("u1"))
    (group,) = await importer.rows("SELECT id FROM learning_group WHERE name = 'Art'")
    await importer.ask(END.replace("version members { endsAt }", ""), id=str(group["id"]))

    async def has_ended() -> bool:
        rows = await importer.rows(
            "SELECT ended_at IS NOT NULL AS ended FROM learning_group WHERE id = $1", group["id"]
        )
        return bool(rows[0]["ended"])

    same = await importer.import_(roster("u1"))
    assert (same["membershipsAdded"], await has_ended()) == (0, True)
    checked: Any = await importer.check(roster("u1", "u2"))
    assert "the group, which was ended, is brought back" in checked["changes"][-1]["sentence"]
    await importer.apply(checked)
    assert not await has_ended()
    assert [email for email, _ in await importer.members("Art")] == ["u2@school.example"]
