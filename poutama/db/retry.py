"""The retry algorithm for transactions, behind a small protocol, and its waits between tries.

`poutama.db.transaction` runs it over real connections, the tests over scripted ones. Two retry
protocols: on CockroachDB a transaction that lost a race goes back to its savepoint and keeps its
place in line; on PostgreSQL only a new transaction helps. It never repeats what may have
happened, and never waits past the deadline.

The savepoint protocol: https://www.cockroachlabs.com/docs/stable/advanced-client-side-transaction-retries
Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from poutama.db.sqlstate import RETRIED, Failure, FailureKind, public_error

SHORTEST_BACKOFF = 0.01
LONGEST_BACKOFF = 1.0

T = TypeVar("T")


class Session(Protocol):
    """What the algorithm needs of a connection. Every method raises `Failure`."""

    @property
    def restarts_by_savepoint(self) -> bool: ...
    async def begin(self) -> None: ...
    async def commit(self) -> None: ...
    async def restart(self) -> None: ...
    async def rollback(self) -> None: ...
    def clear_statements(self) -> None: ...


S = TypeVar("S", bound=Session)


class Sessions(Protocol[S]):
    """Where the algorithm gets connections from."""

    async def acquire(self) -> S: ...
    def release(self, session: S) -> None: ...
    def discard(self, session: S) -> None: ...


class RetryPolicy:
    """Counts the tries of one piece of work and waits between them, up to its deadline."""

    __slots__ = ("deadline", "tries")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.tries = 1

    async def pause(self, failure: Failure) -> None:
        """Wait before the next try, a random time that doubles its bound with every try.

        Raises:
            PoutamaError: the failure itself, as callers see it: it must not be retried, or the
                deadline would pass first.
        """
        if failure.outcome not in RETRIED or not await self.should_retry():
            raise public_error(failure) from failure.__cause__

    async def should_retry(self) -> bool:
        """Wait as `pause` does; return False, without waiting, if the deadline would pass first."""
        bound = min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2.0 ** min(self.tries, 16))
        seconds = random.uniform(0.0, bound)  # noqa: S311
        if time.monotonic() + seconds >= self.deadline:
            return False
        await asyncio.sleep(seconds)
        self.tries += 1
        return True


async def retry_transaction(
    sessions: Sessions[S], work: Callable[[S], Awaitable[T]], retry_policy: RetryPolicy
) -> T:
    """Run `work` between begin and commit until it has happened exactly once, or not at all.

    Raises:
        AmbiguousCommit: the connection was lost, or the time was up, while committing.
        DeadlineExceededError: races were lost, or the work took, until the deadline.
        UnavailableError: the database could not be reached until the deadline.
        DatabaseError: the database refused a statement for good.
    """
    session: S | None = None
    try:
        while True:
            try:
                if session is None:
                    session = await sessions.acquire()
                    await session.begin()
                result = await work(session)
                await session.commit()
            except Failure as failure:
                if session is not None:
                    held, session = session, None
                    session = await _recover(sessions, held, failure)
                await retry_policy.pause(failure)
            else:
                sessions.release(session)
                session = None
                return result
    except Exception:
        if session is not None:
            held, session = session, None
            await _abandon(sessions, held)
        raise
    finally:
        if session is not None:  # cancelled: what was under way is not to be waited for
            sessions.discard(session)


async def _recover(sessions: Sessions[S], session: S, failure: Failure) -> S | None:
    """Return the session ready for another try, or None if a new one is needed."""
    if failure.outcome is FailureKind.RESTART and session.restarts_by_savepoint:
        try:
            await session.restart()
        except BaseException as error:
            sessions.discard(session)
            if isinstance(error, Failure):
                return None
            raise
        return session
    if failure.outcome in (FailureKind.RESTART, FailureKind.REPREPARE, FailureKind.REFUSED):
        if failure.outcome is FailureKind.REPREPARE:
            session.clear_statements()
        await _abandon(sessions, session)
    else:
        sessions.discard(session)
    return None


async def _abandon(sessions: Sessions[S], session: S) -> None:
    """Roll back and release the session; discard it if the rollback fails."""
    try:
        await session.rollback()
    except BaseException as error:
        sessions.discard(session)
        if not isinstance(error, Failure):
            raise
    else:
        sessions.release(session)
