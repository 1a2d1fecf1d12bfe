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


FILTERS = [
    # Of 5 goals: the filtered ones; their 6 tasks, and the goals without any; those tasks twice.
    ("complete: {eq: true}", 5),
    ("tasks: {some: {complete: {eq: true}}}", 8),
    ("tasks: {every: {complete: {eq: true}}, none: {complete: {eq: false}}}", 16),
    ("not: {or: [{tasks: {some: {complete: {eq: true}}}}, {complete: {eq: true}}]}", 8),
    ("owner: {goals: {some: {complete: {eq: true}}}}", 25),
    (f'id: {{eq: "{goal_id(1)}"}}', 1),
]


@pytest.mark.parametrize(
    ("query", "most", "path"),
    [
        ("{ goalsConnection(first: 0) { totalCount } }", 5, "goalsConnection"),
        ("{ goals { n: tasksConnection(first: 0) { totalCount } } }", 6, "goals.n"),
        ("{ goals { tasksConnection(first: 1) { totalCount nodes { id } } } }", 6, None),
        ("{ goals { tasks(filter: {complete: {eq: true}}) { id } } }", 6, "goals.tasks"),
        *((f"{{ goals(filter: {{{each}}}) {{ id }} }}", most, "goals") for each, most in FILTERS),
        *(
            (f"{{ goals(first: 1, filter: {{{each}}}) {{ id }} }}", most, "goals")
            for each, most in FILTERS
        ),
        *(
            (
                f"{{ goalsConnection(filter: {{{each}}}) {{ totalCount nodes {{ id }} }} }}",
                most,
                "goalsConnection",
            )
            for each, most in FILTERS
        ),
    ],
)
async def test_filters_and_counts_go_through_so_many_rows_or_are_refused(
    engine_database: Database, rendering: str, query: str, most: int, path: str | None
) -> None:
    free = await client_with(engine_database, rendering).ask(query)
    exact = client_with(engine_database, rendering, max_scanned_rows=most)
    assert await exact.ask(query) == free
    client = client_with(engine_database, rendering, max_scanned_rows=most - 1)

    _, error = await client.fail(query)

    path = path or "goals.tasksConnection"
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "scannedRows",
        "value": most,
        "allowed": most - 1,
        "field": path,
    }
    assert error["message"].startswith(f"{path}: its filter or totalCount goes through more than")


async def test_no_more_rows_are_counted_or_compared_than_the_bound(
    engine_database: Database, rendering: str
) -> None:
    """What PostgreSQL itself counted, of a goal with ten thousand tasks."""
    await add_tasks(engine_database)
    client = client_with(engine_database, rendering, max_scanned_rows=100)
    count = "{ goals { tasksConnection(first: 0%s) { totalCount } } }"
    some = '{ goals(filter: {tasks: {some: {information: {contains: "zzz"}}}}) { id } }'
    queries: list[tuple[str, list[object]]] = [
        (count % "", []),
        (count % ", filter: {complete: {eq: true}}", [True]),
        (some, ["zzz"]),
    ]
    for query, values in queries:
        assert 0 < await count_read_tasks(engine_database, client, query, *values) <= 101


LONG_NOTES = """
INSERT INTO goal_note (id, goal_id, author_id, information, information_search)
SELECT gen_random_uuid(), $1, $2, repeat('a', 10000), repeat('a', 10000) FROM generate_series(1, 20)
"""


@pytest.mark.parametrize("conditions", [1, 4])
@pytest.mark.parametrize("condition", ["information: {contains: %s}", "search: %s"])
async def test_what_looking_for_texts_may_take_is_bounded_and_paid_for(
    engine_database: Database, rendering: str, conditions: int, condition: str
) -> None:
    """20 notes of 10,000 characters, each compared with 100: a million comparisons at worst."""
    values = [goal_id(1), ANA.person_id]
    await engine_database.write(LONG_NOTES, values, deadline=soon())
    needles = [json.dumps("b" * (each + 1) + "a" * (99 - each)) for each in range(conditions)]
    each = ", ".join("{%s}" % (condition % needle) for needle in needles)
    query = f"{{ goals(filter: {{notes: {{some: {{or: [{each}]}}}}}}) {{ id }} }}"
    work = 20 * 10_000 * 100 * conditions // 20_000
    client = client_with(engine_database, rendering, max_scanned_rows=work)

    _, error = await client.fail(query)

    assert error["extensions"]["limit"] == "scannedRows"
    wider = client_with(engine_database, rendering, max_scanned_rows=2 * work)
    answer = await wider.send(query, ANA)
    assert json.loads(answer.body) == {"data": {"goals": []}}
    assert answer.owed >= work // Settings().cost_scan


async def test_looking_for_a_word_in_ordinary_texts_counts_for_nothing(
    engine_database: Database, rendering: str
) -> None:
    client = client_with(engine_database, rendering, max_scanned_rows=5)
    assert await client.ask('{ goals(filter: {search: "korero maori"}) { id } }')


@pytest.mark.parametrize(
    "payload",
    [
        "tasksConnection(first: 0) { totalCount }",
        "owner { goals(filter: {tasks: {some: {complete: {eq: true}}}}) { id } }",
    ],
)
async def test_a_change_whose_payload_goes_through_too_many_rows_does_not_happen(
    engine_database: Database, rendering: str, payload: str
) -> None:
    client = client_with(engine_database, rendering, max_scanned_rows=2)
    change = f"updateGoal(input: {{goalId: $id, title: $title}}) {{ goal {{ {payload} }} }}"
    query = f"mutation($id: UUID!, $title: String!) {{ {change} }}"
    input = {"id": str(goal_id(1)), "title": "Changed"}

    _, error = await client.fail(query, **input)

    assert error["path"] == ["updateGoal"]
    assert "goes through more than 2 rows" in error["message"]
    (goal,) = (await client.ask(f'{{ goals(goalId: "{goal_id(1)}") {{ title }} }}'))["goals"]
    assert goal["title"] == "Kōrero Māori"
    exact = client_with(engine_database, rendering, max_scanned_rows=8)
    assert await exact.ask(query, **input)


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
    await add_tasks(engine_database)
    client = client_with(engine_database, rendering, max_rows=100)
    assert 0 < await count_read_tasks(engine_database, client, f"{{ {TASKS} }}") <= 101


async def add_tasks(database: Database) -> None:
    await database.write(
        "INSERT INTO goal_task (id, goal_id, information, information_search, position)"
        f" SELECT gen_random_uuid(), '{goal_id(5)}', 'a', 'a', n FROM generate_series(9, 10008) n",
        deadline=soon(),
    )


async def count_read_tasks(
    database: Database, client: EngineClient, query: str, *values: object
) -> float:
    """How many tasks the refused operation read."""
    seen: list[StatementTrace] = []
    with database.observe(seen.append):
        _, error = await client.fail(query)
    assert error["extensions"]["field"].startswith("goals")
    (trace,) = [each for each in seen if each.name == "read"]
    ((plan,),) = await database.read(
        f"EXPLAIN (ANALYZE, FORMAT JSON) {trace.statement}",
        [ANA.person_id, *values],
        deadline=soon(),
    )
    return rows_of(json.loads(plan)[0]["Plan"], "goal_task")


def rows_of(plan: dict[str, Any], table: str) -> float:
    """How many rows of the table were read, by PostgreSQL's own count."""
    read = 0.0
    if plan.get("Relation Name") == table:
        read = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return read + sum(rows_of(each, table) for each in plan.get("Plans", ()))


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
