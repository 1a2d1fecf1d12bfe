"""Single statements on a real server: prepared, retried, bounded by their deadline, cancelled."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from poutama.db import pooled_connection
from poutama.db.connection import Database
from poutama.db.dialect import Dialect
from poutama.db.server_bounds import find_advice
from poutama.db.trace import StatementTrace
from poutama.errors import (
    AmbiguousCommit,
    DatabaseError,
    DeadlineExceededError,
)
from poutama.settings import Settings
from tests.db.proxy import FaultProxy
from tests.db.sessions import Open, end, process_of, running, soon, until

BIG_SORT = (
    "SELECT count(*) FROM (SELECT repeat('a', 1000) || n AS word FROM generate_series(1, 100000) n"
    " ORDER BY word DESC OFFSET 1) AS words"
)
SLEEP = "SELECT pg_sleep(60)"


@pytest.fixture
def ordinary_limit(database_engine: str) -> str:
    """A session's `statement_timeout` as the engine shows it; CockroachDB names no unit."""
    return "26100ms" if database_engine == "postgresql" else "26100"


def only_on_postgresql(engine: str) -> None:
    if engine != "postgresql":
        pytest.skip("skipped: PostgreSQL's own settings")


async def test_a_session_is_set_up_as_promised(database: Database, ordinary_limit: str) -> None:
    expected = {
        "application_name": "poutama",
        "TimeZone": "UTC",
        "transaction_isolation": "serializable",
        "statement_timeout": ordinary_limit,
    }
    for name, value in expected.items():
        rows = await database.read(f"SHOW {name}", deadline=soon())
        assert rows[0][0] == value, name


async def test_what_a_statement_may_take_of_the_server_is_bounded(
    open_database: Open, database_engine: str
) -> None:
    only_on_postgresql(database_engine)
    database = open_database(database_work_mem="2MB", database_temp_limit="64MB")
    for name, value in (("work_mem", "2MB"), ("temp_file_limit", "64MB")):
        rows = await database.read(f"SHOW {name}", deadline=soon())
        assert rows[0][0] == value

    with pytest.raises(DatabaseError) as caught:
        await database.read(BIG_SORT, deadline=soon())

    assert caught.value.sqlstate == "53400"


async def test_a_role_that_may_not_set_a_bound_does_without(
    postgres_url: str,
    database_engine: str,
    other: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    only_on_postgresql(database_engine)
    await other.execute("DROP ROLE IF EXISTS narrow; CREATE ROLE narrow LOGIN")
    own = await other.fetchval("SHOW temp_file_limit")
    url = urlsplit(postgres_url)
    narrow = Database(
        Settings(database_temp_limit="64MB"),
        url=urlunsplit(url._replace(netloc=f"narrow@{url.netloc.rpartition('@')[2]}")),
    )
    try:
        rows = await narrow.read(
            "SELECT current_user, current_setting('temp_file_limit')", deadline=soon()
        )
    finally:
        await narrow.close()
        await other.execute("DROP ROLE narrow")

    assert tuple(rows[0]) == ("narrow", own)
    assert "may not set temp_file_limit" in caplog.text


async def test_a_role_without_a_bound_is_advised_to_get_one(
    postgres_url: str, database_engine: str, other: asyncpg.Connection
) -> None:
    only_on_postgresql(database_engine)
    await other.execute("DROP ROLE IF EXISTS wide; CREATE ROLE wide LOGIN SUPERUSER")
    url = urlsplit(postgres_url)
    wide = urlunsplit(url._replace(netloc=f"wide@{url.netloc.rpartition('@')[2]}"))
    try:
        bounded = await asyncio.to_thread(find_advice, Settings(), wide)
        await other.execute("ALTER ROLE wide SET temp_file_limit = -1")
        advice = await asyncio.to_thread(find_advice, Settings(), wide)
    finally:
        await other.execute("DROP ROLE wide")

    assert bounded is None
    assert advice is not None
    assert "ALTER ROLE wide SET temp_file_limit" in advice


async def test_the_server_says_which_engine_it_is(database: Database, database_engine: str) -> None:
    assert await database.dialect() is Dialect(database_engine)


async def test_a_setting_says_which_engine_it_is_without_asking(open_database: Open) -> None:
    database = open_database(database_dialect="cockroachdb")
    assert (await database.dialect()).rendering == "rows"
    assert database.pool.open_connections == 0


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
    open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled_connection, "STATEMENTS", 3)
    database = open_database()
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


async def test_a_deadline_already_past_opens_nothing(open_database: Open) -> None:
    database = open_database()
    for run in (database.read, database.write):
        with pytest.raises(DeadlineExceededError):
            await run("SELECT 1", deadline=soon(-1))
    assert database.pool.open_connections == 0


async def test_a_read_past_its_deadline_is_stopped_on_the_server(
    database: Database, other: asyncpg.Connection
) -> None:
    await process_of(database)  # it is connected
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
    database: Database, other: asyncpg.Connection, database_engine: str
) -> None:
    """The server has the deadline, so that it answers before the client gives up."""
    # CockroachDB says the same when the time was up while it committed.
    failure_type = DeadlineExceededError if database_engine == "postgresql" else AmbiguousCommit
    async with other.transaction():
        await other.execute("UPDATE word SET text = 'held' WHERE id = 1")
        with pytest.raises(failure_type):
            await database.write("UPDATE word SET text = 'x' WHERE id = 1", deadline=soon(2))
    rows = await database.read("SELECT text FROM word", deadline=soon())
    assert [row["text"] for row in rows] == ["held"]


async def test_a_short_deadline_does_not_outlive_its_write(
    database: Database, ordinary_limit: str
) -> None:
    await database.write("UPDATE word SET text = 'x'", deadline=soon(1.0))
    rows = await database.read("SHOW statement_timeout", deadline=soon())
    assert rows[0][0] == ordinary_limit


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


async def test_a_refusal_names_its_code_and_constraint_and_no_value(
    database: Database, database_engine: str
) -> None:
    with pytest.raises(DatabaseError) as caught:
        await database.write("INSERT INTO word VALUES (1, 'secret')", deadline=soon())
    assert caught.value.sqlstate == "23505"
    # CockroachDB does not always say, and called every primary key `primary` until v22.1.
    if database_engine == "postgresql":
        assert caught.value.constraint == "word_pkey"
    assert "secret" not in str(caught.value)
    assert not caught.value.safe
    assert isinstance(caught.value.__cause__, asyncpg.UniqueViolationError)
    assert database.pool.idle_connections == database.pool.open_connections


async def test_an_argument_of_the_wrong_type_is_refused_unsent(database: Database) -> None:
    for run in (database.read, database.write):
        with pytest.raises(DatabaseError):
            await run("SELECT $1::int", ("one",), deadline=soon())
    assert database.pool.idle_connections == database.pool.open_connections
