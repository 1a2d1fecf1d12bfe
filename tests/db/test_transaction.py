"""Transactions on a real server: serializable, retried, all or nothing, never leaked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import (
    ConflictError,
    DatabaseError,
    DeadlineExceededError,
    TransactionMisuseError,
)
from poutama.settings import Settings

INSERT = "INSERT INTO goal (id, student, open) VALUES ($1, $2, true)"
# Ends in 40001.
LOSE = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$",
    "cockroachdb": "SELECT crdb_internal.force_retry('1 hour'::interval)",
}
COUNT_OPEN = "SELECT count(*) AS n FROM goal WHERE student = $1 AND open"


def soon(seconds: float = 28.0) -> float:
    return time.monotonic() + seconds


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(Settings(database_url=postgres_url, pool_size=4))
    await database.write(
        "CREATE TABLE goal (id uuid PRIMARY KEY, student int NOT NULL, open bool NOT NULL)",
        deadline=soon(),
    )
    yield database
    await database.close()
    assert database.pool.open_connections == 0


async def open_goals(database: Database, student: int = 1) -> int:
    rows = await database.read(COUNT_OPEN, (student,), deadline=soon())
    return int(rows[0]["n"])


def idle(database: Database) -> bool:
    """Every connection is back, and none with a transaction still open."""
    return database.pool.idle_connections == database.pool.open_connections


async def test_what_the_closure_did_is_committed_and_its_result_returned(
    database: Database,
) -> None:
    async def work(transaction: Transaction) -> tuple[str, int]:
        tag = await transaction.execute(INSERT, uuid4(), 1)
        rows = await transaction.fetch(COUNT_OPEN, 1)
        return tag, rows[0]["n"]

    assert await run_transaction(database, work, deadline=soon()) == ("INSERT 0 1", 1)
    assert await open_goals(database) == 1
    assert idle(database)


async def test_what_the_closure_raises_leaves_no_trace(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        raise ConflictError

    with pytest.raises(ConflictError):
        await run_transaction(database, work, deadline=soon())
    assert await open_goals(database) == 0
    assert idle(database)


async def test_write_skew_breaks_no_rule(database: Database) -> None:
    """At most one open goal each: both closures look before either has written."""
    both_have_looked = asyncio.Barrier(2)
    tries: list[int] = []

    async def add_goal(transaction: Transaction, goal: UUID, attempts: list[int]) -> bool:
        attempts.append(1)
        rows = await transaction.fetch(COUNT_OPEN, 1)
        if len(attempts) == 1:
            await both_have_looked.wait()
        if rows[0]["n"] >= 1:
            return False
        await transaction.execute(INSERT, goal, 1)
        return True

    async def student_adds() -> bool:
        attempts: list[int] = []
        added = await run_transaction(
            database, lambda t: add_goal(t, uuid4(), attempts), deadline=soon()
        )
        tries.append(len(attempts))
        return added

    assert sorted(await asyncio.gather(student_adds(), student_adds())) == [False, True]
    assert sorted(tries) == [1, 2]
    assert await open_goals(database) == 1


async def test_a_rule_holds_under_many_writers(database: Database) -> None:
    """A counter kept by read and write: any update that was lost would show."""

    async def add(transaction: Transaction) -> None:
        rows = await transaction.fetch(COUNT_OPEN, 1)
        if rows[0]["n"] < 5:
            await transaction.execute(INSERT, uuid4(), 1)

    await asyncio.gather(*(run_transaction(database, add, deadline=soon()) for _ in range(24)))
    assert await open_goals(database) == 5
    assert idle(database)


async def test_tries_and_the_transaction_show_in_traces(database: Database) -> None:
    seen: list[StatementTrace] = []

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(COUNT_OPEN, 1)

    with database.observe(seen.append):
        await run_transaction(database, work, deadline=soon(), name="countGoals")
    names = [trace.name for trace in seen]
    assert names == ["countGoals/begin", "countGoals/1", "countGoals/commit"]
    assert {trace.tries for trace in seen} == {1}
    assert len({trace.transaction for trace in seen}) == 1
    assert seen[1].transaction
    assert seen[1].rows == 1


async def test_a_refusal_may_become_the_closure_s_own_error(database: Database) -> None:
    goal = uuid4()

    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, goal, 1)
        try:
            await transaction.execute(INSERT, goal, 1)
        except DatabaseError as error:
            raise ConflictError(sqlstate=error.sqlstate) from error

    with pytest.raises(ConflictError) as caught:
        await run_transaction(database, work, deadline=soon())
    assert caught.value.extensions == {"sqlstate": "23505"}
    assert await open_goals(database) == 0


async def test_a_refusal_that_is_swallowed_is_raised_all_the_same(database: Database) -> None:
    """The server has given the transaction up: COMMIT would quietly roll back."""
    goal = uuid4()

    async def work(transaction: Transaction) -> str:
        await transaction.execute(INSERT, goal, 1)
        with suppress(DatabaseError):
            await transaction.execute(INSERT, goal, 1)
        with pytest.raises(DatabaseError):  # nor does the transaction go on
            await transaction.fetch(COUNT_OPEN, 1)
        return "done"

    with pytest.raises(DatabaseError):
        await run_transaction(database, work, deadline=soon())
    assert await open_goals(database) == 0
    assert idle(database)


async def test_a_lost_race_that_is_swallowed_is_retried_all_the_same(
    database: Database, database_engine: str
) -> None:
    lose = LOSE[database_engine]
    attempts: list[int] = []

    async def work(transaction: Transaction) -> None:
        attempts.append(1)
        await transaction.execute(INSERT, uuid4(), 1)
        if len(attempts) == 1:
            try:
                await transaction.execute(lose)
            except Exception:
                return

    await run_transaction(database, work, deadline=soon())
    assert len(attempts) == 2
    assert await open_goals(database) == 1


async def test_a_schema_change_between_two_transactions_is_survived(
    database: Database, postgres_url: str
) -> None:
    async def work(transaction: Transaction) -> int:
        await transaction.execute(INSERT, uuid4(), 1)
        return len((await transaction.fetch("SELECT * FROM goal"))[0])

    assert await run_transaction(database, work, deadline=soon()) == 3
    other = await asyncpg.connect(postgres_url)
    await other.execute("ALTER TABLE goal ADD COLUMN more int")
    await other.close()
    assert await run_transaction(database, work, deadline=soon()) == 4
    assert await open_goals(database) == 2


async def test_nothing_goes_past_an_open_transaction(database: Database) -> None:
    async def nested(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 2)

    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        for attempt in (
            run_transaction(database, nested, deadline=soon()),
            database.write(INSERT, (uuid4(), 2), deadline=soon()),
            database.read("SELECT 1", deadline=soon()),
        ):
            with pytest.raises(TransactionMisuseError):
                await attempt

    await run_transaction(database, work, deadline=soon())
    assert (await open_goals(database, 1), await open_goals(database, 2)) == (1, 0)


async def test_what_a_closure_started_may_use_the_database_once_it_has_ended(
    database: Database,
) -> None:
    committed = asyncio.Event()
    started: list[asyncio.Task[int]] = []

    async def later() -> int:
        await committed.wait()
        return await open_goals(database)

    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        started.append(asyncio.create_task(later()))

    await run_transaction(database, work, deadline=soon())
    committed.set()
    assert await started[0] == 1


async def test_a_transaction_ends_with_its_closure(database: Database) -> None:
    kept: list[Transaction] = []

    async def work(transaction: Transaction) -> None:
        kept.append(transaction)

    await run_transaction(database, work, deadline=soon())
    with pytest.raises(TransactionMisuseError, match="ended"):
        await kept[0].execute(INSERT, uuid4(), 1)
    assert await open_goals(database) == 0


async def test_two_statements_at_once_are_refused(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        await asyncio.gather(
            transaction.execute(INSERT, uuid4(), 1), transaction.execute(INSERT, uuid4(), 1)
        )

    with pytest.raises(TransactionMisuseError, match="still running"):
        await run_transaction(database, work, deadline=soon())
    assert await open_goals(database) == 0


async def test_a_cancelled_transaction_leaves_nothing_open(database: Database) -> None:
    reached = asyncio.Event()

    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(run_transaction(database, work, deadline=soon()))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await open_goals(database) == 0
    await run_transaction(database, lambda t: t.execute(INSERT, uuid4(), 1), deadline=soon())
    assert await open_goals(database) == 1


@pytest.mark.parametrize("seconds", [-1.0, 0.3])
async def test_a_transaction_past_its_deadline_wrote_nothing(
    database: Database, seconds: float
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        await transaction.fetch("SELECT pg_sleep(60)")

    with pytest.raises(DeadlineExceededError):
        await run_transaction(database, work, deadline=soon(seconds))
    assert await open_goals(database) == 0


async def test_a_deadline_that_passes_outside_the_database_is_kept_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No COMMIT is sent once the time is up: its outcome would not be waited for."""
    clock = time.monotonic

    async def work(transaction: Transaction) -> None:
        await transaction.execute(INSERT, uuid4(), 1)
        monkeypatch.setattr(time, "monotonic", lambda: clock() + 3600)

    with pytest.raises(DeadlineExceededError):
        await run_transaction(database, work, deadline=soon())
    monkeypatch.undo()
    assert await open_goals(database) == 0


async def test_an_untraced_transaction_says_the_same(database: Database) -> None:
    """Tracing is measured around statements; without it they run bare."""
    assert not database.tracer.active
    assert await run_transaction(
        database, lambda t: t.execute(INSERT, uuid4(), 1), deadline=soon()
    ) == ("INSERT 0 1")
