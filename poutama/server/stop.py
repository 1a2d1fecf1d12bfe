"""Ctrl-C and SIGTERM, in whatever phase they come.

`with StopRequest() as stop:` surrounds everything `poutama up` does. Before there is a server, a
signal raises `Stopped`, which unwinds what was started so far; a server is made to finish
its requests; a second signal makes it drop them. What is being stopped is never interrupted, so
nothing is left behind however often a person presses Ctrl-C.
"""

from __future__ import annotations

import os
import signal
from threading import Timer
from types import FrameType, TracebackType
from typing import Protocol, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_SECONDS = 0.05
"""After which a signal comes again that came while an event loop was made."""


class Stopped(KeyboardInterrupt):
    """A signal asked to stop before there was a server to stop.

    A KeyboardInterrupt, because that is what asyncio lets through from wherever it is raised.
    """


class Stoppable(Protocol):
    """A server that looks at these; uvicorn's does."""

    should_exit: bool
    force_exit: bool


class StopRequest:
    """Whether a signal asked to stop; a context manager that handles the signals meanwhile."""

    def __init__(self) -> None:
        self.requested = False
        self.error: Exception | None = None
        """What `fail` was called with first."""
        self._server: Stoppable | None = None
        self._stopping = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # `nohup` means that a closed terminal does not stop it.
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # Asked to stop, the process is about to end: one more Ctrl-C must not spoil that.
            signal.signal(number, signal.SIG_IGN if self.requested else handler)  # type: ignore[arg-type]

    def watch(self, server: Stoppable) -> None:
        """From here on a signal tells this server, and interrupts nothing."""
        self._server = server
        server.should_exit = self.requested or self.error is not None

    def fail(self, error: Exception) -> None:
        """Have the server stop as a signal would, because of an error that its caller raises."""
        self.error = self.error or error
        if self._server is not None:
            self._server.should_exit = True

    def begin_stopping(self) -> None:
        """From here on signals change nothing: everything is being stopped already."""
        self._stopping = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first, self.requested = not self.requested, True
        if self._server is not None:
            self._server.force_exit = not first
            self._server.should_exit = True
        elif first and not self._stopping:
            if _is_in_a_loops_making(frame):
                # What is half made could not be closed, and would say so.
                self.requested = False
                again = Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
                again.daemon = True
                again.start()
                return
            raise Stopped


def _is_in_a_loops_making(frame: FrameType | None) -> bool:
    """Whether asyncio is just making an event loop, or closing one."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith("asyncio.") and frame.f_code.co_name in ("new_event_loop", "close"):
            return True
        frame = frame.f_back
    return False
