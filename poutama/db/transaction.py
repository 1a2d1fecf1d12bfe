"""`run_transaction`: the one way to a transaction, and what its closure may do with it.

Mutations, procedures and the job table call it. It begins, commits, retries after a lost race,
a lost connection or a changed schema, and raises `AmbiguousCommit` when the outcome is unknown. The
closure gets no commit and no rollback: it returns to commit, and raises to roll back.
`docs/transactions.md` is the page for those who write closures.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import asyncpg

from poutama.db.connection import Database, in_transaction, latest_transaction
from poutama.db.pooled_connection import PooledConnection, Records
from poutama.db.retry import RetryPolicy, retry_transaction
from poutama.db.sqlstate import ConnectionPhase, Failure, FailureKind, public_error
from poutama.db.trace import StatementTrace, Tracer
from poutama.errors import TransactionMisuseError

T = TypeVar("T")

_BEGIN = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_SAVEPOINT = "SAVEPOINT cockroach_restart"
_RESTART = "ROLLBACK TO SAVEPOINT cockroach_restart"
_RELEASE = "RELEASE SAVEPOINT cockroach_restart"

_PROCESS = os.urandom(4).hex()
_serial = itertools.count(1)


class Transaction:
    """What a closure may do: run statements, one after the other."""

    __slots__ = ("_busy", "_failure", "_session", "_statements", "ended", "enqueued")

    def __init__(self, session: PooledSession) -> None:
        self._session = session
        self._failure: Failure | None = None
        self._statements = 0
        self._busy = False
        self.ended = False
        self.enqueued: list[UUID] = []
        """Jobs created by the commit; the caller of `run_transaction` wakes a worker for each."""

    async def fetch(self, statement: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement and return all its rows.

        Raises:
            DatabaseError: the database refused it. The transaction is lost: the closure may raise
                another error for it, but not go on.
            TransactionMisuseError: the transaction has ended, or another statement is running.
        """
        rows, _ = await self._run(statement, args)
        return rows

    async def fetch_many(
        self, statement: str, arguments: Sequence[Sequence[object]]
    ) -> list[asyncpg.Record]:
        """Run a statement that returns one row for each of these sets of values, in their order.

        One round trip. Each run sees what those before it have written.

        Raises:
            DatabaseError, TransactionMisuseError: as `fetch`.
        """
        return await self._guard(lambda step: self._session.run_many(step, statement, arguments))

    async def execute(self, statement: str, *args: object) -> str:
        """Run one statement and return its command tag, such as `UPDATE 1`.

        Raises:
            DatabaseError, TransactionMisuseError: as `fetch`.
        """
        _, tag = await self._run(statement, args)
        return tag

    async def _run(self, statement: str, args: Sequence[object]) -> tuple[Records, str]:
        return await self._guard(lambda step: self._session.run(step, statement, args))

    async def _guard(self, run: Callable[[str], Awaitable[T]]) -> T:
        """Run one statement, if another may run now."""
        if self.ended:
            raise TransactionMisuseError("The transaction has ended.")
        if self._busy:
            raise TransactionMisuseError("Another statement of the transaction is still running.")
        if self._failure is not None:
            raise public_error(self._failure) from self._failure.__cause__
        self._statements += 1
        self._busy = True
        try:
            return await run(str(self._statements))
        except Failure as failure:
            self._failure = failure
            raise public_error(failure) from failure.__cause__
        finally:
            self._busy = False


async def run_transaction(
    database: Database,
    work: Callable[[Transaction], Awaitable[T]],
    *,
    deadline: float,
    name: str = "transaction",
) -> T:
    """Run `work` in a serializable transaction and commit what it did, exactly once or not at all.

    `work` may run several times: it must touch nothing but its transaction, and build its result
    afresh each time. Raising rolls everything back.

    Args:
        database: where.
        work: the closure; its result is returned once the commit is acknowledged.
        deadline: absolute `time.monotonic()` by which the outcome is known.
        name: what traces call it.

    Raises:
        AmbiguousCommit: the connection was lost, or the time was up, while committing.
        DeadlineExceededError: not finished by the deadline; nothing was written.
        UnavailableError: the database could not be reached; nothing was written.
        DatabaseError: the database refused a statement; nothing was written.
        TransactionMisuseError: called inside another transaction's closure.
    """
    if in_transaction():
        raise TransactionMisuseError(f"{name}: inside another transaction; pass that one on")
    retry_policy = RetryPolicy(deadline)

    async def attempt(session: PooledSession) -> T:
        return await _attempt(session, work)

    return await retry_transaction(
        PooledSessions(database, name, retry_policy), attempt, retry_policy
    )


