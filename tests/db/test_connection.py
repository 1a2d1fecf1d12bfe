"""Single statements on a real server: bounded, retried, cancelled, and no connection leaked."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from poutama.db import link as links
from poutama.db.connection import Database
from poutama.db.dialect import Dialect
from poutama.db.trace import StatementTrace
from poutama.errors import (
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)
from poutama.settings import Settings
from tests.db.proxy import FaultProxy

Open = Callable[..., Database]
SLEEP = "SELECT pg_sleep(60)"


def soon(seconds: float = 28.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
async def open_database(postgres_url: str) -> AsyncIterator[Open]:
    opened: list[Database] = []

    def open_database(**settings: Any) -> Database:
        opened.append(Database(Settings(database_url=postgres_url, **settings)))
        return opened[-1]

    yield open_database
    for database in opened:
        await database.close()
        assert database.pool.open_links == 0


@pytest.fixture
async def database(open_database: Open) -> Database:
    database = open_database(pool_size=2)
    await database.write("CREATE TABLE word (id int PRIMARY KEY, text text)", deadline=soon())
    await database.write("INSERT INTO word VALUES (1, 'āe')", deadline=soon())
    return database


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else's connection to the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def process_of(database: Database) -> int:
    rows = await database.read("SELECT pg_backend_pid() AS pid", deadline=soon())
    return int(rows[0]["pid"])


async def end(other: asyncpg.Connection, process: int) -> None:
    """End a session of the server, and wait until it is gone."""
    assert await other.fetchval("SELECT pg_terminate_backend($1, 5000)", process)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  another process's state, no event tells
            await asyncio.sleep(0.005)


async def running(other: asyncpg.Connection, statement: str) -> int:
    count = await other.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE state = 'active' AND query = $1 AND datname = current_database()",
        statement,
    )
    return int(count)


async def test_a_session_is_set_up_as_promised(database: Database) -> None:
    expected = {
        "application_name": "poutama",
        "TimeZone": "UTC",
        "transaction_isolation": "serializable",
        "statement_timeout": "26100ms",
    }
    for name, value in expected.items():
        rows = await database.read(f"SHOW {name}", deadline=soon())
        assert rows[0][0] == value, name


async def test_the_server_says_which_engine_it_is(database: Database, database_engine: str) -> None:
    assert await database.dialect() is Dialect(database_engine)


async def test_a_setting_says_which_engine_it_is_without_asking(open_database: Open) -> None:
    database = open_database(database_dialect="cockroachdb")
    assert (await database.dialect()).rendering == "rows"
    assert database.pool.open_links == 0


async def test_a_read_is_one_statement_and_one_round_trip(postgres_url: str) -> None:
    async with FaultProxy(postgres_url) as proxy:
        database = Database(Settings(database_url=proxy.proxied_url))
        await database.read("SELECT 1", deadline=soon())
        seen: list[StatementTrace] = []
        proxy.record()
        with database.observe(seen.append):
            await database.read("SELECT 1", deadline=soon(), name="ping")
        assert [(trace.name, trace.rows, trace.prepared) for trace in seen] == [("ping", 1, False)]
        assert [m.kind for m in proxy.messages if m.side.name == "CLIENT"] == ["B", "E", "S"]
        await database.close()


async def test_statements_kept_prepared_are_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch, other: asyncpg.Connection
) -> None:
    monkeypatch.setattr(links, "STATEMENTS", 3)
    for number in range(10):
        await database.read(f"SELECT {number}", deadline=soon())
    rows = await database.read("SELECT count(*) FROM pg_prepared_statements", deadline=soon())
    assert rows[0][0] <= 5


async def test_a_read_survives_a_lost_connection(
    database: Database, other: asyncpg.Connection
) -> None:
    process = await process_of(database)
    seen: list[StatementTrace] = []
    read = "SELECT id FROM word FOR UPDATE"

    async def waiting() -> bool:
        return await running(other, read) == 1

    with database.observe(seen.append):
        async with other.transaction():
            await other.fetch(read)
            task = asyncio.create_task(database.read(read, deadline=soon()))
            await until(waiting)
            await end(other, process)
        assert [row["id"] for row in await task] == [1]
    assert [(trace.outcome, trace.tries) for trace in seen] == [("RECONNECT", 1), ("ok", 2)]


async def test_a_connection_that_died_in_its_sleep_is_noticed_before_use(
    database: Database, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "TRUSTED_SECONDS", 0.0)
    await end(other, await process_of(database))
    seen: list[StatementTrace] = []
    with database.observe(seen.append):
        await database.write("INSERT INTO word VALUES (2, 'kāo')", deadline=soon())
    assert [trace.outcome for trace in seen] == ["ok"]


async def test_a_connection_that_was_idle_for_long_is_asked_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await process_of(database)
    monkeypatch.setattr(links, "TRUSTED_SECONDS", 0.0)
    monkeypatch.setattr(links, "PING_AFTER_SECONDS", 0.0)
    asked: list[bool] = []
    ping = links.Link.ping

    async def watched(link: links.Link, deadline: float) -> bool:
        asked.append(await ping(link, deadline))
        return asked[-1]

    monkeypatch.setattr(links.Link, "ping", watched)
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
    assert database.pool.open_links <= 1


async def test_a_thawed_function_notices_the_time_that_only_the_wall_clock_saw(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_database(pool_size=1)
    before = await process_of(database)
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3600)
    assert await process_of(database) != before


async def test_nobody_waits_for_the_farewell_of_a_connection_past_its_time(
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS it would wait for the answer of a peer that may be long gone."""
    answered = asyncio.Event()
    close = links.Link.close

    async def close_slowly(link: links.Link) -> None:
        await answered.wait()
        await close(link)

    monkeypatch.setattr(links.Link, "close", close_slowly)
    database = open_database(pool_size=1, database_lifetime_seconds=0.0)
    before = await process_of(database)
    assert await process_of(database) != before
    answered.set()


