"""One environment of a function: its event loop, its time, and the way back to a coroutine.

The three handlers use it. A function's environment answers one event after the other, is frozen in
between, and thawed or thrown away at will; the loop lives as long as it does, since connections
belong to a loop. Opens nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, Protocol, TypeVar

from poutama.errors import ConfigurationError, PoutamaError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Context(Protocol):
    """What the runtime tells of an invocation, as far as we ask.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def get_remaining_time_in_millis(self) -> int: ...


class Environment:
    """The event loop of this process."""

    def __init__(self, check: Callable[[], Awaitable[None]] | None = None) -> None:
        """Make the loop.

        Args:
            check: looks, before the first event is handled, whether events can be handled here.
        """
        self._loop = asyncio.new_event_loop()
        self._check = check

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; what it leaves in the background goes on next time.

        Raises:
            ConfigurationError: by `check`; nothing of `work` has been done, and the next event is
                checked again.
        """
        if self._check is not None:
            try:
                self._loop.run_until_complete(self._check())
                self._check = None
            except ConfigurationError as error:
                work.close()
                logger.error("%s", error.message)
                raise
            except PoutamaError:
                pass  # The database does not answer: `work` meets it, and knows what to do.
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """End the loop; a function never does, its environment is simply thrown away."""
        self._loop.close()


def find_deadline(context: Context, margin: float) -> float:
    """The absolute `time.monotonic()` that is `margin` seconds before the runtime's own end."""
    return monotonic() + context.get_remaining_time_in_millis() / 1000 - margin


def prepare_for_snapshots() -> None:
    """Have what environments made of one snapshot must not share be drawn anew in each.

    Jitter is what it is about: secrets and ids come from the system, which sees to it itself. The
    module is the runtime's own and stands in no package of ours; elsewhere there are no snapshots.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
    """
    try:
        # optional: the runtime's
        import snapshot_restore_py  # type: ignore[import-untyped]
    except ImportError:
        return
    register: Callable[[Callable[[], None]], object] = snapshot_restore_py.register_after_restore
    register(random.seed)
