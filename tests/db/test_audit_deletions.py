"""What others wrote leaves an entry when it goes with a row that its owner deletes."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

import pytest

from poutama.db.connection import Database
from poutama.features import load_model
from poutama.plan.dependents import find_dependents
from tests.db.sample_people import fill, viewer_for
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENT, GOAL = id_of(Caller.STUDENT), id_of("goal")
DELETE = f'mutation {{ deleteGoal(input: {{ goalId: "{GOAL}" }}) {{ deletedGoalId }} }}'
NOTE = """
insert into goal_note (id, goal_id, author_id, organisation_id, audience, information,
    information_search)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, 'Ka pai', 'ka pai')
"""
AUDIT = """
query ($who: UUID!) {
  person(personId: $who) { auditConnection {
    nodes { action kind rowId actorId actorRole audience organisationName }
  } }
}
"""


@pytest.fixture(params=RENDERINGS)
async def school(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    await fill(engine_database)
    client = EngineClient(engine_database, request.param)
    await write(client, "delete from goal_note")
    await write(client, "delete from audit_entry")
    return client


async def write(school: EngineClient, statement: str, *values: object) -> None:
    await school.database.write(statement, list(values), deadline=time.monotonic() + 30)


async def add_note(
    school: EngineClient, author: Caller, audience: str, place: str | None = "organisation"
) -> UUID:
    note = uuid4()
    where = id_of(place) if place else None
    await write(school, NOTE, note, GOAL, id_of(author), where, audience)
    return note


async def seen_by(school: EngineClient, caller: Caller) -> list[dict[str, object]]:
    found = await school.ask(AUDIT, viewer_for(caller), who=str(STUDENT))
    nodes: list[dict[str, object]] = found["person"]["auditConnection"]["nodes"]
    return [node for node in nodes if node["action"] == "DELETE"]


async def test_a_note_for_staff_leaves_an_entry_for_the_administrators_alone(
    school: EngineClient,
) -> None:
    note = await add_note(school, Caller.MENTOR, "STAFF")
    await write(school, "update goal set audience = 'ME'")
    await school.ask(DELETE, viewer_for(Caller.STUDENT))
    assert await seen_by(school, Caller.ADMIN) == [
        {
            "action": "DELETE", "kind": "GoalNote", "rowId": str(note), "actorId": str(STUDENT),
            "actorRole": "SELF", "audience": "STAFF", "organisationName": "organisation",
        }
    ]  # fmt: skip
    assert [each["kind"] for each in await seen_by(school, Caller.STUDENT)] == ["Goal"]


async def test_a_note_that_the_student_reads_leaves_an_entry_for_the_student_too(
    school: EngineClient,
) -> None:
    await add_note(school, Caller.MENTOR, "STUDENT")
    await school.ask(DELETE, viewer_for(Caller.STUDENT))
    assert [each["kind"] for each in await seen_by(school, Caller.ADMIN)] == ["GoalNote"]
    kinds = sorted(str(each["kind"]) for each in await seen_by(school, Caller.STUDENT))
    assert kinds == ["Goal", "GoalNote"]


async def test_the_entry_is_for_the_organisation_in_which_the_note_was_written(
    school: EngineClient,
) -> None:
    await add_note(school, Caller.MENTOR, "STAFF", "other organisation")
    await school.ask(DELETE, viewer_for(Caller.STUDENT))
    assert await seen_by(school, Caller.ADMIN) == []


async def test_the_students_own_words_leave_the_entry_of_the_goal_alone(
    school: EngineClient,
) -> None:
    await add_note(school, Caller.STUDENT, "CAREGIVERS", None)
    await school.ask(DELETE, viewer_for(Caller.STUDENT))
    assert [each["kind"] for each in await seen_by(school, Caller.STUDENT)] == ["Goal"]
    assert await seen_by(school, Caller.ADMIN) == []


async def test_a_deletion_that_fails_leaves_no_entry(school: EngineClient) -> None:
    await add_note(school, Caller.MENTOR, "STAFF")
    late = DELETE.replace("goalId:", "expectedVersion: 99, goalId:")
    assert await school.refuse(late, viewer_for(Caller.STUDENT)) == "CONFLICT"
    assert await seen_by(school, Caller.ADMIN) == []


CASCADES = """
select child.relname::text as child, parent.relname::text as parent
from pg_constraint as c join pg_class as child on child.oid = c.conrelid
    join pg_class as parent on parent.oid = c.confrelid
where c.contype = 'f' and c.confdeltype = 'c'
"""
KEPT = {("membership", "learning_group")}
"""No group is deleted that has memberships."""


async def test_whatever_the_database_deletes_with_a_row_leaves_entries_if_others_wrote_it(
    engine_database: Database,
) -> None:
    entities = load_model().entities
    tables = {entity.base or entity.table: entity for entity in entities.values()}
    # People are erased with a receipt, and no mutation deletes an organisation.
    rows = await engine_database.read(CASCADES, deadline=time.monotonic() + 30)
    for child, parent in (tuple(row) for row in rows if row["parent"] in tables):
        if child in tables and parent not in ("person", "organisation"):
            audit = tables[child].audit
            found = [each.entity.name for each in find_dependents(entities, tables[parent])]
            written = audit is not None and audit.by and (child, parent) not in KEPT
            assert bool(written) == (tables[child].name in found), (child, parent)
