"""The deadline of whoever waits for a server: one timer, moved only when it goes off.

A statement takes a millisecond, and its deadline is half a minute away. A timer for each would be
set and cancelled thousands of times for one that goes off; this one stays where it was set, and
when it goes off it looks at what is waited for by then. `poutama.db.link` has one a connection.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType


class Alarm:
    """Interrupts the `with` block of one task at a time, as `asyncio.timeout_at` does.

    Deadlines are absolute `time.monotonic()` in seconds.
    """

    __slots__ = ("_cancelling", "_deadline", "_goes_off_at", "_rang", "_task", "_timer")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._goes_off_at = 0.0
        self._cancelling = 0
        self._rang = False

    def set(self, deadline: float) -> Alarm:
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
        assert task is not None, "nobody but a task can be interrupted"
        self._task = task
        self._cancelling = task.cancelling()
        if self._timer is None or self._goes_off_at > self._deadline:
            self._wind()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        if not self._rang:
            return
        self._rang = False
        assert task is not None
        # Somebody else may have cancelled the task as well: then it has to end.
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _wind(self) -> None:
        self.cancel()
        self._goes_off_at = self._deadline
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, self._deadline - time.monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if time.monotonic() < self._deadline:
            self._wind()
        else:
            self._rang = True
            self._task.cancel()
