"""A payload shows what its change has made of it, through views and in the audit as well."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import pytest

from poutama.db.connection import Database
from poutama.features import load_model
from tests.golden.engine_client import EngineClient
from tests.golden.rows import goal_id, person_id

UNDER_VIEWS = """
    select distinct v.relname as view, t.relname as name
    from pg_depend as d
        join pg_rewrite as r on r.oid = d.objid
        join pg_class as v on v.oid = r.ev_class
        join pg_class as t on t.oid = d.refobjid
    where v.relkind = 'v' and t.relkind in ('r', 'v') and t.oid <> v.oid
        and v.relnamespace = 'public'::regnamespace
"""


async def test_a_type_names_the_tables_that_its_view_is_over(engine_database: Database) -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in await engine_database.read(UNDER_VIEWS, deadline=time.monotonic() + 60):
        found[row["view"]].add(row["name"])
    types = load_model().entities.values()
    assert {each.table: set(each.over) for each in types if each.over} == found


CHANGES = {
    "an update": f'updateGoal(input: {{goalId: "{goal_id(1)}", complete: true}})',
    "an insert": 'createGoal(input: {goalType: SPORTS, title: "New"})',
}
SHOWN = {
    "a view": "owner { reminders { id } }",
    "a view further off": "owner { memberships { group { progress { completed active } } } }",
    "a filter through a view": (
        "owner { reminders(filter: {goal: {complete: {eq: false}}}) { id } }"
    ),
    "a count": "owner { goalsConnection(filter: {complete: {eq: true}}) { totalCount } }",
    "the entry of the change": "owner { auditConnection { totalCount nodes { action kind } } }",
}


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("change", CHANGES)
async def test_a_payload_shows_what_a_query_shows_after_it(
    client: EngineClient, change: str, shown: str
) -> None:
    await _study(client.database)
    answer = await client.ask(
        f"mutation {{ it: {CHANGES[change]} {{ goal {{ {SHOWN[shown]} }} }} }}"
    )
    owner: Any = answer["it"]["goal"]["owner"]
    after = await client.ask(f"{{ me {SHOWN[shown].removeprefix('owner ')} }}")
    assert owner == after["me"]


async def _study(database: Database) -> None:
    """Ana studies in a group, where she sees what is counted, and is reminded of her goal."""
    belongs = "insert into membership (id, person_id, organisation_id, group_id, role, source,"
    belongs += f" accepted_at) select gen_random_uuid(), '{person_id(1)}', organisation_id,"
    for statement in (
        "insert into organisation (id, name, name_search, time_zone, region, retention_days)"
        " values (gen_random_uuid(), 'K', 'k', 'Pacific/Auckland', 'NZ', 365)",
        "insert into learning_group (id, organisation_id, name, name_search)"
        " select gen_random_uuid(), id, 'G', 'g' from organisation",
        f"{belongs} id, 'STUDENT', 'FOUNDED', now() from learning_group",
        f"{belongs} null, 'ADMIN', 'FOUNDED', now() from learning_group",
        f"update goal set due_at = '2026-02-03T00:00:00Z' where id = '{goal_id(1)}'",
        "insert into reminder (id, person_id, goal_id, kind, due_at)"
        f" select gen_random_uuid(), person_id, id, 'OVERDUE', due_at from goal"
        f" where id = '{goal_id(1)}'",
    ):
        await database.write(statement, deadline=time.monotonic() + 60)
