"""One connection to the database, with its prepared statements, its age and its time limit.

`poutama.db.pool` keeps these connections, `poutama.db.connection` and `poutama.db.transaction` run
statements on them. Statements are prepared here, so that it is always known whether a lost
connection may have changed something; every error of the driver is raised as a `Failure`. It never
retries and never decides when a transaction begins or ends.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from poutama.db.deadline_timer import DeadlineTimer
from poutama.db.dialect import Dialect
from poutama.db.socket_probe import SocketProbe
from poutama.db.sqlstate import ConnectionPhase, Failure, failure_of
from poutama.lru import Lru

Records = list[asyncpg.Record]

STATEMENTS = 256
"""Most prepared statements kept by one connection."""
TRUSTED_SECONDS = 1.0
"""A connection used this recently is reused without a check of its socket."""
PING_AFTER_SECONDS = 30.0
"""A connection that was idle for longer is pinged before it is reused: one round trip."""
PING_SECONDS = 2.0
CLOSE_SECONDS = 1.0
_EARLIER = 0.9
"""The server's limit as a share of the client's: the server stops first, and PostgreSQL then
reports for certain that nothing happened."""


class ConnectionHealth(Enum):
    """Whether an idle connection can be used."""

    USABLE = auto()
    NEEDS_PING = auto()
    EXPIRED = auto()


class PooledConnection:
    """One connection; used by one task at a time."""

    __slots__ = (
        "_connection",
        "_deadline_timer",
        "_limit",
        "_ordinary_limit",
        "_retire_at",
        "_socket_probe",
        "_statements",
        "_used_at",
        "_used_at_clock",
        "broken",
        "dialect",
        "prepared",
    )

    def __init__(
        self, connection: asyncpg.Connection, *, limit: float, lifetime: float, dialect: Dialect
    ) -> None:
        """Take over a connection that has just been opened.

        Args:
            connection: the driver's.
            limit: the session's `statement_timeout` as set when connecting, in seconds.
            lifetime: seconds until the connection is to be replaced; varied by 10 %.
            dialect: of the server.
        """
        self._connection = connection
        self._deadline_timer = DeadlineTimer()
        self._limit = self._ordinary_limit = limit
        self._statements: Lru[str, PreparedStatement[asyncpg.Record]] = Lru(STATEMENTS)
        self._retire_at = time.monotonic() + lifetime * random.uniform(0.9, 1.1)  # noqa: S311
        self._socket_probe = SocketProbe(connection)
        self.broken = False
        self.dialect = dialect
        self.prepared = False
        """Whether the last statement had to be prepared first: one more round trip."""
        self.rest()

    async def fetch(
        self, phase: ConnectionPhase, statement: str, args: Sequence[object], deadline: float
    ) -> Records:
        """Run one statement and return all its rows: one round trip once it is prepared.

        Raises:
            Failure: always with the outcome that the phase allows.
        """
        return await self._fetch(phase, statement, deadline, lambda found: found.fetch(*args))

    async def fetch_many(
        self,
        phase: ConnectionPhase,
        statement: str,
        arguments: Sequence[Sequence[object]],
        deadline: float,
    ) -> Records:
        """Run one statement for several sets of values, in one round trip; return all their rows.

        Raises:
            Failure: as `fetch`.
        """
        return await self._fetch(
            phase, statement, deadline, lambda found: found.fetchmany(arguments)
        )

    async def _fetch(
        self,
        phase: ConnectionPhase,
        statement: str,
        deadline: float,
        run: Callable[[PreparedStatement[asyncpg.Record]], Awaitable[Records]],
    ) -> Records:
        reached = ConnectionPhase.PREPARE
        prepared = self._statements.pop(statement)
        reused = prepared is not None
        self.prepared = not reused
        try:
            with self._deadline_timer.set(deadline):
                if self._limit != self._ordinary_limit or phase is ConnectionPhase.WRITE:
                    await self._follow(deadline, phase)
                if prepared is None:
                    prepared = await self._connection.prepare(statement)
                reached = phase
                rows = await run(prepared)
        except Exception as error:
            raise self._failed(error, reached, reused) from error
        except BaseException:
            self.broken = True  # the answer is still on its way
            raise
        self._statements.put(statement, prepared)
        return rows

    async def run(
        self, phase: ConnectionPhase, statement: str, args: Sequence[object], deadline: float
    ) -> tuple[Records, str]:
        """Run one statement; return its rows and its command tag (`UPDATE 1`).

        Raises:
            Failure: as `fetch`.
        """
        rows = await self.fetch(phase, statement, args, deadline)
        prepared = self._statements.get(statement)
        return rows, "" if prepared is None else prepared.get_statusmsg() or ""

    async def command(self, phase: ConnectionPhase, text: str, deadline: float) -> str:
        """Send text without parameters, several statements if need be: one round trip.

        Returns:
            The command tag of the last statement.

        Raises:
            Failure: as `fetch`.
        """
        reached = ConnectionPhase.PREPARE
        try:
            with self._deadline_timer.set(deadline):
                reached = phase
                return await self._connection.execute(text)
        except Exception as error:
            raise self._failed(error, reached, reused=False) from error
        except BaseException:
            self.broken = True
            raise

    def limit_text(self, deadline: float, *, needed: bool) -> str:
        """Return the SQL, if any, that sets the server's `statement_timeout` for a deadline.

        Args:
            deadline: of the statements to come.
            needed: the server must stop before the client does. Otherwise only a limit that
                is too short for the deadline is raised.
        """
        left = deadline - time.monotonic()
        short = self._limit < 0.75 * left and self._limit < self._ordinary_limit
        if left <= 0:
            return ""  # the deadline has passed: the statement will not be sent
        if not short and not (needed and self._limit > left):
            return ""
        self._limit = self._ordinary_limit if left > self._ordinary_limit else left * _EARLIER
        return f"SET statement_timeout = {max(1, int(self._limit * 1000))}; "

    def invalidate_limit(self) -> None:
        """Set `statement_timeout` again next time: a rollback may have undone its last change."""
        if self._limit != self._ordinary_limit:
            self._limit = 0.0

    def clear_statements(self) -> None:
        """Drop statements that were prepared under a schema that has changed since."""
        self._statements.clear()

    async def ping(self, deadline: float) -> bool:
        """Return whether the server answers `SELECT 1`: one round trip."""
        until = min(deadline, time.monotonic() + PING_SECONDS)
        try:
            await self.command(ConnectionPhase.READ, "SELECT 1", until)
        except Failure:
            return False
        return True

    def rest(self) -> bool:
        """Record that the connection was used until now; return whether it can be used again."""
        self._used_at = time.monotonic()
        self._used_at_clock = time.time()
        return not (self.broken or self._used_at >= self._retire_at or self._unfit)

    def examine(self, idle_seconds: float) -> ConnectionHealth:
        """Return whether the connection can be used, without a round trip.

        Some clocks stop while a function is frozen; the longer of two intervals counts.
        """
        now = time.monotonic()
        idle = max(now - self._used_at, time.time() - self._used_at_clock)
        if self.broken or now >= self._retire_at or idle >= idle_seconds or self._unfit:
            return ConnectionHealth.EXPIRED
        if idle < TRUSTED_SECONDS:
            return ConnectionHealth.USABLE
        if self._socket_probe.is_readable():
            return ConnectionHealth.EXPIRED
        return ConnectionHealth.USABLE if idle < PING_AFTER_SECONDS else ConnectionHealth.NEEDS_PING

    @property
    def _unfit(self) -> bool:
        return self._connection.is_closed() or self._connection.is_in_transaction()

    async def close(self) -> None:
        """Close gracefully, cancelling what still runs on the server; never raises an error."""
        self._deadline_timer.cancel()
        self._statements.clear()
        try:
            await self._connection.close(timeout=CLOSE_SECONDS)
        except Exception:
            self._connection.terminate()
        except asyncio.CancelledError:
            self._connection.terminate()
            raise

    def terminate(self) -> None:
        """Drop the connection at once, without a message to the server."""
        self._deadline_timer.cancel()
        self._statements.clear()
        self._connection.terminate()

    @property
    def closed(self) -> bool:
        return self._connection.is_closed()

    @property
    def process(self) -> int:
        """The process id of this session on the server."""
        return self._connection.get_server_pid()

    async def _follow(self, deadline: float, phase: ConnectionPhase) -> None:
        text = self.limit_text(deadline, needed=phase is ConnectionPhase.WRITE)
        if text and not self._connection.is_in_transaction():
            await self._connection.execute(text)

    def _failed(self, error: Exception, phase: ConnectionPhase, reused: bool) -> Failure:
        if isinstance(error, TimeoutError):
            self.broken = True  # the answer is still on its way
        return failure_of(
            error,
            phase,
            reused=reused,
            closed=self._connection.is_closed(),
            timeout_hides_commit=self.dialect.timeout_hides_commit,
        )


def dialect_of(connection: asyncpg.Connection) -> Dialect:
    """Return CockroachDB if the session has its `crdb_version` parameter, else PostgreSQL."""
    parameters = connection.get_settings()
    cockroach = getattr(parameters, "crdb_version", None) is not None
    return Dialect.COCKROACHDB if cockroach else Dialect.POSTGRESQL
