"""Connections to a real server: bounded, waited for, replaced in time, and none leaked."""

from __future__ import annotations

import asyncio
import gc
import time
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from poutama.db import pooled_connection
from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.errors import (
    ConfigurationError,
    PoutamaError,
    UnavailableError,
)
from poutama.settings import Settings
from tests.db.proxy import FaultProxy
from tests.db.sessions import Open, end, process_of, soon, until


async def test_a_connection_that_died_in_its_sleep_is_noticed_before_use(
    database: Database, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled_connection, "TRUSTED_SECONDS", 0.0)
    await end(other, await process_of(database))
    seen: list[StatementTrace] = []
    with database.observe(seen.append):
        await database.write("INSERT INTO word VALUES (2, 'kāo')", deadline=soon())
    assert [trace.outcome for trace in seen] == ["ok"]


async def test_a_connection_that_was_idle_for_long_is_asked_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await process_of(database)
    monkeypatch.setattr(pooled_connection, "TRUSTED_SECONDS", 0.0)
    monkeypatch.setattr(pooled_connection, "PING_AFTER_SECONDS", 0.0)
    asked: list[bool] = []
    ping = pooled_connection.PooledConnection.ping

    async def watched(connection: pooled_connection.PooledConnection, deadline: float) -> bool:
        asked.append(await ping(connection, deadline))
        return asked[-1]

    monkeypatch.setattr(pooled_connection.PooledConnection, "ping", watched)
    assert await process_of(database) == process
    assert asked == [True]


@pytest.mark.parametrize(
    "settings", [{"database_idle_seconds": 0.0}, {"database_lifetime_seconds": 0.0}], ids=str
)
async def test_a_connection_past_its_time_is_replaced(
    open_database: Open, settings: dict[str, float]
) -> None:
    database = open_database(pool_size=1, **settings)
    assert await process_of(database) != await process_of(database)
    assert database.pool.open_connections <= 1


async def test_a_thawed_function_notices_the_time_that_only_the_wall_clock_saw(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(pool_size=1)
    before = await process_of(database)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3600)
    assert await process_of(database) != before


async def test_closing_a_connection_past_its_time_delays_no_caller(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS it would wait for the answer of a peer that may be long gone."""
    answered = asyncio.Event()
    close = pooled_connection.PooledConnection.close

    async def close_slowly(connection: pooled_connection.PooledConnection) -> None:
        await answered.wait()
        await close(connection)

    monkeypatch.setattr(pooled_connection.PooledConnection, "close", close_slowly)
    database = open_database(pool_size=1, database_lifetime_seconds=0.0)
    before = await process_of(database)
    assert await process_of(database) != before
    answered.set()


async def test_idle_connections_are_closed_unasked(open_database: Open) -> None:
    database = open_database(pool_size=1, database_idle_seconds=0.05)
    await database.read("SELECT 1", deadline=soon())

    async def all_closed() -> bool:
        return database.pool.open_connections == 0

    await until(all_closed)


async def test_a_burst_waits_its_turn(database: Database, other: asyncpg.Connection) -> None:
    seen: set[int] = set()

    async def one() -> None:
        seen.add(await process_of(database))
        assert database.pool.open_connections <= 2

    await asyncio.gather(*(one() for _ in range(300)))
    assert 1 <= len(seen) <= 2


async def test_a_burst_of_functions_waits_until_the_server_has_room(postgres_url: str) -> None:
    """Each has a connection of its own, and together they want more than the server allows."""

    async def function() -> int:
        database = Database(Settings(database_url=postgres_url, pool_size=1))
        try:
            return await process_of(database)
        finally:
            await database.close()

    assert len(set(await asyncio.gather(*(function() for _ in range(150))))) == 150


async def test_waiting_for_a_connection_ends_at_the_deadline(database: Database) -> None:
    held = [await database.pool.acquire(soon()) for _ in range(2)]
    with pytest.raises(UnavailableError):
        await database.read("SELECT 1", deadline=soon(0.02))
    for connection in held:
        database.pool.release(connection)
    assert await database.read("SELECT 1", deadline=soon())


async def test_a_waiter_that_is_cancelled_loses_no_connection(database: Database) -> None:
    held = [await database.pool.acquire(soon()) for _ in range(2)]
    waiters = [asyncio.create_task(database.pool.acquire(soon())) for _ in range(3)]
    await asyncio.sleep(0)  # they queue
    database.pool.release(held[0])  # given to the first,
    waiters[0].cancel()  # which is gone before it could take it
    waiters[1].cancel()
    database.pool.release(await waiters[2])
    database.pool.release(held[1])
    for waiter in waiters[:2]:
        with pytest.raises(asyncio.CancelledError):
            await waiter
    assert database.pool.idle_connections == database.pool.open_connections == 2


async def test_a_connection_left_inside_a_transaction_is_not_kept(database: Database) -> None:
    process = await process_of(database)
    await database.write("BEGIN", deadline=soon())
    assert await process_of(database) != process


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("postgresql://postgres@no-such-host.invalid:5432/x", ConfigurationError),
        ("postgresql://postgres@127.0.0.1:1/x", UnavailableError),
    ],
    ids=["unknown host", "closed port"],
)
async def test_a_place_that_is_none(place: str, expected: type[PoutamaError]) -> None:
    database = Database(Settings(database_url=place, database_tls="disable"))
    with pytest.raises(expected):
        await database.read("SELECT 1", deadline=soon(0.2))
    assert database.pool.open_connections == 0


async def test_a_database_that_is_not_there(postgres_url: str) -> None:
    url = urlunsplit(urlsplit(postgres_url)._replace(path="/no_such_database"))
    database = Database(Settings(database_url=url))
    with pytest.raises(ConfigurationError, match="3D000"):
        await database.read("SELECT 1", deadline=soon())
    assert database.pool.open_connections == 0


async def test_one_host_of_several_is_enough(postgres_url: str) -> None:
    async with FaultProxy(postgres_url) as proxy:
        url = proxy.proxied_url.replace("@127.0.0.1:", "@127.0.0.1:1,127.0.0.1:1,127.0.0.1:")
        database = Database(Settings(database_url=url))
        for _ in range(5):  # in random order: the dead ones come first sooner or later
            database.pool.discard(await database.pool.acquire(soon()))
        await database.close()
        assert proxy.connections == 5


async def test_a_closed_database_says_so(open_database: Open) -> None:
    database = open_database()
    await database.close()
    with pytest.raises(UnavailableError):
        await database.read("SELECT 1", deadline=soon())


@pytest.mark.parametrize("url", ["", "mysql://x", "nonsense"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_DATABASE_URL"):
        Database(Settings(database_url=url))


def test_an_engine_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_DATABASE_DIALECT"):
        Database(Settings(database_url="postgresql:///", database_dialect="oracle"))


async def test_nothing_is_left_for_the_collector(postgres_url: str) -> None:
    """An unclosed connection would warn, and warnings are errors."""
    database = Database(Settings(database_url=postgres_url))
    await database.read("SELECT 1", deadline=soon())
    await database.close()
    del database
    gc.collect()
