"""The database for a command: the configured one, or the embedded one while the command runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from poutama.configuration import open_home, read_settings
from poutama.progress import notice
from poutama.server.stop import Stopped, StopRequest

if TYPE_CHECKING:
    from poutama.laptop.database import LocalDatabase
    from poutama.settings import Settings

INTERRUPTED = 130
"""The exit code of a command that a signal stopped."""
WAITING = "waiting for the database, for 30 s at most"


@contextmanager
def open_command_database(
    waiting: str = WAITING, *, shows_steps: bool = False
) -> Iterator[tuple[Settings, LocalDatabase]]:
    """The database, run for the moment where no process runs it; stopped on a signal as well.

    `waiting` is printed on standard error when that and the block take more than two seconds; of a
    block that shows steps itself, when that alone does.
    """
    # heavy: the process library
    from poutama.laptop.database import borrow_database

    settings = read_settings()
    try:
        with (
            StopRequest(),
            notice(waiting) as call_off,
            borrow_database(settings, open_home(settings)) as database,
        ):
            if shows_steps:
                call_off()
            yield settings, database
    except Stopped:
        sys.exit(INTERRUPTED)