async def _attempt(session: PooledSession, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run the closure once; raise a failed statement's failure even if the closure caught it."""
    transaction = Transaction(session)
    token = latest_transaction.set(transaction)
    try:
        result = await work(transaction)
    except Exception:
        failure = transaction._failure
        if failure is not None and failure.outcome is not FailureKind.REFUSED:
            raise failure from failure.__cause__
        raise
    finally:
        transaction.ended = True
        latest_transaction.reset(token)
    if transaction._busy:
        raise TransactionMisuseError("The closure returned with a statement still running.")
    if transaction._failure is not None:
        raise transaction._failure
    return result


class PooledSessions:
    """The pool, as `poutama.db.retry.Sessions`."""

    __slots__ = ("_database", "_name", "_retry_policy")

    def __init__(self, database: Database, name: str, retry_policy: RetryPolicy) -> None:
        self._database = database
        self._name = name
        self._retry_policy = retry_policy

    async def acquire(self) -> PooledSession:
        pool = self._database.pool
        connection = pool.take() or await pool.acquire(self._retry_policy.deadline)
        return PooledSession(connection, self._database.tracer, self._name, self._retry_policy)

    def release(self, session: PooledSession) -> None:
        self._database.pool.release(session.connection)

    def discard(self, session: PooledSession) -> None:
        self._database.pool.discard(session.connection)


class PooledSession:
    """One connection in one transaction; see `poutama.db.retry.Session`."""

    __slots__ = ("_deadline", "_id", "_name", "_retry_policy", "_tracer", "connection")

    def __init__(
        self, connection: PooledConnection, tracer: Tracer, name: str, retry_policy: RetryPolicy
    ) -> None:
        self.connection = connection
        self._tracer = tracer
        self._name = name
        self._retry_policy = retry_policy
        self._deadline = retry_policy.deadline
        self._id = f"{_PROCESS}-{next(_serial)}" if tracer.active else ""

    @property
    def restarts_by_savepoint(self) -> bool:
        return self.connection.dialect.restarts_by_savepoint

    async def begin(self) -> None:
        text = f"{_BEGIN}; {_SAVEPOINT}" if self.restarts_by_savepoint else _BEGIN
        limit = self.connection.limit_text(self._deadline, needed=True)
        await self._command("begin", ConnectionPhase.STATEMENT, limit + text)

    async def commit(self) -> None:
        text = f"{_RELEASE}; COMMIT" if self.restarts_by_savepoint else "COMMIT"
        if await self._command("commit", ConnectionPhase.COMMIT, text) != "COMMIT":
            raise Failure(FailureKind.REFUSED)  # the server had aborted the transaction

    async def restart(self) -> None:
        await self._command("restart", ConnectionPhase.STATEMENT, _RESTART)

    async def rollback(self) -> None:
        self.connection.invalidate_limit()
        await self._command("rollback", ConnectionPhase.STATEMENT, "ROLLBACK")

    def clear_statements(self) -> None:
        self.connection.clear_statements()

    async def run(self, step: str, statement: str, args: Sequence[object]) -> tuple[Records, str]:
        """Run one statement of the closure.

        Raises:
            Failure: with the outcome that a transaction not yet committing allows.
        """
        running = self.connection.run(ConnectionPhase.STATEMENT, statement, args, self._deadline)
        if not self._tracer.active:
            return await running
        with self._tracer.measure(self._span(step, statement)) as trace:
            rows, tag = await running
            trace.rows = len(rows)
            trace.prepared = self.connection.prepared
        return rows, tag

    async def run_many(
        self, step: str, statement: str, arguments: Sequence[Sequence[object]]
    ) -> Records:
        """Run one statement of the closure for several sets of values.

        Raises:
            Failure: as `run`.
        """
        running = self.connection.fetch_many(
            ConnectionPhase.STATEMENT, statement, arguments, self._deadline
        )
        if not self._tracer.active:
            return await running
        with self._tracer.measure(self._span(step, statement)) as trace:
            rows = await running
            trace.rows = len(rows)
            trace.prepared = self.connection.prepared
        return rows

    async def _command(self, step: str, phase: ConnectionPhase, text: str) -> str:
        running = self.connection.command(phase, text, self._deadline)
        if not self._tracer.active:
            return await running
        with self._tracer.measure(self._span(step, text)):
            return await running

    def _span(self, step: str, statement: str) -> StatementTrace:
        return StatementTrace(
            name=f"{self._name}/{step}",
            statement=statement,
            tries=self._retry_policy.tries,
            transaction=self._id,
        )
