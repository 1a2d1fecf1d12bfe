"""Quotas: what is one too many is refused, with what is allowed, what there is and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from poutama.changes import ChangePlans, Changes, ColumnValue
from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.db.transaction import Transaction, run_transaction
from poutama.engine import Engine
from poutama.errors import QuotaExceededError
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.quotas import Quotas
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sessions import soon
from tests.golden.rows import ANA, BEN, BENS_GOAL, fill, goal_id

GOAL = 'mutation { createGoal(input: {goalType: SPORTS, title: "x" TASKS}) { goal { id } } }'
TASK = 'mutation { createGoalTask(input: {goalId: "ID", information: "x"}) { task { id } } }'
GOALS = "SELECT count(*)::int8 AS count FROM goal WHERE person_id = $1::uuid"
FOUND = 'mutation { createOrganisation(input: {name: "x"}) { organisation { id } } }'
EXPORT = "mutation { exportJourney(input: {}) { job { id } } }"


@pytest.fixture(autouse=True)
async def _rows(engine_database: Database) -> None:
    await fill(engine_database)


async def ask(
    database: Database, query: str, viewer: Viewer = ANA, **settings: Any
) -> tuple[Mapping[str, Any], list[str]]:
    """The answer, and what was sent for it."""
    chosen = Settings(**settings)
    engine = Engine(load_model(), database, chosen, load_features().procedures)
    traces: list[StatementTrace] = []
    with database.observe(traces.append):
        answer = await engine.execute(GraphQLRequest(query), viewer, deadline=soon())
    return json.loads(answer.body), [trace.name for trace in traces]


async def refuse(database: Database, query: str, **settings: Any) -> Mapping[str, Any]:
    answer, _ = await ask(database, query, **settings)
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"].pop("code") == "QUOTA_EXCEEDED"
    assert error["path"] == [query.split("(")[0].split()[-1]]
    found: Mapping[str, Any] = error
    return found


async def count_goals(database: Database) -> int:
    rows = await database.read(GOALS, [ANA.person_id], deadline=soon())
    return int(rows[0]["count"])


@pytest.mark.parametrize("rendering", ["json", "rows"])
async def test_a_goal_too_many_is_refused_and_one_fewer_is_one_statement(
    engine_database: Database, rendering: str
) -> None:
    there = await count_goals(engine_database)
    options: dict[str, Any] = {"max_goals": there + 1, "rendering": rendering}
    goal = GOAL.replace(" TASKS", "")
    answer, sent = await ask(engine_database, goal, **options)
    assert (set(answer), len(sent)) == ({"data"}, 1)

    error = await refuse(engine_database, goal, **options)
    assert error["message"] == (
        f"createGoal: Goals of one person: at most {there + 1} allowed, and there are {there + 1}."
        " Delete some that are not needed first."
    )
    assert error["extensions"] == {"limit": "goals", "allowed": there + 1, "used": there + 1}
    assert await count_goals(engine_database) == there + 1
    lowered = await refuse(engine_database, goal, max_goals=1, rendering=rendering)
    assert lowered["extensions"] == {"limit": "goals", "allowed": 1, "used": there + 1}
    other, _ = await ask(engine_database, goal, BEN, **options)
    assert set(other) == {"data"}, "each person has their own"


async def test_rows_inserted_along_with_their_parent_count(engine_database: Database) -> None:
    tasks = GOAL.replace("TASKS", 'tasks: [{information: "a"}, {information: "b"}]')
    assert set((await ask(engine_database, tasks, max_goal_tasks=2))[0]) == {"data"}
    answer, _ = await ask(engine_database, tasks, max_goal_tasks=1)
    assert answer["errors"][0]["extensions"] == {
        "code": "QUOTA_EXCEEDED",
        "limit": "goalTasks",
        "allowed": 1,
        "used": 0,
    }


async def test_a_full_goal_is_no_sign_that_it_is_there(engine_database: Database) -> None:
    own = await refuse(engine_database, TASK.replace("ID", str(goal_id(1))), max_goal_tasks=0)
    assert own["extensions"]["limit"] == "goalTasks"
    hidden, _ = await ask(engine_database, TASK.replace("ID", str(BENS_GOAL)), max_goal_tasks=0)
    absent, _ = await ask(engine_database, TASK.replace("ID", str(UUID(int=9))), max_goal_tasks=0)
    assert hidden == absent
    assert hidden["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_mutations_at_once_never_make_more_than_there_may_be(
    engine_database: Database,
) -> None:
    there = await count_goals(engine_database)
    goal = GOAL.replace(" TASKS", "")
    answers = await asyncio.gather(
        *(ask(engine_database, goal, max_goals=there + 3) for _ in range(12))
    )
    assert sum(set(answer) == {"data"} for answer, _ in answers) == 3
    assert await count_goals(engine_database) == there + 3


async def test_a_procedures_insert_counts_and_only_rows_of_its_kind(
    engine_database: Database,
) -> None:
    assert set((await ask(engine_database, FOUND, max_organisations=1, max_invitations=0))[0]) == {
        "data"
    }
    error = await refuse(engine_database, FOUND, max_organisations=1)
    assert error["message"].startswith("createOrganisation: Organisations founded by one person:")


INVITE = """mutation { invite(input: {organisationId: "ID", role: ADMIN, name: "x",
  email: "WHO@school.example"}) { membership { id } } }"""


async def test_organisations_that_are_not_verified_invite_few(engine_database: Database) -> None:
    """Of all of them together: a person may found several."""
    places = []
    for _ in range(2):
        answer, _ = await ask(engine_database, FOUND)
        places.append(answer["data"]["createOrganisation"]["organisation"]["id"])

    def invite(place: str, who: str) -> str:
        return INVITE.replace("ID", place).replace("WHO", who)

    few: dict[str, Any] = {"max_unverified_invitations": 1}
    assert set((await ask(engine_database, invite(places[0], "a"), **few))[0]) == {"data"}
    error = await refuse(engine_database, invite(places[1], "b"), **few)
    assert error["extensions"] == {"limit": "unverifiedInvitations", "allowed": 1, "used": 1}
    assert "Ask those who run the service to verify the organisation" in error["message"]
    verify = "UPDATE organisation SET verified = true WHERE id = $1::uuid"
    await engine_database.write(verify, [UUID(places[1])], deadline=soon())
    for who in ("b", "c"):
        assert set((await ask(engine_database, invite(places[1], who), **few))[0]) == {"data"}
    await engine_database.write(verify, [UUID(places[0])], deadline=soon())
    other, _ = await ask(engine_database, FOUND)
    place = other["data"]["createOrganisation"]["organisation"]["id"]
    assert set((await ask(engine_database, invite(place, "d"), **few))[0]) == {"data"}


async def test_jobs_count_while_they_wait_and_some_by_the_day(engine_database: Database) -> None:
    assert set((await ask(engine_database, EXPORT, max_jobs=1))[0]) == {"data"}
    await _execute(engine_database, "UPDATE job SET cancel_requested = true")
    waiting = await refuse(engine_database, EXPORT, max_jobs=1)
    assert waiting["extensions"] == {"limit": "jobs", "allowed": 1, "used": 1}
    ended = "UPDATE job SET state = 'SUCCEEDED', created_at = now() - interval '23 hours'"
    await _execute(engine_database, ended)
    today = await refuse(engine_database, EXPORT, max_jobs=1, max_exports_a_day=1)
    assert 3_500 < today["extensions"].pop("retryAfter") <= 3_601
    assert today["extensions"] == {"limit": "exportsADay", "allowed": 1, "used": 1}
    assert "at most 1 allowed in 24 h, and there are 1. Try again in 6" in today["message"]
    await _execute(engine_database, "UPDATE job SET created_at = now() - interval '25 hours'")
    assert set((await ask(engine_database, EXPORT, max_jobs=1, max_exports_a_day=1))[0]) == {"data"}


async def test_rows_in_bulk_are_held_to_the_same_quotas(engine_database: Database) -> None:
    quotas = Quotas(load_model(), Settings(max_goals=10))
    there = await count_goals(engine_database)

    async def require(adding: int, *, written: bool = False) -> None:
        async def work(transaction: Transaction) -> None:
            row = {"person_id": ANA.person_id}
            await quotas.require("goal", row, transaction.fetch, adding=adding, written=written)

        await run_transaction(engine_database, work, deadline=soon())

    await require(10 - there)
    await require(there, written=True)
    with pytest.raises(QuotaExceededError, match=f"there are {there}, and {11 - there} more"):
        await require(11 - there)


async def test_changes_have_the_limits_of_their_process(engine_database: Database) -> None:
    plans = ChangePlans(load_model(), Settings(max_goals=0))
    values: dict[str, ColumnValue] = {"goalType": "SPORTS", "title": "x", "information": ""}

    async def work(transaction: Transaction) -> UUID:
        return await Changes(plans, transaction, ANA).insert("Goal", values)

    with pytest.raises(QuotaExceededError, match="at most 0 allowed"):
        await run_transaction(engine_database, work, deadline=soon())


async def test_every_quota_counts_by_an_index(engine_database: Database) -> None:
    rows = await engine_database.read(
        "SELECT tablename || ' ' || split_part(split_part(indexdef, '(', 2), ',', 1) AS first"
        " FROM pg_indexes WHERE schemaname = current_schema()",
        [],
        deadline=soon(),
    )
    indexed = {row["first"].rstrip(")").replace('"', "") for row in rows}
    quotas = [
        (entity.base or entity.table, quota.within)
        for entity in load_model().entities.values()
        for quota in entity.quotas
    ]
    assert len(quotas) >= 10
    assert {f"{table} {column}" for table, column in quotas} <= indexed


async def _execute(database: Database, statement: str) -> None:
    await database.write(statement, [], deadline=soon())
