"""The deadline of the statement under way: one timer per connection, moved only when it fires.

A statement takes a millisecond, and its deadline is half a minute away. A timer per statement would
be set and cancelled thousands of times for one that fires; this one stays where it was set, and
when it fires it looks at the deadline of the current statement. Every `PooledConnection` has one.
It never runs a statement and never retries.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType


class DeadlineTimer:
    """Interrupts the `with` block of one task at a time, as `asyncio.timeout_at` does.

    Deadlines are absolute `time.monotonic()` in seconds.
    """

    __slots__ = ("_cancelling", "_deadline", "_fired", "_fires_at", "_task", "_timer")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._fires_at = 0.0
        self._cancelling = 0
        self._fired = False

    def set(self, deadline: float) -> DeadlineTimer:
        """Interrupt the `with` block that follows at `deadline`.

        Raises:
            TimeoutError: it is past; or, from the block, it has come.
        """
        if deadline <= time.monotonic():
            raise TimeoutError
        self._deadline = deadline
        return self

    def cancel(self) -> None:
        """Take the timer away, for good or until it is set again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "only a task can be interrupted"
        self._task = task
        self._cancelling = task.cancelling()
        if self._timer is None or self._fires_at > self._deadline:
            self._arm()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._fired:
            return
        self._fired = False
        assert task is not None
        # The task may have been cancelled for another reason as well: then it has to end.
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _arm(self) -> None:
        self.cancel()
        self._fires_at = self._deadline
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, self._deadline - time.monotonic()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if time.monotonic() < self._deadline:
            self._arm()
        else:
            self._fired = True
            self._task.cancel()
