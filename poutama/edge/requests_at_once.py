"""How many requests of one person a process runs at once; others of theirs wait their turn.

A budget bounds what a person asks for in a while. This bounds what they hold at one moment, so that
no one person has all of the database's connections. `edge.http` calls it. Knows of no other
process: each has connections of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from poutama.errors import RateLimitedError

WAIT_SECONDS = 5.0
"""How long a request waits for its turn at most."""
WAITING_FOR_EACH = 16
"""How many requests wait for each that may run: what waits is in memory, with its body."""


@dataclass(slots=True)
class _Queue:
    """The requests of one person, running and waiting."""

    turns: asyncio.Semaphore
    requests: int = field(default=0)


class RequestsAtOnce:
    """The requests of all people, as one process runs them."""

    def __init__(self, limit: int, wait_seconds: float = WAIT_SECONDS) -> None:
        """Count the requests of each person.

        Args:
            limit: most requests of one person that run at once; 0: as many as come.
            wait_seconds: how long others of theirs wait.
        """
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._queues: dict[UUID, _Queue] = {}

    @asynccontextmanager
    async def take_turn(self, person: UUID, deadline: float) -> AsyncIterator[None]:
        """Run the body as one of the person's requests, in the order in which they came.

        Raises:
            RateLimitedError: others of theirs ran until the deadline, or for `wait_seconds`, or so
                many wait already that this one is refused at once.
        """
        if self._limit == 0:
            yield
            return
        queue = self._queues.setdefault(person, _Queue(asyncio.Semaphore(self._limit)))
        if queue.requests >= self._limit * (1 + WAITING_FOR_EACH):
            raise self._refuse(queue)
        queue.requests += 1
        try:
            await self._wait(queue, deadline)
            try:
                yield
            finally:
                queue.turns.release()
        finally:
            queue.requests -= 1
            if not queue.requests:
                del self._queues[person]

    async def _wait(self, queue: _Queue, deadline: float) -> None:
        if not queue.turns.locked():
            await queue.turns.acquire()  # at once
            return
        seconds = min(self._wait_seconds, deadline - monotonic())
        try:
            async with asyncio.timeout(seconds):
                await queue.turns.acquire()
        except TimeoutError as error:
            raise self._refuse(queue) from error

    def _refuse(self, queue: _Queue) -> RateLimitedError:
        return RateLimitedError(
            f"{self._limit} requests of yours are running, which is as many as may at once;"
            " try again in 1 s.",
            limit="requestsAtOnce",
            value=queue.requests,
            allowed=self._limit,
            retryAfter=1,
        )