async def test_idle_connections_are_closed_unasked(open_database: Open) -> None:
    database = open_database(pool_size=1, database_idle_seconds=0.05)
    await database.read("SELECT 1", deadline=soon())

    async def all_closed() -> bool:
        return database.pool.open_links == 0

    await until(all_closed)


async def test_a_burst_waits_its_turn(database: Database, other: asyncpg.Connection) -> None:
    seen: set[int] = set()

    async def one() -> None:
        seen.add(await process_of(database))
        assert database.pool.open_links <= 2

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
    for link in held:
        database.pool.release(link)
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
    assert database.pool.idle_links == database.pool.open_links == 2


async def test_a_deadline_already_past_opens_nothing(open_database: Open) -> None:
    database = open_database()
    for run in (database.read, database.write):
        with pytest.raises(DeadlineExceededError):
            await run("SELECT 1", deadline=soon(-1))
    assert database.pool.open_links == 0


async def test_a_read_past_its_deadline_is_stopped_on_the_server(
    database: Database, other: asyncpg.Connection
) -> None:
    with pytest.raises(DeadlineExceededError):
        await database.read(SLEEP, deadline=soon(0.05))

    async def stopped() -> bool:
        return await running(other, SLEEP) == 0

    await until(stopped)


async def test_a_cancelled_read_is_stopped_and_its_connection_not_reused(
    database: Database, other: asyncpg.Connection
) -> None:
    process = await process_of(database)
    task = asyncio.create_task(database.read(SLEEP, deadline=soon()))

    async def started() -> bool:
        return await running(other, SLEEP) == 1

    async def stopped() -> bool:
        return await running(other, SLEEP) == 0

    await until(started)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(stopped)
    assert await process_of(database) != process


