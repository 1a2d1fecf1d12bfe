"""What a failure of the database means: may it be retried, or has the change perhaps happened?

`poutama.db.pooled_connection` translates every error of the driver by `failure_of`; the retry loop
acts on the `FailureKind`; `public_error` makes the error that a caller sees. Errors are classified
by their type, their SQLSTATE and the phase they occurred in, never by their text.

The codes: https://www.postgresql.org/docs/current/errcodes-appendix.html and
https://www.cockroachlabs.com/docs/stable/common-errors (40001, 40003, 57P01).
"""

from __future__ import annotations

import socket
import ssl
from enum import Enum, auto

import asyncpg

from poutama.errors import (
    AmbiguousCommit,
    BadUserInputError,
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)


class ConnectionPhase(Enum):
    """How far a connection had come when it failed."""

    CONNECT = auto()
    PREPARE = auto()
    """Parsing, or setting the session up: nothing that could have changed a row was sent."""
    READ = auto()
    STATEMENT = auto()
    """Inside a transaction that was not asked to commit."""
    WRITE = auto()
    """A statement that commits by itself."""
    COMMIT = auto()


class FailureKind(Enum):
    """What is to be done about a failure."""

    RESTART = auto()
    """Lost a race; nothing happened. Go again, on this connection if it likes."""
    RECONNECT = auto()
    """This connection or its server is of no more use; nothing happened. Go again elsewhere."""
    REPREPARE = auto()
    """The schema changed under a prepared statement; nothing happened. Prepare and go again."""
    AMBIGUOUS = auto()
    """It may have happened."""
    EXPIRED = auto()
    """The time was up; nothing happened."""
    REFUSED = auto()
    """The server, or the driver before it, said no for good; nothing happened."""
    MISCONFIGURED = auto()
    """Connecting can never work like this."""


RETRIED = frozenset({FailureKind.RESTART, FailureKind.RECONNECT, FailureKind.REPREPARE})
"""The outcomes after which the same statement or transaction may be retried."""

UNDEFINED = frozenset({"42P01", "42703", "42704", "42883"})
"""A table, column, type or function that the statement names is not there: the schema is older than
the code."""

_COMMITTING = frozenset({ConnectionPhase.WRITE, ConnectionPhase.COMMIT})
_RESTART = frozenset({"40001", "40P01"})
_UNKNOWN = "40003"
_QUERY_CANCELED = "57014"
_STALE_PLAN = frozenset({"0A000", "26000"})
_WAIT = frozenset({"53300", "57P03", "XXC02"})
"""Too many connections; not up yet; CockroachDB without a licence, which then allows few open
transactions. Sent before anything was done, unlike the next."""
_GONE = frozenset({"57P01", "57P02", "57P05", "25P03"})
"""Shutting down, crashed, idle for too long: may be sent after a commit not yet acknowledged."""
_INTERNAL = "XX"
"""The class of the servers' own faults, and of errors without a code on CockroachDB (XXUUU)."""
_NOT_STORABLE = frozenset({"22021", "22P05"})
"""The character NUL, in a text or as an escape in JSON: an input had it, whichever way it came."""
_NOT_OURS = frozenset({"28000", "28P01", "3D000"})


class Failure(Exception):  # noqa: N818  it becomes an error only when it is not retried
    """The database failed; `outcome` says what that means. Never leaves `poutama.db`."""

    def __init__(self, outcome: FailureKind, sqlstate: str | None = None) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome
        self.sqlstate = sqlstate


def failure_of(
    error: Exception,
    phase: ConnectionPhase,
    *,
    reused: bool = False,
    closed: bool = False,
    timeout_hides_commit: bool = False,
) -> Failure:
    """Say what an error of the driver means.

    Args:
        error: what the driver raised.
        phase: how far the connection had come.
        reused: the statement was prepared earlier, so a changed schema explains 0A000.
        closed: the connection is closed now.
        timeout_hides_commit: as `poutama.db.dialect.Dialect` has it.
    """
    outcome = _classify(error, phase, reused, closed)
    if timeout_hides_commit and outcome is FailureKind.EXPIRED and phase in _COMMITTING:
        outcome = FailureKind.AMBIGUOUS
    failure = Failure(outcome, getattr(error, "sqlstate", None))
    failure.__cause__ = error
    return failure


