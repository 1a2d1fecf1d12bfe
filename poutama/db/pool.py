"""A bounded set of connections to one cluster, the most recently used first.

`poutama.db.connection` and `poutama.db.transaction` acquire a connection, use it and release it.
Acquiring sends nothing: sessions carry no state between users, which `PooledConnection.examine`
checks. In a burst, callers wait in order, each until its own deadline; none is refused because of
the number of others. The pool never runs a statement, except a ping on a connection that was idle
for long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from poutama.db.pooled_connection import ConnectionHealth, PooledConnection
from poutama.db.sqlstate import Failure, FailureKind
from poutama.errors import UnavailableError

Opener = Callable[[float], Awaitable[PooledConnection]]


class Pool:
    """At most `size` connections, counting those that are being opened or stopped."""

    def __init__(self, open_connection: Opener, *, size: int, idle_seconds: float) -> None:
        self._open_connection = open_connection
        self._size = max(1, size)
        self._idle_seconds = idle_seconds
        self._idle: list[PooledConnection] = []
        self._count = 0
        self._waiters: deque[asyncio.Future[PooledConnection | None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def open_connections(self) -> int:
        """How many connections there are: idle, in use, being opened or stopped."""
        return self._count

    @property
    def idle_connections(self) -> int:
        return len(self._idle)

    def take(self) -> PooledConnection | None:
        """Return the connection used last, or None if `acquire` must be awaited instead."""
        while self._idle:
            connection = self._idle[-1]
            health = connection.examine(self._idle_seconds)
            if health is ConnectionHealth.NEEDS_PING:
                return None
            self._idle.pop()
            if health is ConnectionHealth.USABLE:
                return connection
            self.discard(connection)
        return None

    async def acquire(self, deadline: float) -> PooledConnection:
        """Take a connection, open one, or wait for one.

        Raises:
            Failure: none could be opened: RECONNECT, EXPIRED or MISCONFIGURED.
            UnavailableError: all connections were in use until the deadline, or the pool is closed.
        """
        while True:
            if self._closed:
                raise UnavailableError("The database connections are closed.")
            if time.monotonic() >= deadline:
                raise Failure(FailureKind.EXPIRED)
            connection = self.take()
            if connection is not None:
                return connection
            if self._idle:
                connection = self._idle.pop()
                if await self._is_alive(connection, deadline):
                    return connection
            elif self._count < self._size:
                self._count += 1
                return await self._open(deadline)
            else:
                connection = await self._wait(deadline)
                return connection if connection is not None else await self._open(deadline)

    def release(self, connection: PooledConnection) -> None:
        """Return a connection, idle and outside any transaction; an expired one is closed."""
        if self._closed or not connection.rest():
            self.discard(connection)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)
        if self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._idle_seconds, self._close_expired)

    def discard(self, connection: PooledConnection) -> None:
        """Close a connection in the background.

        One that was idle frees its place now: it may be long dead, and closing TLS would wait for
        the peer. One with a statement under way keeps its place until the statement is cancelled
        on the server, so that a burst of deadlines does not double the server's load.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # the process is on its way out
            connection.terminate()
            self._free()
            return
        busy = connection.broken and not connection.closed
        task = loop.create_task(self._close(connection, frees=busy))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        if not busy:
            self._free()

    async def close(self) -> None:
        """Close every idle connection now and every other when it comes back."""
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

    async def _open(self, deadline: float) -> PooledConnection:
        try:
            return await self._open_connection(deadline)
        except BaseException:
            self._free()
            raise

    async def _is_alive(self, connection: PooledConnection, deadline: float) -> bool:
        alive = False
        try:
            alive = await connection.ping(deadline)
        finally:
            if not alive:
                self.discard(connection)
        return alive

    async def _wait(self, deadline: float) -> PooledConnection | None:
        """Wait for a connection, or for None: the place of one, to open it."""
        waiter: asyncio.Future[PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await waiter
        except BaseException as error:
            waiter.cancel()
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())  # assigned at the very moment of the timeout
            if isinstance(error, TimeoutError):
                message = "All database connections were in use until the deadline; try again."
                raise UnavailableError(message) from error
            raise

    def _pass_on(self, connection: PooledConnection | None) -> None:
        if connection is None:
            self._free()
        else:
            self.release(connection)

    def _free(self) -> None:
        """Count one connection fewer; the next waiter may open another."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._count -= 1

    async def _close(self, connection: PooledConnection, *, frees: bool) -> None:
        try:
            await connection.close()
        finally:
            if frees:
                self._free()

    def _close_expired(self) -> None:
        """Close connections that were idle for long, before a proxy or firewall drops them."""
        self._sweep = None
        kept = []
        for connection in self._idle:
            if connection.examine(self._idle_seconds) is ConnectionHealth.EXPIRED:
                self.discard(connection)
            else:
                kept.append(connection)
        self._idle = kept
        if kept:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(self._idle_seconds / 4, self._close_expired)
