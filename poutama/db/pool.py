"""A bounded set of links to one cluster, the most recently used first.

`poutama.db.connection` and `poutama.db.transaction` take a link, use it and give it back. Nothing
is sent when a link changes hands: sessions carry no state between users, which `Link.examine`
checks. A burst waits its turn, each for as long as its own deadline allows; nobody is refused
because of the number of others. Never runs a statement itself, save the question whether a link
that was idle for long still lives.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from poutama.db.link import Condition, Link
from poutama.db.sqlstate import Failure, Outcome
from poutama.errors import UnavailableError

Opener = Callable[[float], Awaitable[Link]]


class Pool:
    """At most `size` links, counting those that are being opened or stopped."""

    def __init__(self, open_link: Opener, *, size: int, idle_seconds: float) -> None:
        self._open_link = open_link
        self._size = max(1, size)
        self._idle_seconds = idle_seconds
        self._idle: list[Link] = []
        self._count = 0
        self._waiters: deque[asyncio.Future[Link | None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def open_links(self) -> int:
        """How many links there are: idle, in use, being opened or stopped."""
        return self._count

    @property
    def idle_links(self) -> int:
        return len(self._idle)

    def take(self) -> Link | None:
        """The link used last, if it needs no more than a look; else `acquire` must be awaited."""
        while self._idle:
            link = self._idle[-1]
            condition = link.examine(self._idle_seconds)
            if condition is Condition.DOUBTFUL:
                return None
            self._idle.pop()
            if condition is Condition.GOOD:
                return link
            self.discard(link)
        return None

    async def acquire(self, deadline: float) -> Link:
        """Take a link, open one, or wait for one.

        Raises:
            Failure: none could be opened: RECONNECT, EXPIRED or MISCONFIGURED.
            UnavailableError: all links were in use until the deadline, or the pool is closed.
        """
        while True:
            if self._closed:
                raise UnavailableError("The database connections are closed.")
            if time.monotonic() >= deadline:
                raise Failure(Outcome.EXPIRED)
            link = self.take()
            if link is not None:
                return link
            if self._idle:
                link = self._idle.pop()
                if await self._answers(link, deadline):
                    return link
            elif self._count < self._size:
                self._count += 1
                return await self._open(deadline)
            else:
                link = await self._wait(deadline)
                return link if link is not None else await self._open(deadline)

    def release(self, link: Link) -> None:
        """Give a link back, idle and outside any transaction; a spent one is closed."""
        if self._closed or not link.rest():
            self.discard(link)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(link)
                return
        self._idle.append(link)
        if self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._idle_seconds, self._close_spent)

    def discard(self, link: Link) -> None:
        """Close a link in the background.

        One that was idle frees its place now: it may be long dead, and a farewell over TLS would
        wait for the answer. One with a statement under way keeps its place until the server has
        been told to stop, so that a burst of deadlines does not double the server's load.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the process is on its way out
            link.terminate()
            self._free()
            return
        busy = link.broken and not link.closed
        task = loop.create_task(self._close(link, frees=busy))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        if not busy:
            self._free()

    async def close(self) -> None:
        """Close every idle link now and every other when it comes back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        while self._idle:
            self.discard(self._idle.pop())
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(UnavailableError("The database connections are closed."))
        while self._closing:
            await asyncio.wait(self._closing)

    async def _open(self, deadline: float) -> Link:
        try:
            return await self._open_link(deadline)
        except BaseException:
            self._free()
            raise

    async def _answers(self, link: Link, deadline: float) -> bool:
        alive = False
        try:
            alive = await link.ping(deadline)
        finally:
            if not alive:
                self.discard(link)
        return alive

    async def _wait(self, deadline: float) -> Link | None:
        """Wait for a link, or for None: the place of one, to open it."""
        waiter: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await waiter
        except BaseException as error:
            waiter.cancel()
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())  # given in the very moment we turned away
            if isinstance(error, TimeoutError):
                message = "All database connections were in use; try again."
                raise UnavailableError(message) from error
            raise

    def _pass_on(self, link: Link | None) -> None:
        if link is None:
            self._free()
        else:
            self.release(link)

    def _free(self) -> None:
        """One link fewer: somebody who waits may open another."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._count -= 1

    async def _close(self, link: Link, *, frees: bool) -> None:
        try:
            await link.close()
        finally:
            if frees:
                self._free()

    def _close_spent(self) -> None:
        """Close what nobody has used for long, before something on the way drops it unasked."""
        self._sweep = None
        kept = []
        for link in self._idle:
            if link.examine(self._idle_seconds) is Condition.SPENT:
                self.discard(link)
            else:
                kept.append(link)
        self._idle = kept
        if kept:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._idle_seconds / 4, self._close_spent)