def public_error(failure: Failure) -> PoutamaError:
    """Return the error that a caller sees for a failure that is not retried."""
    match failure.outcome:
        case FailureKind.AMBIGUOUS:
            return AmbiguousCommit()
        case FailureKind.EXPIRED | FailureKind.RESTART:
            return DeadlineExceededError()
        case FailureKind.RECONNECT:
            return UnavailableError()
        case FailureKind.MISCONFIGURED:
            return ConfigurationError(_explain(failure.__cause__))
        case FailureKind.REFUSED if failure.sqlstate in _NOT_STORABLE:
            return BadUserInputError("A text contains the character NUL (U+0000).")
        case FailureKind.REFUSED | FailureKind.REPREPARE:
            constraint = getattr(failure.__cause__, "constraint_name", None)
            return DatabaseError(sqlstate=failure.sqlstate, constraint=constraint)


def _classify(error: Exception, phase: ConnectionPhase, reused: bool, closed: bool) -> FailureKind:
    if phase is ConnectionPhase.CONNECT:
        return _classify_connect(error)
    undecided = phase in _COMMITTING
    match error:
        case TimeoutError():
            return FailureKind.AMBIGUOUS if undecided else FailureKind.EXPIRED
        case asyncpg.InterfaceError():  # raised before anything is sent
            return FailureKind.RECONNECT if closed else FailureKind.REFUSED
        case asyncpg.PostgresError() if not isinstance(error, asyncpg.PostgresConnectionError):
            return _classify_answer(str(error.sqlstate), undecided, reused)
        case OSError() | asyncpg.PostgresConnectionError() | asyncpg.InternalClientError():
            return FailureKind.AMBIGUOUS if undecided else FailureKind.RECONNECT
        case _:  # an answer that the driver could not decode: the statement itself went well
            return FailureKind.AMBIGUOUS if undecided else FailureKind.REFUSED


def _classify_answer(sqlstate: str, undecided: bool, reused: bool) -> FailureKind:
    if sqlstate in _RESTART:
        return FailureKind.RESTART
    if sqlstate == _UNKNOWN or sqlstate in _GONE:
        return FailureKind.AMBIGUOUS if undecided else FailureKind.RECONNECT
    if sqlstate in _WAIT:
        return FailureKind.RECONNECT
    if sqlstate == _QUERY_CANCELED:
        return FailureKind.EXPIRED
    if sqlstate in _STALE_PLAN and reused:
        return FailureKind.REPREPARE
    if undecided and sqlstate.startswith(_INTERNAL):
        return FailureKind.AMBIGUOUS
    return FailureKind.REFUSED


def _classify_connect(error: Exception) -> FailureKind:
    match error:
        case ssl.SSLCertVerificationError():
            return FailureKind.MISCONFIGURED
        case socket.gaierror() if error.errno == socket.EAI_NONAME:
            return FailureKind.MISCONFIGURED
        case OSError() | asyncpg.InternalClientError():
            return FailureKind.RECONNECT
        case asyncpg.PostgresError() if error.sqlstate in _NOT_OURS:
            return FailureKind.MISCONFIGURED
        case asyncpg.PostgresError():
            return FailureKind.RECONNECT
        case _:
            return FailureKind.MISCONFIGURED


def _explain(error: BaseException | None) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"The database's certificate does not verify: {error.verify_message}."
        case socket.gaierror():
            return "POUTAMA_DATABASE_URL: host not found; check its name."
        case asyncpg.PostgresError():
            return (
                f"The database rejected the credentials or the database name (SQLSTATE"
                f" {error.sqlstate}); check POUTAMA_DATABASE_URL."
            )
        case _:
            return "POUTAMA_DATABASE_URL: no connection could be opened; check the URL and TLS."
