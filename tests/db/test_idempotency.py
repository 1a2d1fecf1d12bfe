"""Under an idempotency key a mutation happens once, and is answered alike every time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from poutama.db import idempotency_keys
from poutama.db.connection import Database
from poutama.db.idempotency_keys import purge_expired_keys
from poutama.db.trace import StatementTrace
from poutama.edge.schedule_event import run_tasks
from poutama.edge.worker_resources import open_task_contexts
from poutama.engine import GraphQLResponse
from poutama.features import load_features
from poutama.server.resources import open_server_resources
from poutama.settings import Settings
from tests.db.idempotent_mutations import MUTATIONS, NOTE, all_rows, is_of, kept_keys, send, waiting
from tests.db.sessions import until
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, BEN, BENS_GOAL, NOWHERE, fill, goal_id, task_id

SIMPLE = MUTATIONS["a simple write"]
CROWD = 16
every_mutation = pytest.mark.parametrize("name", MUTATIONS)


Two = tuple[asyncpg.Connection, asyncpg.Connection]


@pytest_asyncio.fixture
async def others(database_url: str) -> AsyncIterator[Two]:
    """Another client's connections to the client's database: one to lock with, one to look with."""
    connections = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    yield connections
    for connection in connections:
        await connection.close()


def code_of(answer: GraphQLResponse) -> str:
    (error,) = json.loads(answer.body)["errors"]
    return str(error["extensions"]["code"])


def soon() -> float:
    return time.monotonic() + 60


@every_mutation
async def test_sent_again_it_is_answered_alike_and_happens_once(
    client: EngineClient, name: str
) -> None:
    before = await all_rows(client.database)
    first = await send(client, MUTATIONS[name])
    once = await all_rows(client.database)
    assert "errors" not in json.loads(first.body)
    assert once != before
    for _ in range(2):
        assert await send(client, MUTATIONS[name]) == first
    assert await all_rows(client.database) == once
    assert [key for _, key, _ in await kept_keys(client.database)] == ["k"]


@every_mutation
async def test_the_answer_has_the_shape_it_has_without_a_key(
    client: EngineClient, name: str
) -> None:
    def shape(value: object) -> object:
        match value:
            case dict():
                return [(key, shape(item)) for key, item in value.items()]
            case list():
                return [shape(item) for item in value]
            case _:
                return type(value)

    keyed = json.loads((await send(client, MUTATIONS[name])).body)
    await fill(client.database)
    assert shape(json.loads((await send(client, MUTATIONS[name], None)).body)) == shape(keyed)


async def test_without_a_key_it_happens_each_time(client: EngineClient) -> None:
    before = len((await all_rows(client.database))["goal_note"])
    first, second = await send(client, SIMPLE, None), await send(client, SIMPLE, None)
    assert first != second
    assert len((await all_rows(client.database))["goal_note"]) == before + 2
    assert await kept_keys(client.database) == []


@pytest_asyncio.fixture
async def crowd(client: EngineClient, database_url: str) -> AsyncIterator[EngineClient]:
    """The same rows and rendering, with a connection for each of the crowd."""
    database = Database(Settings(pool_size=CROWD), url=database_url)
    yield EngineClient(database, client.rendering)
    await database.close()
    assert database.pool.open_connections == 0


@every_mutation
async def test_many_at_one_moment_are_one(crowd: EngineClient, name: str) -> None:
    before = await all_rows(crowd.database)
    barrier = asyncio.Barrier(CROWD)

    async def one() -> GraphQLResponse:
        await crowd.ask("{ me { id } }")  # a connection is open and nothing is left to prepare
        await barrier.wait()
        return await send(crowd, MUTATIONS[name])

    answers = await asyncio.gather(*(one() for _ in range(CROWD)))
    assert len(set(answers)) == 1
    once = await all_rows(crowd.database)
    assert once != before
    assert await send(crowd, MUTATIONS[name]) == answers[0]
    assert await all_rows(crowd.database) == once
    await fill(crowd.database)
    await send(crowd, MUTATIONS[name], None)
    assert sizes(await all_rows(crowd.database)) == sizes(once), "as often as without a key"


@pytest.mark.parametrize("name", ["a simple write", "several roots", "a procedure"])
async def test_while_the_first_is_running_the_others_wait_for_its_answer(
    crowd: EngineClient, name: str, others: Two
) -> None:
    """A lock on the goal holds the first in mid-air, with its key written and not committed."""
    before = await all_rows(crowd.database)
    locking, looking = others
    lock = locking.transaction()
    await lock.start()
    await locking.execute("SELECT id FROM goal WHERE id = $1 FOR UPDATE", goal_id(1))
    await locking.execute("UPDATE goal SET version = version WHERE id = $1", goal_id(1))
    await locking.execute("SELECT id FROM goal_task WHERE goal_id = $1 FOR UPDATE", goal_id(1))
    async with asyncio.TaskGroup() as group:
        first = group.create_task(send(crowd, MUTATIONS[name]))
        await until(lambda: waiting(looking, 1))
        late = [group.create_task(send(crowd, MUTATIONS[name])) for _ in range(3)]
        await until(lambda: waiting(looking, 4))
        assert not first.done()
        await lock.rollback()
    assert {task.result() for task in late} == {first.result()}
    assert "errors" not in json.loads(first.result().body)
    once = await all_rows(crowd.database)
    await fill(crowd.database)
    assert await all_rows(crowd.database) == before
    await send(crowd, MUTATIONS[name], None)
    assert sizes(await all_rows(crowd.database)) == sizes(once)


@pytest.mark.parametrize(
    "another",
    [
        (NOTE, {**SIMPLE[1], "text": "another"}),
        (NOTE.replace("createdAt", "updatedAt"), SIMPLE[1]),
        MUTATIONS["a procedure"],
        MUTATIONS["several roots"],
    ],
    ids=["other variables", "another selection", "a procedure", "several roots"],
)
async def test_a_key_is_for_one_request(
    client: EngineClient, another: tuple[str, dict[str, object]]
) -> None:
    await send(client, SIMPLE)
    once = await all_rows(client.database)
    kept = await kept_keys(client.database)
    refused = await send(client, another)
    assert (refused.status, code_of(refused)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert b"quoted" not in refused.body
    assert await all_rows(client.database) == once
    assert await kept_keys(client.database) == kept


async def test_the_order_of_variables_makes_no_other_request(client: EngineClient) -> None:
    query, variables = SIMPLE
    backwards = dict(reversed(variables.items()))
    assert list(backwards) != list(variables)
    assert await send(client, SIMPLE) == await send(client, (query, backwards))


async def test_another_viewer_s_same_key_is_another_key(client: EngineClient) -> None:
    anas = await send(client, SIMPLE)
    refused = await send(client, SIMPLE, viewer=BEN)
    assert code_of(refused) == "NOT_FOUND", "as if Ana had sent nothing"
    unkeyed = await send(client, SIMPLE, None, BEN)
    assert refused == unkeyed
    bens = await send(client, (NOTE, {**SIMPLE[1], "goal": str(BENS_GOAL)}), viewer=BEN)
    assert "errors" not in json.loads(bens.body)
    assert bens != anas
    assert await send(client, SIMPLE) == anas
    owners = [person for person, _, _ in await kept_keys(client.database)]
    assert owners == [ANA.person_id, BEN.person_id]


REFUSED = {
    "NOT_FOUND": (NOTE, {"goal": str(NOWHERE), "text": "x"}),
    "BAD_USER_INPUT": (NOTE, {"goal": str(goal_id(1)), "text": " "}),
    "CONFLICT": (
        MUTATIONS["an update of one version"][0].replace(
            "expectedVersion: 3", "expectedVersion: 2"
        ),
        {"goal": str(goal_id(1))},
    ),
    "NOT_FOUND by the last root": (
        MUTATIONS["several roots"][0],
        {**MUTATIONS["several roots"][1], "task": str(NOWHERE)},
    ),
    "BAD_USER_INPUT by a procedure": (
        MUTATIONS["a procedure"][0],
        {"goal": str(goal_id(1)), "tasks": [str(task_id(1))]},
    ),
    "NOT_FOUND by a deletion": (
        MUTATIONS["a deletion that others move up after"][0],
        {"t": str(NOWHERE)},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_keeps_no_key(client: EngineClient, name: str) -> None:
    before = await all_rows(client.database)
    assert code_of(await send(client, REFUSED[name])) == name.split()[0]
    assert await all_rows(client.database) == before
    assert await kept_keys(client.database) == []
    assert "errors" not in json.loads((await send(client, SIMPLE)).body), "the key is free"


async def test_what_writes_nothing_keeps_no_key(client: EngineClient) -> None:
    for query in ("{ goals { id } }", "mutation { __typename }"):
        assert "errors" not in json.loads((await send(client, (query, {}))).body)
    assert code_of(await send(client, SIMPLE, viewer=None)) == "UNAUTHENTICATED"
    assert await kept_keys(client.database) == []


@every_mutation
async def test_an_expired_key_is_as_good_as_new(crowd: EngineClient, name: str) -> None:
    repeatable = not name.startswith(("a deletion", "an update"))
    first = await send(crowd, MUTATIONS[name])
    await expire(crowd.database)
    answers = await asyncio.gather(*(send(crowd, MUTATIONS[name]) for _ in range(CROWD)))
    if not repeatable:
        assert {code_of(answer) for answer in answers} <= {"NOT_FOUND", "CONFLICT"}
        return
    assert len(set(answers)) == 1
    assert name == "a procedure" or answers[0] != first
    assert await send(crowd, MUTATIONS[name]) == answers[0]
    ((_, _, written),) = await kept_keys(crowd.database)
    assert is_of(written, answers[0])


async def test_the_sweep_forgets_expired_keys_and_no_others(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await send(client, SIMPLE, f"old {number}")
    await expire(client.database)
    kept = await send(client, SIMPLE, "new")
    once = await all_rows(client.database)
    monkeypatch.setattr(idempotency_keys, "BATCH", 2)
    assert await purge_expired_keys(client.database, deadline=soon()) == 5
    assert await purge_expired_keys(client.database, deadline=soon()) == 0
    assert [key for _, key, _ in await kept_keys(client.database)] == ["new"]
    assert await send(client, SIMPLE, "new") == kept
    assert await all_rows(client.database) == once


async def test_the_schedule_forgets_them(
    client: EngineClient, database_url: str, tmp_path: Path
) -> None:
    await send(client, SIMPLE, "old")
    await expire(client.database)
    await send(client, SIMPLE, "new")
    resources = open_server_resources(Settings(), database_url, tmp_path)
    try:
        await run_tasks(
            load_features().tasks, ["purge_expired_keys"], open_task_contexts(resources), soon()
        )
    finally:
        await resources.close()
    assert [key for _, key, _ in await kept_keys(client.database)] == ["new"]


async def test_a_key_is_kept_for_a_day(client: EngineClient) -> None:
    await send(client, SIMPLE)
    (row,) = await client.database.read(
        "SELECT expires_at > now() + interval '23 hours 59 minutes'"
        " AND expires_at < now() + interval '1 day' FROM idempotency_key",
        deadline=soon(),
    )
    assert row[0]


async def test_a_simple_write_is_one_statement_with_a_key_and_without(client: EngineClient) -> None:
    seen: list[StatementTrace] = []
    for key in ("k", None):
        seen.clear()
        with client.database.observe(seen.append):
            await send(client, SIMPLE, key)
        assert [trace.name for trace in seen] == ["write"], key


async def test_in_a_transaction_a_key_costs_two_statements(client: EngineClient) -> None:
    async def count(key: str | None) -> int:
        seen: list[StatementTrace] = []
        with client.database.observe(seen.append):
            await send(client, MUTATIONS["several roots"], key)
        return len(seen)

    unkeyed = await count(None)
    assert await count("k") == unkeyed + 2
    assert await count("k") == 3 + 3, "begin, find, a read for each payload, commit"


def sizes(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, int]:
    return {table: len(found) for table, found in rows.items()}


async def expire(database: Database) -> None:
    await database.write(
        "UPDATE idempotency_key SET expires_at = now() - interval '1 second'", deadline=soon()
    )
