"""A list, and a place of the answer, have bounds in SQL; beyond them is an error, never a cut.

Ana has 5 goals here; the first has 3 tasks and 2 notes; all her goals together have 6 tasks.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.settings import Settings
from tests.db.sessions import soon
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, fill, goal_id

TASKS = "goals { title tasks { information } }"


@pytest_asyncio.fixture(params=RENDERINGS)
async def rendering(request: pytest.FixtureRequest, engine_database: Database) -> str:
    await fill(engine_database)
    return str(request.param)


def client_with(database: Database, rendering: str, **bounds: int) -> EngineClient:
    return EngineClient(database, rendering, settings=Settings(**bounds))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "most", "path"),
    [
        ("{ goals { id } }", 5, "goals"),
        ("{ mine: goals { title tasks { id } } }", 5, "mine"),
        ("{ me { goals { id } } }", 5, "me.goals"),
        ("{ me { name goals { owner { goals { id } } } } }", 5, "me.goals"),
        (f"{{ {TASKS} }}", 5, "goals"),
        ('{ goals(filter: {title: {startsWith: "K"}}) { tasks { id } } }', 3, "goals.tasks"),
        ("{ goals(first: 1) { steps: tasks { id goal { title } } } }", 3, "goals.steps"),
        ("{ goalsConnection(first: 1) { nodes { tasks { id } } } }", 3, "goalsConnection.tasks"),
        (
            "{ goalsConnection(first: 1) { edges { node { notes { author { id } } } } } }",
            2,
            "goalsConnection.notes",
        ),
    ],
)
async def test_a_list_is_answered_whole_or_refused(
    engine_database: Database, rendering: str, query: str, most: int, path: str
) -> None:
    assert await client_with(engine_database, rendering, max_list_rows=most).ask(query)
    client = client_with(engine_database, rendering, max_list_rows=most - 1)

    status, error = await client.fail(query)

    assert status == 400
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "listRows",
        "value": most,
        "allowed": most - 1,
        "field": path,
    }
    assert (
        f"{path}: the list has more than {most - 1} rows; page through it with its "
        in (error["message"])
    )


@pytest.mark.parametrize(
    ("query", "most", "path"),
    [
        (f"{{ {TASKS} }}", 6, "goals.tasks"),
        ("{ goals { tasks(first: 1) { id } } }", 3, "goals.tasks"),
        ("{ goals { tasksConnection { nodes { id } } } }", 6, "goals.tasksConnection"),
        ("{ goals { owner { goals { id } } } }", 25, "goals.owner.goals"),
        ("{ goals { owner { goals { tasks { id } } } } }", 30, "goals.owner.goals.tasks"),
    ],
)
async def test_the_lists_at_one_place_are_answered_together_or_refused(
    engine_database: Database, rendering: str, query: str, most: int, path: str
) -> None:
    assert await client_with(engine_database, rendering, max_rows=most).ask(query)
    client = client_with(engine_database, rendering, max_rows=most - 1)

    _, error = await client.fail(query)

    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "rows",
        "value": most,
        "allowed": most - 1,
        "field": path,
    }


async def test_what_is_within_its_bounds_is_answered_as_without_any(
    engine_database: Database, rendering: str
) -> None:
    query = (
        "{ goals { title tasks { information } notes { author { name } } tasksConnection(first: 1)"
        " { totalCount nodes { id } pageInfo { hasNextPage } } } }"
    )
    free = await client_with(engine_database, rendering).ask(query)

    exact = client_with(engine_database, rendering, max_list_rows=5, max_rows=6)

    assert await exact.ask(query) == free


async def test_a_page_that_is_only_asked_whether_it_has_another_is_bounded(
    engine_database: Database, rendering: str
) -> None:
    client = client_with(engine_database, rendering, max_rows=2)
    query = "{ goals { tasksConnection { pageInfo { hasNextPage } } } }"

    _, error = await client.fail(query)

    assert error["extensions"]["field"] == "goals.tasksConnection"


@pytest.mark.parametrize(
    "query",
    [
        "{ goals { title tasks { information } } }",
        "{ me { goals { title notes { information } } } }",
        "{ goals { title } other: goals { title } }",
    ],
)
async def test_an_answers_lists_have_so_many_bytes_at_most(
    engine_database: Database, rendering: str, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poutama.sql.statement.FEW_ROWS", 0)
    assert await client_with(engine_database, rendering, max_rows_bytes=2_000).ask(query)
    client = client_with(engine_database, rendering, max_rows_bytes=20)

    _, error = await client.fail(query)

    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "bytes",
        "value": 21,
        "allowed": 20,
        "field": "data",
    }


async def test_nothing_is_read_below_the_row_beyond_a_page(
    engine_database: Database, rendering: str
) -> None:
    """By title, Ana's first goal has no tasks, and the second has 3."""
    client = client_with(engine_database, rendering, max_list_rows=2, max_rows=2)
    page = "{ goalsConnection(first: %d, orderBy: TITLE_ASC) { nodes { title tasks { id } } } }"

    found = await client.ask(page % 1)

    assert found["goalsConnection"]["nodes"] == [{"title": "Carve a koauau", "tasks": []}]
    assert await client.refuse(page % 2) == "LIMIT_EXCEEDED"


async def test_no_more_rows_leave_their_table_than_can_be_answered(
    engine_database: Database, rendering: str
) -> None:
    """What PostgreSQL itself counted, of a goal with ten thousand tasks."""
    await engine_database.write(
        "INSERT INTO goal_task (id, goal_id, information, information_search, position)"
        f" SELECT gen_random_uuid(), '{goal_id(5)}', 'a', 'a', n FROM generate_series(9, 10008) n",
        deadline=soon(),
    )
    seen: list[StatementTrace] = []
    client = client_with(engine_database, rendering, max_rows=100)
    with engine_database.observe(seen.append):
        _, error = await client.fail(f"{{ {TASKS} }}")
    assert error["extensions"]["field"] == "goals.tasks"
    (trace,) = [each for each in seen if each.name == "read"]
    ((plan,),) = await engine_database.read(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {trace.statement}", [ANA.person_id], deadline=soon()
    )
    assert 0 < rows_of(json.loads(plan)[0]["Plan"], "goal_task") <= 101


def rows_of(plan: dict[str, Any], table: str) -> float:
    """How many rows of the table were read, by PostgreSQL's own count."""
    read = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") == table else 0
    return float(read) + sum(rows_of(each, table) for each in plan.get("Plans", ()))


@pytest.mark.parametrize(
    "change",
    [
        "updateGoal(input: {goalId: $id, title: $title}) { goal { title tasks { id } } }",
        "updateGoal(input: {goalId: $id, title: $title}) { goal { owner { goals { title } } } }",
    ],
)
async def test_a_change_whose_payload_is_too_long_does_not_happen(
    engine_database: Database, rendering: str, change: str
) -> None:
    client = client_with(engine_database, rendering, max_list_rows=2)
    query = f"mutation($id: UUID!, $title: String!) {{ {change} }}"

    _, error = await client.fail(query, id=str(goal_id(1)), title="Changed")

    assert error["path"] == ["updateGoal"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["field"].startswith("goal.")
    (goal,) = (await client.ask(f'{{ goals(goalId: "{goal_id(1)}") {{ title }} }}'))["goals"]
    assert goal["title"] == "Kōrero Māori"
