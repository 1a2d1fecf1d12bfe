"""The retry algorithm over scripted sessions: both protocols, every answer at every step."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field

import asyncpg
import pytest

from poutama.db import retry
from poutama.db.retry import RetryPolicy, retry_transaction
from poutama.db.sqlstate import ConnectionPhase, failure_of
from poutama.errors import (
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)

RACE = asyncpg.SerializationError("restart transaction")
UNKNOWN = asyncpg.StatementCompletionUnknownError("result is ambiguous")
LOST = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
RESET = ConnectionResetError()
SHUTDOWN = asyncpg.AdminShutdownError("server is shutting down")
FULL = asyncpg.TooManyConnectionsError("sorry, too many clients already")
REFUSED = asyncpg.UniqueViolationError("duplicate key")
EXPIRED = TimeoutError()
STALE = asyncpg.FeatureNotSupportedError("cached plan must not change result type")

PHASES = {
    "acquire": ConnectionPhase.CONNECT,
    "begin": ConnectionPhase.STATEMENT,
    "work": ConnectionPhase.STATEMENT,
    "commit": ConnectionPhase.COMMIT,
    "restart": ConnectionPhase.STATEMENT,
    "rollback": ConnectionPhase.STATEMENT,
}


@dataclass
class Script:
    """What each step meets in turn, and what was done: `acquire`, `begin`, ... in order."""

    by_savepoint: bool
    answers: dict[str, deque[Exception | None]]
    done: list[str] = field(default_factory=list)

    def play(self, step: str) -> None:
        self.done.append(step)
        answers = self.answers.get(step)
        error = answers.popleft() if answers else None
        if error is not None:
            raise failure_of(error, PHASES[step], reused=True) from error


@dataclass
class ScriptedSession:
    script: Script

    @property
    def restarts_by_savepoint(self) -> bool:
        return self.script.by_savepoint

    async def begin(self) -> None:
        self.script.play("begin")

    async def work(self) -> None:
        self.script.play("work")

    async def commit(self) -> None:
        self.script.play("commit")

    async def restart(self) -> None:
        self.script.play("restart")

    async def rollback(self) -> None:
        self.script.play("rollback")

    def clear_statements(self) -> None:
        self.script.play("clear")


@dataclass
class ScriptedSessions:
    script: Script

    async def acquire(self) -> ScriptedSession:
        self.script.play("acquire")
        return ScriptedSession(self.script)

    def release(self, session: ScriptedSession) -> None:
        self.script.play("release")

    def discard(self, session: ScriptedSession) -> None:
        self.script.play("discard")


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 0.0)


async def run(
    by_savepoint: bool, answers: dict[str, list[Exception | None]], *, seconds: float = 60.0
) -> list[str]:
    """Run one transaction against the script; return what was done."""
    script = Script(by_savepoint, {step: deque(errors) for step, errors in answers.items()})
    retry_policy = RetryPolicy(time.monotonic() + seconds)
    try:
        assert await retry_transaction(ScriptedSessions(script), _work, retry_policy) == "result"
    except PoutamaError as error:
        script.done.append(type(error).__name__)
    return script.done


async def _work(session: ScriptedSession) -> str:
    await session.work()
    return "result"


ONCE = ["begin", "work", "commit"]
CLEAN = ["acquire", *ONCE, "release"]

CASES: dict[str, tuple[bool | None, dict[str, list[Exception | None]], list[str]]] = {
    # name: (by savepoint, or None for both; what the steps meet; what must be done)
    "nothing happens": (None, {}, CLEAN),
    "a race is lost in the work, with a savepoint": (
        True,
        {"work": [RACE]},
        ["acquire", "begin", "work", "restart", "work", "commit", "release"],
    ),
    "a race is lost in the work, without": (
        False,
        {"work": [RACE]},
        ["acquire", "begin", "work", "rollback", "release", *CLEAN],
    ),
    "a race is lost at RELEASE": (
        True,
        {"commit": [RACE]},
        ["acquire", *ONCE, "restart", "work", "commit", "release"],
    ),
    "a race is lost at COMMIT": (
        False,
        {"commit": [RACE]},
        ["acquire", *ONCE, "rollback", "release", *CLEAN],
    ),
    "several races are lost": (
        True,
        {"work": [RACE, RACE], "commit": [RACE]},
        ["acquire", "begin", *(["work", "restart"] * 2), "work", "commit", "restart", *CLEAN[2:]],
    ),
    "the connection is lost while restarting": (
        True,
        {"work": [RACE], "restart": [LOST]},
        ["acquire", "begin", "work", "restart", "discard", *CLEAN],
    ),
    "a race is lost while restarting": (
        True,
        {"work": [RACE], "restart": [RACE]},
        ["acquire", "begin", "work", "restart", "discard", *CLEAN],
    ),
    "the connection is lost while rolling back": (
        False,
        {"work": [RACE], "rollback": [LOST]},
        ["acquire", "begin", "work", "rollback", "discard", *CLEAN],
    ),
    "the outcome of the commit is unknown": (
        None,
        {"commit": [UNKNOWN]},
        ["acquire", *ONCE, "discard", "AmbiguousCommit"],
    ),
    "the connection is lost while committing": (
        None,
        {"commit": [LOST]},
        ["acquire", *ONCE, "discard", "AmbiguousCommit"],
    ),
    "the socket breaks while committing": (
        None,
        {"commit": [RESET]},
        ["acquire", *ONCE, "discard", "AmbiguousCommit"],
    ),
    "the server shuts down while committing": (
        None,
        {"commit": [SHUTDOWN]},
        ["acquire", *ONCE, "discard", "AmbiguousCommit"],
    ),
    "the time is up while committing": (
        None,
        {"commit": [EXPIRED]},
        ["acquire", *ONCE, "discard", "AmbiguousCommit"],
    ),
    "a lost race and then an unknown outcome": (
        True,
        {"commit": [RACE, UNKNOWN]},
        ["acquire", *ONCE, "restart", "work", "commit", "discard", "AmbiguousCommit"],
    ),
    "a constraint holds at the commit": (
        None,
        {"commit": [REFUSED]},
        ["acquire", *ONCE, "rollback", "release", "DatabaseError"],
    ),
    "the connection is lost at BEGIN": (
        None,
        {"begin": [LOST]},
        ["acquire", "begin", "discard", *CLEAN],
    ),
    "the connection is lost in the work": (
        None,
        {"work": [LOST]},
        ["acquire", "begin", "work", "discard", *CLEAN],
    ),
    "the server shuts down in the work": (
        None,
        {"work": [SHUTDOWN]},
        ["acquire", "begin", "work", "discard", *CLEAN],
    ),
    "an unknown outcome before the commit is none": (
        None,
        {"work": [UNKNOWN]},
        ["acquire", "begin", "work", "discard", *CLEAN],
    ),
    "the server has no room, twice": (
        None,
        {"acquire": [FULL, FULL]},
        ["acquire", "acquire", *CLEAN],
    ),
    "the server cannot be reached at first": (
        None,
        {"acquire": [ConnectionRefusedError()]},
        ["acquire", *CLEAN],
    ),
    "the schema changes": (
        None,
        {"work": [STALE]},
        ["acquire", "begin", "work", "clear", "rollback", "release", *CLEAN],
    ),
    "a constraint is violated": (
        None,
        {"work": [REFUSED]},
        ["acquire", "begin", "work", "rollback", "release", "DatabaseError"],
    ),
    "the time is up in the work": (
        None,
        {"work": [EXPIRED]},
        ["acquire", "begin", "work", "discard", "DeadlineExceededError"],
    ),
}


@pytest.mark.parametrize(
    ("name", "by_savepoint"),
    [
        pytest.param(name, protocol, id=f"{name} ({'savepoint' if protocol else 'plain'})")
        for name, (only, _, _) in CASES.items()
        for protocol in ((True, False) if only is None else (only,))
    ],
)
async def test_every_answer_at_every_step(name: str, by_savepoint: bool) -> None:
    _, answers, expected = CASES[name]
    assert await run(by_savepoint, answers) == expected


@pytest.mark.parametrize("by_savepoint", [True, False], ids=["savepoint", "plain"])
async def test_races_are_not_lost_beyond_the_deadline(by_savepoint: bool) -> None:
    done = await run(by_savepoint, {"work": [RACE]}, seconds=-1.0)
    assert done[-1] == DeadlineExceededError.__name__
    assert done[-2] in ("discard", "release")
    assert done.count("work") == 1


async def test_an_unreachable_database_is_unavailable_by_the_deadline() -> None:
    done = await run(False, {"acquire": [ConnectionRefusedError()]}, seconds=-1.0)
    assert done == ["acquire", UnavailableError.__name__]


@pytest.mark.parametrize("by_savepoint", [True, False], ids=["savepoint", "plain"])
async def test_what_the_work_raises_rolls_back_and_passes(by_savepoint: bool) -> None:
    script = Script(by_savepoint, {})

    async def work(session: ScriptedSession) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await retry_transaction(ScriptedSessions(script), work, RetryPolicy(time.monotonic() + 9))
    assert script.done == ["acquire", "begin", "rollback", "release"]


@pytest.mark.parametrize("by_savepoint", [True, False], ids=["savepoint", "plain"])
async def test_a_cancelled_transaction_gives_its_connection_up(by_savepoint: bool) -> None:
    script = Script(by_savepoint, {})
    reached = asyncio.Event()

    async def work(session: ScriptedSession) -> None:
        reached.set()
        await asyncio.Event().wait()

    retry_policy = RetryPolicy(time.monotonic() + 9)
    task = asyncio.create_task(retry_transaction(ScriptedSessions(script), work, retry_policy))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.done == ["acquire", "begin", "discard"]


async def test_a_cancelled_backoff_gives_the_held_connection_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 3600.0)
    monkeypatch.setattr(retry, "SHORTEST_BACKOFF", 3600.0)
    waits = asyncio.Event()

    def longest(low: float, high: float) -> float:
        waits.set()
        return high

    monkeypatch.setattr("random.uniform", longest)
    script = Script(True, {"work": deque([RACE])})
    retry_policy = RetryPolicy(time.monotonic() + 9999)
    task = asyncio.create_task(retry_transaction(ScriptedSessions(script), _work, retry_policy))
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert script.done == ["acquire", "begin", "work", "restart", "discard"]


async def test_tries_are_counted() -> None:
    script = Script(False, {"work": deque([RACE, RACE])})
    retry_policy = RetryPolicy(time.monotonic() + 9)
    await retry_transaction(ScriptedSessions(script), _work, retry_policy)
    assert retry_policy.tries == 3


async def test_backoff_is_bounded_by_a_doubling_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[float] = []
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 0.1)

    def shortest(low: float, high: float) -> float:
        bounds.append(high)
        return low

    monkeypatch.setattr("random.uniform", shortest)
    retry_policy = RetryPolicy(time.monotonic() + 9)
    for _ in range(5):
        await retry_policy.pause(failure_of(RACE, ConnectionPhase.STATEMENT))
    assert bounds == [0.02, 0.04, 0.08, 0.1, 0.1]
