"""A client that leaves: its read is cancelled at the database, its write finishes."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from poutama.db.connection import Database
from poutama.edge.asgi import Application, AsgiMessage
from poutama.edge.http import Api
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sessions import until
from tests.golden.rows import ANA, fill, goal_id

READ = "{ goals { title } }"
WRITE = """mutation { updateGoal(input: {goalId: "%s", title: "Finished"}) { goal { title } } }"""
WAITING = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'poutama' AND state = 'active'
    AND wait_event_type = 'Lock'"""


class AnaVerifier:
    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return ANA


class LeavingClient:
    """One request over ASGI, by a client that leaves when the test says so."""

    def __init__(self, database: Database, query: str) -> None:
        self.answers: list[AsgiMessage] = []
        self.noticed = asyncio.Event()
        self._leave = asyncio.Event()
        self._body = json.dumps({"query": query}).encode()
        self._unsent = True
        settings = Settings()
        engine = Engine(load_model(), database, settings, load_features().procedures)
        api = Api(engine, AnaVerifier(), settings, self._healthy)
        application = Application(api, settings.max_body_bytes, settings.request_seconds)
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        self.request = asyncio.ensure_future(application(scope, self._receive, self._send))

    async def _healthy(self) -> None:
        return

    async def _receive(self) -> AsgiMessage:
        if self._unsent:
            self._unsent = False
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._leave.wait()
        self.noticed.set()
        return {"type": "http.disconnect"}

    async def _send(self, message: AsgiMessage) -> None:
        self.answers.append(message)

    async def leave(self) -> None:
        """Close the connection, and wait until the application has been notified of it."""
        self._leave.set()
        await self.noticed.wait()


@pytest.fixture
async def other(database_url: str, database_engine: str) -> asyncpg.Connection:
    if database_engine != "postgresql":
        pytest.skip("skipped: looks at sessions by PostgreSQL's own functions")
    return await asyncpg.connect(database_url)


async def waiting(other: asyncpg.Connection) -> int:
    """How many of the API's statements wait for a lock."""
    await other.execute("SELECT pg_stat_clear_snapshot()")
    return int(await other.fetchval(WAITING))


async def test_a_read_whose_client_leaves_is_cancelled_at_the_database(
    engine_database: Database, other: asyncpg.Connection
) -> None:
    await fill(engine_database)
    async with other.transaction():
        await other.execute("LOCK TABLE goal IN ACCESS EXCLUSIVE MODE")
        client = LeavingClient(engine_database, READ)
        await until(lambda: is_count(other, 1))

        await client.leave()

        await until(lambda: is_count(other, 0))
        await asyncio.wait_for(client.request, 10)
    await other.close()
    assert client.answers == []


async def test_a_write_whose_client_leaves_finishes(
    engine_database: Database, other: asyncpg.Connection
) -> None:
    await fill(engine_database)
    async with other.transaction():
        await other.execute("SELECT 1 FROM goal WHERE id = $1 FOR UPDATE", goal_id(1))
        client = LeavingClient(engine_database, WRITE % goal_id(1))
        await until(lambda: is_count(other, 1))

        await client.leave()

        assert await waiting(other) == 1
    await asyncio.wait_for(client.request, 10)
    title = await other.fetchval("SELECT title FROM goal WHERE id = $1", goal_id(1))
    await other.close()
    assert title == "Finished"


async def is_count(other: asyncpg.Connection, count: int) -> bool:
    return await waiting(other) == count