async def test_a_write_that_waits_in_vain_certainly_did_not_happen(
    database: Database, other: asyncpg.Connection
) -> None:
    """The server is told the deadline, so that it answers before the client gives up."""
    async with other.transaction():
        await other.execute("UPDATE word SET text = 'held' WHERE id = 1")
        with pytest.raises(DeadlineExceededError):
            await database.write("UPDATE word SET text = 'x' WHERE id = 1", deadline=soon(0.5))
    rows = await database.read("SELECT text FROM word", deadline=soon())
    assert [row["text"] for row in rows] == ["held"]


async def test_a_short_deadline_does_not_outlive_its_write(database: Database) -> None:
    await database.write("UPDATE word SET text = 'x'", deadline=soon(1.0))
    rows = await database.read("SHOW statement_timeout", deadline=soon())
    assert rows[0][0] == "26100ms"


async def test_a_statement_is_prepared_anew_after_a_schema_change(
    database: Database, other: asyncpg.Connection
) -> None:
    assert len((await database.read("SELECT * FROM word", deadline=soon()))[0]) == 2
    await other.execute("ALTER TABLE word ADD COLUMN more int")
    seen: list[StatementTrace] = []
    with database.observe(seen.append):
        assert len((await database.read("SELECT * FROM word", deadline=soon()))[0]) == 3
    assert [trace.outcome for trace in seen] == ["REPREPARE", "ok"]


async def test_a_write_is_prepared_anew_after_a_schema_change(
    database: Database, other: asyncpg.Connection
) -> None:
    insert = "INSERT INTO word (id, text) VALUES ($1, $2) RETURNING *"
    await database.write(insert, (2, "tahi"), deadline=soon())
    await other.execute("ALTER TABLE word ADD COLUMN more int")
    assert len((await database.write(insert, (3, "rua"), deadline=soon()))[0]) == 3
    assert (await database.read("SELECT count(*) FROM word", deadline=soon()))[0][0] == 3


async def test_a_refusal_names_its_code_and_constraint_and_no_value(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:
        await database.write("INSERT INTO word VALUES (1, 'secret')", deadline=soon())
    assert caught.value.sqlstate == "23505"
    assert caught.value.constraint == "word_pkey"
    assert "secret" not in str(caught.value)
    assert not caught.value.safe
    assert isinstance(caught.value.__cause__, asyncpg.UniqueViolationError)
    assert database.pool.idle_links == database.pool.open_links


async def test_an_argument_of_the_wrong_type_is_refused_unsent(database: Database) -> None:
    for run in (database.read, database.write):
        with pytest.raises(DatabaseError):
            await run("SELECT $1::int", ("one",), deadline=soon())
    assert database.pool.idle_links == database.pool.open_links


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
    ids=["unknown host", "nobody listens"],
)
async def test_a_place_that_is_none(place: str, expected: type[PoutamaError]) -> None:
    database = Database(Settings(database_url=place, database_tls="disable"))
    with pytest.raises(expected):
        await database.read("SELECT 1", deadline=soon(0.2))
    assert database.pool.open_links == 0


async def test_a_database_that_is_not_there(postgres_url: str) -> None:
    url = urlunsplit(urlsplit(postgres_url)._replace(path="/no_such_database"))
    database = Database(Settings(database_url=url))
    with pytest.raises(ConfigurationError, match="3D000"):
        await database.read("SELECT 1", deadline=soon())
    assert database.pool.open_links == 0


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


async def test_traces_reach_the_log_without_values(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "poutama.db"):
        await database.read("SELECT $1::text", ("secret",), deadline=soon(), name="whisper")
    record = caplog.records[0]
    fields = vars(record)["statement"]
    assert fields["name"] == "whisper"
    assert (fields["rows"], fields["tries"], fields["outcome"]) == (1, 1, "ok")
    assert fields["milliseconds"] > 0
    assert "secret" not in str(vars(record))


async def test_nothing_is_left_for_the_collector(postgres_url: str) -> None:
    """An unclosed connection would warn, and warnings are errors."""
    database = Database(Settings(database_url=postgres_url))
    await database.read("SELECT 1", deadline=soon())
    await database.close()
    del database
    gc.collect()
