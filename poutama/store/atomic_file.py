"""A file that is there whole or not at all.

Used wherever the stores write: what arrives goes into a temporary file, and takes its place in one
step once it is complete. A reader of the old file goes on reading it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

TRIES = 5


class WholeFile:
    """A file on its way. As a context it is kept at the end, or dropped where that is an error."""

    def __init__(self, path: Path, *, beside: Path | None = None) -> None:
        """Begin one.

        Args:
            path: where it is to be; folders that are missing are made when it is kept.
            beside: the folder it is written in, on the same disk; None for that of `path`.
        """
        self._path = path
        handle, name = tempfile.mkstemp(dir=beside or path.parent, prefix=".", suffix=".part")
        self._temporary = Path(name)
        self._file = os.fdopen(handle, "wb")

    def write(self, content: bytes) -> None:
        """Add to it."""
        self._file.write(content)

    def keep(self) -> None:
        """Put it in its place, on the disk for good."""
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        for attempt in range(TRIES):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._temporary.replace(self._path)
                break
            except FileNotFoundError:
                # Another process has just removed the folder, which was empty.
                if attempt == TRIES - 1:
                    raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self) -> None:
        """Leave nothing of it."""
        self._file.close()
        with suppress(FileNotFoundError):
            self._temporary.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self.keep()
        finally:
            self.drop()
