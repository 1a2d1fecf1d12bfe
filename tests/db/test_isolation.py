"""Rules that write skew would break hold because of isolation and retries, and break without.

Each scenario runs twice: as the product runs it, and at READ COMMITTED, where it must go wrong. So
it is known that the scenario can go wrong, and that the check sees it when it does.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

import asyncpg
import pytest
import pytest_asyncio

from poutama.db import connection, transaction
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.settings import Settings
from tests.db.history import Recorded, find_anomaly
from tests.db.idempotent_mutations import MUTATIONS, REORDER, send, waiting
from tests.db.sessions import soon, until
from tests.golden.engine_client import EngineClient
from tests.golden.rows import fill, goal_id, task_id

WRITERS = 8
ROUNDS = 6
GOAL = goal_id(1)
ADD = (
    "mutation ($g: UUID!) {"
    ' createGoalTask(input: {goalId: $g, information: "x"}) { task { id } } }',
    {"g": str(GOAL)},
)
TASKS = "query ($g: UUID!) { goals(goalId: $g) { tasks { id } } }"
DELETE = MUTATIONS["a deletion that others move up after"][0]
SERIALIZABLE, READ_COMMITTED = "SERIALIZABLE", "READ COMMITTED"
both_levels = pytest.mark.parametrize("level", [SERIALIZABLE, READ_COMMITTED], indirect=True)


@pytest.fixture
def level(
    request: pytest.FixtureRequest, database_engine: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The isolation that new connections have; the project's own unless a test asks for less."""
    level = str(request.param)
    if level == READ_COMMITTED:
        if database_engine != "postgresql":
            pytest.skip("CockroachDB takes READ COMMITTED for SERIALIZABLE")
        settle = connection._session_settings
        lesser = {"default_transaction_isolation": "read committed"}
        monkeypatch.setattr(
            connection, "_session_settings", lambda *arguments: {**settle(*arguments), **lesser}
        )
        monkeypatch.setattr(transaction, "_BEGIN", f"BEGIN ISOLATION LEVEL {level}")
    return level


@pytest_asyncio.fixture
async def client(
    level: str, engine_database: Database, database_url: str
) -> AsyncIterator[EngineClient]:
    """Ana's goals, and a connection of that isolation for each writer."""
    await fill(engine_database)
    database = Database(Settings(pool_size=WRITERS), url=database_url)
    yield EngineClient(database, "json")
    await database.close()


async def positions(client: EngineClient) -> list[int]:
    rows = await client.database.read(
        "SELECT position FROM goal_task WHERE goal_id = $1 ORDER BY position",
        [GOAL],
        deadline=soon(),
    )
    return [row["position"] for row in rows]


def contiguous(found: list[int]) -> bool:
    return found == list(range(len(found)))


async def start_together(
    client: EngineClient, works: Sequence[Callable[[], Awaitable[object]]]
) -> Counter[str]:
    """Run them from one moment on; how their statements ended."""
    barrier = asyncio.Barrier(len(works))
    outcomes: Counter[str] = Counter()

    async def one(work: Callable[[], Awaitable[object]]) -> None:
        await client.ask("{ me { id } }")
        await barrier.wait()
        await work()

    with client.database.observe(lambda trace: outcomes.update([trace.outcome])):
        await asyncio.gather(*map(one, works))
    return outcomes


@pytest.mark.parametrize("level", [SERIALIZABLE], indirect=True)
async def test_positions_have_no_gaps_under_many_writers(client: EngineClient) -> None:
    outcomes: Counter[str] = Counter()
    chance = random.Random(0)

    for _ in range(ROUNDS):
        data = await client.ask(TASKS, g=str(GOAL))
        tasks = [task["id"] for task in data["goals"][0]["tasks"]]
        orders = [chance.sample(tasks, len(tasks)) for _ in range(2)]
        works = [partial(send, client, ADD, None)] * 4
        works += [
            partial(send, client, (DELETE, {"t": task}), None) for task in chance.sample(tasks, 2)
        ]
        works += [
            partial(send, client, (REORDER, {"goal": str(GOAL), "tasks": order}), None)
            for order in orders
        ]
        outcomes += await start_together(client, works)
        found = await positions(client)
        assert contiguous(found), found
        assert len(found) == len(tasks) + 2
    assert outcomes["RESTART"] > 0, "no transaction got in another's way: this shows nothing"


@both_levels
async def test_tasks_added_at_one_moment_follow_each_other(
    client: EngineClient, level: str, gate: Gate
) -> None:
    """Each has looked for the last position before any of them has committed."""
    await gate.close()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(send(client, ADD, None))
        await gate.until_waiting(3)
        await gate.open()
    found = await positions(client)
    assert len(found) == 3 + 3
    assert contiguous(found) is (level == SERIALIZABLE), found


@both_levels
async def test_a_task_added_while_another_is_deleted_leaves_no_gap(
    client: EngineClient, level: str, gate: Gate, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("the lock on the goal holds up those that only read it, too")
    await gate.close()
    async with asyncio.TaskGroup() as group:
        group.create_task(send(client, ADD, None))
        await gate.until_waiting(1)
        await send(client, (DELETE, {"t": str(task_id(1))}), None)
        await gate.open()
    found = await positions(client)
    assert len(found) == 3
    assert contiguous(found) is (level == SERIALIZABLE), found


@both_levels
async def test_a_recorded_history_tells_the_levels_apart(
    level: str, fresh_database_url: str
) -> None:
    """Clients in pairs: both read both keys, and only then does each change one."""
    database = Database(Settings(pool_size=2), url=fresh_database_url)
    await database.write(
        "CREATE TABLE register (key text PRIMARY KEY, value int NOT NULL)", deadline=soon()
    )
    await database.write("INSERT INTO register VALUES ('a', 0), ('b', 0)", deadline=soon())
    values = itertools.count(1)
    history: list[Recorded] = []

    async def writer(key: str, both_have_looked: asyncio.Barrier) -> None:
        attempts = itertools.count()

        async def work(transaction: Transaction) -> Recorded:
            rows = await transaction.fetch("SELECT key, value FROM register")
            if next(attempts) == 0:
                await both_have_looked.wait()
            value = next(values)
            await transaction.execute("UPDATE register SET value = $2 WHERE key = $1", key, value)
            return Recorded({row["key"]: row["value"] for row in rows}, {key: value})

        history.append(await run_transaction(database, work, deadline=soon()))

    for keys in ("ab", "aa", "ba"):
        barrier = asyncio.Barrier(2)
        await asyncio.gather(*(writer(key, barrier) for key in keys))
    await database.close()
    assert len(history) == 6
    assert (find_anomaly(history) is None) is (level == SERIALIZABLE)


class Gate:
    """Holds the goal's row, so that each that adds a task to it waits before it commits."""

    def __init__(self, locking: asyncpg.Connection, looking: asyncpg.Connection) -> None:
        self._looking = looking
        self._locking = locking

    async def close(self) -> None:
        await self._locking.execute("BEGIN")
        # The one holds up who refers to the row on PostgreSQL, the other on CockroachDB.
        await self._locking.execute("SELECT id FROM goal WHERE id = $1 FOR UPDATE", GOAL)
        await self._locking.execute("UPDATE goal SET version = version WHERE id = $1", GOAL)

    async def until_waiting(self, sessions: int) -> None:
        await until(lambda: waiting(self._looking, sessions))

    async def open(self) -> None:
        await self._locking.execute("ROLLBACK")


@pytest_asyncio.fixture
async def gate(database_url: str) -> AsyncIterator[Gate]:
    connections = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    yield Gate(*connections)
    for one in connections:
        await one.close()
