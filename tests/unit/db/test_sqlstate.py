"""What a failure means: by type, code and phase, as docs/transactions.md has it."""

from __future__ import annotations

import socket
import ssl

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError, InvalidCachedStatementError

from poutama.db.dialect import Dialect
from poutama.db.sqlstate import Outcome, Phase, failure_of, public_error
from poutama.errors import (
    AmbiguousCommit,
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)

EARLY = (Phase.PREPARE, Phase.READ, Phase.STATEMENT)
LATE = (Phase.WRITE, Phase.COMMIT)


def answer(sqlstate: str) -> Exception:
    """The server's error of that code, as the driver makes it."""
    error: Exception = asyncpg.PostgresError.new({"C": sqlstate, "M": "words", "S": "ERROR"})
    return error


# What failed: what to do before the commit, and during it.
TABLE: dict[str, tuple[Exception, Outcome, Outcome]] = {
    **{code: (answer(code), Outcome.RESTART, Outcome.RESTART) for code in ("40001", "40P01")},
    **{
        code: (answer(code), Outcome.RECONNECT, Outcome.AMBIGUOUS)
        for code in ("40003", "57P01", "57P02", "57P05", "25P03", "08003", "08006", "08P01")
    },
    **{
        code: (answer(code), Outcome.RECONNECT, Outcome.RECONNECT)
        for code in ("53300", "57P03", "XXC02")
    },
    **{code: (answer(code), Outcome.REFUSED, Outcome.AMBIGUOUS) for code in ("XX000", "XXUUU")},
    "57014": (answer("57014"), Outcome.EXPIRED, Outcome.EXPIRED),
    "no answer in time": (TimeoutError(), Outcome.EXPIRED, Outcome.AMBIGUOUS),
    "lost in the middle": (
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        Outcome.RECONNECT,
        Outcome.AMBIGUOUS,
    ),
    "reset": (ConnectionResetError(), Outcome.RECONNECT, Outcome.AMBIGUOUS),
    "garbage": (InternalClientError("?"), Outcome.RECONNECT, Outcome.AMBIGUOUS),
    "undecodable": (OverflowError(), Outcome.REFUSED, Outcome.AMBIGUOUS),
    "unsendable": (asyncpg.InterfaceError("expected 1 argument"), Outcome.REFUSED, Outcome.REFUSED),
    "23505": (answer("23505"), Outcome.REFUSED, Outcome.REFUSED),
    "42601": (answer("42601"), Outcome.REFUSED, Outcome.REFUSED),
    "0A000": (answer("0A000"), Outcome.REFUSED, Outcome.REFUSED),
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
    assert {outcomes[phase] for phase in EARLY} == {Outcome.EXPIRED}
    assert {outcomes[phase] for phase in LATE} == {Outcome.AMBIGUOUS}


@pytest.mark.parametrize(
    "error",
    [answer("0A000"), answer("26000"), InvalidCachedStatementError("cached plan")],
    ids=["0A000 of CockroachDB", "26000", "0A000 of PostgreSQL"],
)
@pytest.mark.parametrize("phase", [*EARLY, Phase.WRITE])
def test_a_stale_plan_is_prepared_anew_once(error: Exception, phase: Phase) -> None:
    assert failure_of(error, phase, reused=True).outcome is Outcome.REPREPARE
    assert failure_of(error, phase, reused=False).outcome is Outcome.REFUSED


@pytest.mark.parametrize("phase", [*EARLY, *LATE])
def test_a_connection_lost_before_anything_was_sent_leaves_no_doubt(phase: Phase) -> None:
    error = asyncpg.InterfaceError("the underlying connection is closed")
    assert failure_of(error, phase, closed=True).outcome is Outcome.RECONNECT


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectionRefusedError(), Outcome.RECONNECT),
        # A draining CockroachDB node, seen through TLS: no SQLSTATE at all.
        (ConnectionError("server sent an error response during SSL exchange"), Outcome.RECONNECT),
        (TimeoutError(), Outcome.RECONNECT),
        (socket.gaierror(socket.EAI_AGAIN, "later"), Outcome.RECONNECT),
        (socket.gaierror(socket.EAI_NONAME, "never"), Outcome.MISCONFIGURED),
        (answer("53300"), Outcome.RECONNECT),
        (answer("57P01"), Outcome.RECONNECT),
        (answer("57P03"), Outcome.RECONNECT),
        (answer("28P01"), Outcome.MISCONFIGURED),
        (answer("3D000"), Outcome.MISCONFIGURED),
        (ssl.SSLError("handshake"), Outcome.RECONNECT),
        (ssl.SSLCertVerificationError(), Outcome.MISCONFIGURED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_connecting_is_tried_again_unless_it_never_works(
    error: Exception, outcome: Outcome
) -> None:
    assert failure_of(error, Phase.CONNECT).outcome is outcome


@pytest.mark.parametrize(
    ("error", "phase", "told"),
    [
        (ConnectionResetError(), Phase.WRITE, AmbiguousCommit),
        (ConnectionResetError(), Phase.READ, UnavailableError),
        (answer("40001"), Phase.STATEMENT, DeadlineExceededError),
        (answer("57014"), Phase.WRITE, DeadlineExceededError),
        (answer("23505"), Phase.WRITE, DatabaseError),
        (answer("28P01"), Phase.CONNECT, ConfigurationError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_is_told_when_nothing_more_is_tried(
    error: Exception, phase: Phase, told: type[PoutamaError]
) -> None:
    assert type(public_error(failure_of(error, phase))) is told
