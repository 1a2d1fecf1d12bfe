"""One owner per data folder: the lock that a private database server holds while it runs.

Used by `db.embedded` and `db.cockroach`. The kernel releases it when its owner dies, however it
dies, so there is nothing to clean up.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from poutama.errors import ConfigurationError


def lock_folder(folder: Path) -> IO[str]:
    """Make the folder if it is missing and own it until the answer is closed.

    Raises:
        ConfigurationError: it cannot be made or written, or another process owns it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot be used as a data folder ({error.strerror}); choose another with"
            " POUTAMA_HOME"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise ConfigurationError(
            f"{folder}: in use by another Poutama on this machine; stop that one, or choose another"
            " folder with POUTAMA_HOME"
        ) from error
    return lock
