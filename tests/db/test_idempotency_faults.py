"""Under an idempotency key no client is left in doubt: every fault at every message, then an audit.

And what comes in bad shape: refused with nothing written and no connection left behind.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from poutama.db import pooled_connection
from poutama.db.connection import Database
from poutama.edge.http import Api, Request
from poutama.engine import GraphQLResponse
from poutama.errors import ConfigurationError
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.certificates import Identity
from tests.db.idempotent_mutations import MUTATIONS, NOTE, all_rows, is_of, kept_keys, send
from tests.db.proxy import Action, Fault, FaultProxy, Message, Sender
from tests.db.sessions import until
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, fill, goal_id

HURRIED = 0.15
PATIENT = 28.0
SHORT = 1.0
LOST = [Fault(Action.DROP_BEFORE), Fault(Action.DROP_AFTER), Fault(Action.HALF)]
UNKNOWN = Fault(Action.ANSWER, "40003")
FROM_CLIENT = [*LOST, UNKNOWN, Fault(Action.ANSWER, "40001"), Fault(Action.HOLD)]
# `test_faults` walks the rest; what matters here is that the outcome is in doubt.
FROM_SERVER = [Fault(Action.DROP_BEFORE), UNKNOWN]

Rows = dict[str, list[tuple[object, ...]]]


@pytest_asyncio.fixture
async def client(engine_database: Database) -> EngineClient:
    """Keyed, both renderings send the same changes: one is enough."""
    await fill(engine_database)
    return EngineClient(engine_database, "json")


class Sessions:
    """The server's sessions, as it counts them itself."""

    def __init__(self, looking: asyncpg.Connection) -> None:
        self._looking = looking

    async def count(self) -> int:
        if "crdb_version" in dir(self._looking.get_settings()):
            statement = "SELECT count(*) FROM [SHOW SESSIONS] WHERE application_name = 'poutama'"
        else:
            statement = (
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'poutama' AND datname = current_database()"
            )
        return int(await self._looking.fetchval(statement))

    @asynccontextmanager
    async def none_left_by(self, database: Database) -> AsyncIterator[None]:
        """Whatever the block does, no session is left but the idle ones of `database`."""

        pool = database.pool

        async def settled() -> bool:
            return await self.count() == pool.open_connections == pool.idle_connections

        await database.read("SELECT 1", deadline=time.monotonic() + 28)
        await until(settled)
        connections = pool.open_connections
        yield
        await until(settled)
        assert pool.open_connections <= connections


@pytest_asyncio.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    connection = await asyncpg.connect(database_url)
    yield Sessions(connection)
    await connection.close()


@pytest.fixture(autouse=True)
def hasty_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no longer answers is not waited for."""
    monkeypatch.setattr(pooled_connection, "CLOSE_SECONDS", 0.02)


@pytest.mark.parametrize("name", ["a simple write", "a procedure"])
@pytest.mark.parametrize("side", list(Sender), ids=lambda side: side.name.lower())
async def test_a_key_leaves_no_client_in_doubt(
    client: EngineClient, name: str, side: Sender, database_url: str
) -> None:
    exchange, once = await record(client, name, database_url)
    cases = 0
    for number, message in enumerate(exchange):
        for fault in FROM_CLIENT if side is Sender.CLIENT else FROM_SERVER:
            if message.side is side:
                await check(client, name, once, number, fault, database_url)
                cases += 1
    assert cases >= 10


async def record(
    client: EngineClient, name: str, url: str, seconds: float = PATIENT
) -> tuple[list[Message], Rows]:
    """The exchange when nothing goes wrong, and the rows it leaves."""
    async with FaultProxy(url) as proxy:
        database = await connect(proxy)
        proxy.record()
        await send(EngineClient(database, "json"), MUTATIONS[name], seconds=seconds)
        proxy.rest()
        await database.close()
    return proxy.messages, await all_rows(client.database)


async def connect(proxy: FaultProxy) -> Database:
    database = Database(Settings(pool_size=2), url=proxy.proxied_url)
    await database.read("SELECT 1", deadline=time.monotonic() + 28)
    return database


async def check(
    client: EngineClient, name: str, once: Rows, number: int, fault: Fault, url: str
) -> None:
    case = f"{fault} at {number}"
    reported = await tell(client, name, number, fault, url)
    if fault.action is not Action.HOLD:
        assert reported.status == 200, (case, reported)
    again = await send(client, MUTATIONS[name])
    assert "errors" not in json.loads(again.body), case
    if reported.status == 200:
        assert reported == again, case
    found = await all_rows(client.database)
    assert {table: len(rows) for table, rows in found.items()} == {
        table: len(rows) for table, rows in once.items()
    }, case
    assert found["goal_task"] == once["goal_task"], case
    ((_, _, written),) = await kept_keys(client.database)
    assert is_of(written, again), case


async def tell(
    client: EngineClient, name: str, number: int, fault: Fault, url: str
) -> GraphQLResponse:
    """Send it into the fault; a machine too slow to get there in time is given more."""
    seconds = HURRIED if fault.action is Action.HOLD else PATIENT
    while True:
        await fill(client.database)
        async with FaultProxy(url) as proxy:
            database = await connect(proxy)
            proxy.arm(number, fault)
            reported = await send(EngineClient(database, "json"), MUTATIONS[name], seconds=seconds)
            proxy.rest()
            await database.close()
            assert database.pool.open_connections == 0, f"{fault} at {number}"
        if proxy.fired:
            return reported
        assert seconds < PATIENT, f"{fault} never came to {number}"
        seconds *= 2


@pytest.mark.parametrize("name", ["a simple write", "a procedure"])
async def test_a_doubt_is_not_forgotten_when_time_is_up(
    client: EngineClient, name: str, database_url: str
) -> None:
    """It has happened, its answer is lost, and no server can be asked until the deadline."""
    exchange, once = await record(client, name, database_url, SHORT)
    await fill(client.database)
    commit = max(n for n, message in enumerate(exchange) if message.side is Sender.CLIENT)
    async with FaultProxy(database_url) as proxy:
        database = await connect(proxy)
        proxy.arm(commit, Fault(Action.DROP_AFTER))
        proxy._listener.close()
        reported = await send(EngineClient(database, "json"), MUTATIONS[name], seconds=SHORT)
        assert proxy.fired
        await database.close()
    assert (await all_rows(client.database))["goal_task"] == once["goal_task"]
    assert len(await kept_keys(client.database)) == 1
    assert code_of(reported) == "AMBIGUOUS_COMMIT"


class AcceptingVerifier:
    """Takes every caller for Ana."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return ANA


