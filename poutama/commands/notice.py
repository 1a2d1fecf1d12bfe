"""A line on standard error while a command is silent for longer than a person waits gladly.

Used by commands that wait for something and print only at the end. Never writes to standard output,
which other programs read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

SILENT_SECONDS = 2.0


@contextmanager
def notice(text: str, seconds: float = SILENT_SECONDS) -> Iterator[Callable[[], None]]:
    """Print `text` to standard error once the block has run for so many seconds.

    Yields what calls it off: for a command that prints something itself.
    """
    timer = Timer(seconds, lambda: print(f"poutama: {text}", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()
