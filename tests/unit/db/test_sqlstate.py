"""What a failure means: by type, code and phase, as docs/transactions.md has it."""

from __future__ import annotations

import socket
import ssl

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError, InvalidCachedStatementError

from poutama.db.dialect import Dialect
from poutama.db.sqlstate import ConnectionPhase, FailureKind, failure_of, public_error
from poutama.errors import (
    AmbiguousCommit,
    BadUserInputError,
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)

EARLY = (ConnectionPhase.PREPARE, ConnectionPhase.READ, ConnectionPhase.STATEMENT)
LATE = (ConnectionPhase.WRITE, ConnectionPhase.COMMIT)


def answer(sqlstate: str) -> Exception:
    """The server's error of that code, as the driver makes it."""
    error: Exception = asyncpg.PostgresError.new({"C": sqlstate, "M": "words", "S": "ERROR"})
    return error


# What failed: what to do before the commit, and during it.
TABLE: dict[str, tuple[Exception, FailureKind, FailureKind]] = {
    **{
        code: (answer(code), FailureKind.RESTART, FailureKind.RESTART)
        for code in ("40001", "40P01")
    },
    **{
        code: (answer(code), FailureKind.RECONNECT, FailureKind.AMBIGUOUS)
        for code in ("40003", "57P01", "57P02", "57P05", "25P03", "08003", "08006", "08P01")
    },
    **{
        code: (answer(code), FailureKind.RECONNECT, FailureKind.RECONNECT)
        for code in ("53300", "57P03", "XXC02")
    },
    **{
        code: (answer(code), FailureKind.REFUSED, FailureKind.AMBIGUOUS)
        for code in ("XX000", "XXUUU")
    },
    "57014": (answer("57014"), FailureKind.EXPIRED, FailureKind.EXPIRED),
    "no answer in time": (TimeoutError(), FailureKind.EXPIRED, FailureKind.AMBIGUOUS),
    "lost in the middle": (
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        FailureKind.RECONNECT,
        FailureKind.AMBIGUOUS,
    ),
    "reset": (ConnectionResetError(), FailureKind.RECONNECT, FailureKind.AMBIGUOUS),
    "garbage": (InternalClientError("?"), FailureKind.RECONNECT, FailureKind.AMBIGUOUS),
    "undecodable": (OverflowError(), FailureKind.REFUSED, FailureKind.AMBIGUOUS),
    "unsendable": (
        asyncpg.InterfaceError("expected 1 argument"),
        FailureKind.REFUSED,
        FailureKind.REFUSED,
    ),
    "23505": (answer("23505"), FailureKind.REFUSED, FailureKind.REFUSED),
    "42601": (answer("42601"), FailureKind.REFUSED, FailureKind.REFUSED),
    "0A000": (answer("0A000"), FailureKind.REFUSED, FailureKind.REFUSED),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_failure_is_in_doubt_only_while_committing(name: str) -> None:
    error, early, late = TABLE[name]
    assert {failure_of(error, phase).outcome for phase in EARLY} == {early}
    assert {failure_of(error, phase).outcome for phase in LATE} == {late}


def test_a_timeout_that_may_hide_a_commit_is_in_doubt_while_committing() -> None:
    # CockroachDB's timer runs on while a statement commits, and its 57014 replaces what came of it.
    assert Dialect.COCKROACHDB.timeout_hides_commit
    assert not Dialect.POSTGRESQL.timeout_hides_commit
    outcomes = {
        phase: failure_of(answer("57014"), phase, timeout_hides_commit=True).outcome
        for phase in (*EARLY, *LATE)
    }
    assert {outcomes[phase] for phase in EARLY} == {FailureKind.EXPIRED}
    assert {outcomes[phase] for phase in LATE} == {FailureKind.AMBIGUOUS}


@pytest.mark.parametrize(
    "error",
    [answer("0A000"), answer("26000"), InvalidCachedStatementError("cached plan")],
    ids=["0A000 of CockroachDB", "26000", "0A000 of PostgreSQL"],
)
@pytest.mark.parametrize("phase", [*EARLY, ConnectionPhase.WRITE])
def test_a_stale_plan_is_prepared_anew_once(error: Exception, phase: ConnectionPhase) -> None:
    assert failure_of(error, phase, reused=True).outcome is FailureKind.REPREPARE
    assert failure_of(error, phase, reused=False).outcome is FailureKind.REFUSED


@pytest.mark.parametrize("phase", [*EARLY, *LATE])
def test_a_connection_lost_before_anything_was_sent_leaves_no_doubt(phase: ConnectionPhase) -> None:
    error = asyncpg.InterfaceError("the underlying connection is closed")
    assert failure_of(error, phase, closed=True).outcome is FailureKind.RECONNECT


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionRefusedError(), FailureKind.RECONNECT),
        # A draining CockroachDB node, seen through TLS: no SQLSTATE at all.
        (
            ConnectionError("server sent an error response during SSL exchange"),
            FailureKind.RECONNECT,
        ),
        (TimeoutError(), FailureKind.RECONNECT),
        (socket.gaierror(socket.EAI_AGAIN, "later"), FailureKind.RECONNECT),
        (socket.gaierror(socket.EAI_NONAME, "never"), FailureKind.MISCONFIGURED),
        (answer("53300"), FailureKind.RECONNECT),
        (answer("57P01"), FailureKind.RECONNECT),
        (answer("57P03"), FailureKind.RECONNECT),
        (answer("28P01"), FailureKind.MISCONFIGURED),
        (answer("3D000"), FailureKind.MISCONFIGURED),
        (ssl.SSLError("handshake"), FailureKind.RECONNECT),
        (ssl.SSLCertVerificationError(), FailureKind.MISCONFIGURED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_connecting_is_tried_again_unless_it_never_works(
    error: Exception, outcome: FailureKind
) -> None:
    assert failure_of(error, ConnectionPhase.CONNECT).outcome is outcome


@pytest.mark.parametrize(
    ("error", "phase", "expected"),
    [
        (ConnectionResetError(), ConnectionPhase.WRITE, AmbiguousCommit),
        (ConnectionResetError(), ConnectionPhase.READ, UnavailableError),
        (answer("40001"), ConnectionPhase.STATEMENT, DeadlineExceededError),
        (answer("57014"), ConnectionPhase.WRITE, DeadlineExceededError),
        (answer("23505"), ConnectionPhase.WRITE, DatabaseError),
        (answer("22021"), ConnectionPhase.STATEMENT, BadUserInputError),
        (answer("22P05"), ConnectionPhase.WRITE, BadUserInputError),
        (answer("28P01"), ConnectionPhase.CONNECT, ConfigurationError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_is_told_when_nothing_more_is_tried(
    error: Exception, phase: ConnectionPhase, expected: type[PoutamaError]
) -> None:
    assert type(public_error(failure_of(error, phase))) is expected
