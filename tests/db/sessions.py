"""Sessions of the tests' server, seen from outside: which run, and how to end one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from poutama.db.connection import Database
from poutama.db.dialect import Dialect
from poutama.db.pooled_connection import dialect_of

Open = Callable[..., Database]
"""Makes a database with the settings given by name; closed after the test."""


def soon(seconds: float = 28.0) -> float:
    return time.monotonic() + seconds


def _require_postgresql(connection: asyncpg.Connection) -> None:
    """CockroachDB has no processes to end, and lists its sessions in another way."""
    if dialect_of(connection) is Dialect.COCKROACHDB:
        pytest.skip("skipped: looks at sessions by PostgreSQL's own functions")


async def process_of(database: Database) -> int:
    if await database.dialect() is Dialect.COCKROACHDB:
        pytest.skip("skipped: looks at sessions by PostgreSQL's own functions")
    rows = await database.read("SELECT pg_backend_pid() AS pid", deadline=soon())
    return int(rows[0]["pid"])


async def end(other: asyncpg.Connection, process: int) -> None:
    """End a session of the server, and wait until it is gone."""
    _require_postgresql(other)
    assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", process)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  another process's state, no event tells
            await asyncio.sleep(0.005)


async def running(other: asyncpg.Connection, statement: str) -> int:
    _require_postgresql(other)
    # Inside a transaction the first look would be kept for all others.
    await other.execute("SELECT pg_stat_clear_snapshot()")
    count = await other.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE state = 'active' AND query = $1 AND datname = current_database()",
        statement,
    )
    return int(count)
