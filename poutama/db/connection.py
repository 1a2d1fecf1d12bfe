"""The database as other packages use it: single statements, read and written.

The engine and the procedures call `Database.read` and `Database.write`; several statements that
belong together go through `poutama.db.transaction.run_transaction`. Connections are opened when
first needed and kept, one in a function, a bounded set in a server. A `Database` belongs to the
event loop it was first used on. It never runs anything at import or construction.

Every deadline is an absolute `time.monotonic()` in seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import asyncpg

from poutama.db.dialect import Dialect, parse_dialect
from poutama.db.hosts import Hosts
from poutama.db.pool import Pool
from poutama.db.pooled_connection import PooledConnection, Records, dialect_of
from poutama.db.retry import RetryPolicy
from poutama.db.sqlstate import ConnectionPhase, Failure, FailureKind
from poutama.db.trace import Observer, StatementTrace, Tracer
from poutama.errors import ConfigurationError, PoutamaError, TransactionMisuseError
from poutama.settings import Settings


class TransactionState(Protocol):
    """The part of a transaction that `in_transaction` reads."""

    @property
    def ended(self) -> bool: ...


latest_transaction: ContextVar[TransactionState | None] = ContextVar(
    "latest_transaction", default=None
)
"""The transaction whose closure this task runs, or was started by."""

_EARLIER = 0.9


class Database:
    """A bounded set of connections to one cluster; opens lazily."""

    def __init__(self, settings: Settings, *, url: str | None = None) -> None:
        """Prepare to connect to `url`, or else to `settings.database_url`.

        Raises:
            ConfigurationError: the URL, the dialect or the TLS settings cannot be used.
        """
        url = url or settings.database_url
        if not url:
            raise ConfigurationError(
                "POUTAMA_DATABASE_URL: expected postgresql://user@host/name, got nothing"
            )
        self._settings = settings
        # A little shorter than a request, so that its first statements need no limit of their own.
        self._limit = settings.request_seconds * _EARLIER
        session = _session_settings(settings, self._limit)
        self._hosts = Hosts(settings, url, session, _privileged_settings(settings))
        self._dialect = parse_dialect(settings.database_dialect)
        self.pool = Pool(
            self._open_connection,
            size=settings.pool_size,
            idle_seconds=settings.database_idle_seconds,
        )
        self.tracer = Tracer(spans=settings.database_traces)

    async def dialect(self) -> Dialect:
        """Return the server's dialect: the setting, or what the first connection reports.

        Raises:
            UnavailableError: no connection could be opened within one request's time.
        """
        if self._dialect is None:
            deadline = time.monotonic() + self._settings.request_seconds
            retry_policy = RetryPolicy(deadline)
            while self._dialect is None:
                try:
                    self.pool.release(await self.pool.acquire(deadline))
                except Failure as failure:
                    await retry_policy.pause(failure)
        return self._dialect

    def read(
        self, statement: str, args: Sequence[object] = (), *, deadline: float, name: str = "read"
    ) -> Coroutine[Any, Any, Records]:
        """Run one statement that changes nothing: one round trip, once it is prepared.

        Tried again after a lost connection, a lost race or a changed schema, until the deadline.

        Raises:
            DeadlineExceededError: the time was up.
            UnavailableError: the database could not be reached in time.
            DatabaseError: the database refused the statement.
            TransactionMisuseError: called inside a transaction's closure.
        """
        return self._run(ConnectionPhase.READ, statement, args, deadline, name)

    def write(
        self, statement: str, args: Sequence[object] = (), *, deadline: float, name: str = "write"
    ) -> Coroutine[Any, Any, Records]:
        """Run one statement that changes rows and commits by itself.

        Tried again, until the deadline, only after a failure that certainly changed nothing.

        Raises:
            AmbiguousCommit: the connection was lost, or the time was up, with the statement under
                way: it may or may not have happened.
            DeadlineExceededError, UnavailableError, DatabaseError, TransactionMisuseError: as
                `read`; nothing was written.
        """
        return self._run(ConnectionPhase.WRITE, statement, args, deadline, name)

    async def close(self) -> None:
        """Close every connection; those in use are closed when they are released."""
        await self.pool.close()

    @contextmanager
    def observe(self, observer: Observer) -> Iterator[None]:
        """Call `observer` with a trace of every statement, BEGIN and COMMIT included."""
        with self.tracer.observe(observer):
            yield

    async def _run(
        self,
        phase: ConnectionPhase,
        statement: str,
        args: Sequence[object],
        deadline: float,
        name: str,
    ) -> Records:
        if in_transaction():
            raise TransactionMisuseError(
                f"{name}: inside a transaction, use the transaction's own fetch and execute"
            )
        retry_policy: RetryPolicy | None = None
        tries = 1
        while True:
            connection: PooledConnection | None = None
            try:
                connection = self.pool.take() or await self.pool.acquire(deadline)
                if self.tracer.active:
                    rows = await self._traced(
                        connection, phase, statement, args, deadline, name, tries
                    )
                else:
                    rows = await connection.fetch(phase, statement, args, deadline)
            except Failure as failure:
                if connection is not None:
                    self._give_back(connection, failure)
                retry_policy = retry_policy or RetryPolicy(deadline)
                await retry_policy.pause(failure)
                tries = retry_policy.tries
            except PoutamaError:
                raise
            except BaseException:
                if connection is not None:
                    self.pool.discard(connection)
                raise
            else:
                self.pool.release(connection)
                return rows

    async def _traced(
        self,
        connection: PooledConnection,
        phase: ConnectionPhase,
        statement: str,
        args: Sequence[object],
        deadline: float,
        name: str,
        tries: int,
    ) -> Records:
        trace = StatementTrace(name=name, statement=statement, tries=tries)
        with self.tracer.measure(trace):
            rows = await connection.fetch(phase, statement, args, deadline)
            trace.rows = len(rows)
            trace.prepared = connection.prepared
        return rows

    def _give_back(self, connection: PooledConnection, failure: Failure) -> None:
        match failure.outcome:
            case FailureKind.RESTART | FailureKind.REFUSED:
                self.pool.release(connection)
            case FailureKind.REPREPARE:
                connection.clear_statements()
                self.pool.release(connection)
            case _:
                self.pool.discard(connection)

    async def _open_connection(self, deadline: float) -> PooledConnection:
        connection: asyncpg.Connection = await self._hosts.open(deadline)
        self._dialect = self._dialect or dialect_of(connection)
        return PooledConnection(
            connection,
            limit=self._limit,
            lifetime=self._settings.database_lifetime_seconds,
            dialect=self._dialect,
        )


def in_transaction() -> bool:
    """Return whether a transaction's closure is running; other statements must then use it."""
    transaction = latest_transaction.get()
    return transaction is not None and not transaction.ended


def _session_settings(settings: Settings, limit: float) -> dict[str, str]:
    """Return the parameters of every session; CockroachDB ignores those it does not know."""
    memory = {"work_mem": settings.database_work_mem} if settings.database_work_mem else {}
    return {
        **memory,
        "application_name": "poutama",
        "timezone": "UTC",
        "default_transaction_isolation": "serializable",
        "jit": "off",
        "statement_timeout": str(max(1, int(limit * 1000))),
        # A function that died inside a transaction must not hold its locks for ever.
        "idle_in_transaction_session_timeout": str(math.ceil(settings.request_seconds * 1000)),
    }


def _privileged_settings(settings: Settings) -> dict[str, str]:
    """Return the parameters of every session that only some roles may set."""
    limit = settings.database_temp_limit
    return {"temp_file_limit": limit} if limit else {}