async def healthy() -> None:
    return


def post(key: str) -> Request:
    body = {"query": NOTE, "variables": {"goal": str(goal_id(1)), "text": "x"}}
    headers = {"content-type": "application/json", "idempotency-key": key}
    return Request("POST", "/graphql", "", headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("key", "status"),
    [("x" * 10_000, 400), ("x" * 256, 400), ("", 400), ('""', 400), ("ā", 400), ("x" * 255, 200)],
    ids=["10,000 characters", "256", "empty", "quoted nothing", "not ASCII", "the longest"],
)
async def test_a_key_in_bad_shape_writes_nothing(
    client: EngineClient, sessions: Sessions, key: str, status: int
) -> None:
    before = await all_rows(client.database)
    api = Api(client.engine, AcceptingVerifier(), Settings(), healthy)
    async with sessions.none_left_by(client.database):
        response = await api.handle(post(key))
    assert response.status == status
    if status != 200:
        assert json.loads(response.body)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        assert key == "" or key.encode() not in response.body
        assert await all_rows(client.database) == before
        assert await kept_keys(client.database) == []


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize("name", ["a simple write", "a procedure"])
async def test_a_deadline_already_past_writes_nothing(
    client: EngineClient, sessions: Sessions, name: str, key: str | None
) -> None:
    before = await all_rows(client.database)
    async with sessions.none_left_by(client.database):
        answer = await send(client, MUTATIONS[name], key, seconds=-1.0)
    assert (answer.status, code_of(answer)) == (504, "DEADLINE_EXCEEDED")
    assert await all_rows(client.database) == before
    assert await kept_keys(client.database) == []


AUTHORITY = Identity.authority("test authority")
OURS, ANOTHERS = AUTHORITY.issue("poutama"), AUTHORITY.issue("another")


@pytest.mark.parametrize(
    ("url", "settings", "reported"),
    [
        ("postgresql://postgres@nowhere.invalid/poutama?sslmode=disable", {}, "host not found"),
        ("mysql://localhost/poutama", {}, "expected postgresql://"),
        (
            "postgresql://127.0.0.1/poutama",
            {"database_tls_cert": OURS.pem, "database_tls_key": ANOTHERS.key_pem},
            "POUTAMA_DATABASE_TLS_KEY",
        ),
    ],
    ids=["unknown host", "another scheme", "another's key"],
)
async def test_a_connection_that_cannot_be_made_leaves_none(
    client: EngineClient, sessions: Sessions, url: str, settings: dict[str, Any], reported: str
) -> None:
    before = await all_rows(client.database)
    async with sessions.none_left_by(client.database):
        with pytest.raises(ConfigurationError, match=reported) as caught:
            await write_at(url, settings)
    assert "PRIVATE KEY" not in str(caught.value)
    assert await all_rows(client.database) == before


async def write_at(url: str, settings: dict[str, Any]) -> None:
    database = Database(Settings(**settings), url=url)
    try:
        await send(EngineClient(database, "json"), MUTATIONS["a simple write"], seconds=5.0)
    finally:
        await database.close()
        assert database.pool.open_connections == 0


def code_of(answer: GraphQLResponse) -> str:
    (error,) = json.loads(answer.body)["errors"]
    return str(error["extensions"]["code"])
