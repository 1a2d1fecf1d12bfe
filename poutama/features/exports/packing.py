"""The zip: everything of an export in one file, written piece by piece to the disk.

`steps` calls it in threads. Memory holds one piece at a time. The same pieces give the same bytes:
times are that of the wish, permissions and order are fixed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_CHUNK = 1 << 20
_FILE = 0o100644 << 16
_UNIX = 3
_LEVEL = 6
# What is packed already; packing it again takes time and saves nothing.
_PACKED = frozenset(
    (
        *("aac", "avif", "docx", "gif", "heic", "jpg", "m4a", "mov", "mp3", "mp4", "odp", "ods"),
        *("odt", "ogg", "pdf", "png", "pptx", "webm", "webp", "xlsx", "zip"),
    )
)


class JourneyZip:
    """A zip being written. As a context it is complete at the end of the block, if that went well.

    A thread that still writes to it after the block failed gets an error, and ends.
    """

    def __init__(self, path: Path, moment: datetime) -> None:
        """Begin one at `path`; its files bear the moment, as it is shown where they are read."""
        self._file = path.open("wb")
        self._zip = ZipFile(self._file, "w", compresslevel=_LEVEL)
        # Two seconds are as fine as a zip has it, and 1980 is as early.
        self._time = (max(1980, moment.year), *moment.timetuple()[1:6])

    def add_text(self, name: str, pieces: Iterable[str]) -> None:
        """Add a text file, UTF-8, whose pieces are made as they are written."""
        with self._zip.open(self._describe(name, ZIP_DEFLATED), "w") as target:
            for piece in pieces:
                target.write(piece.encode())

    def add_file(self, name: str, path: Path) -> None:
        """Add the content of a file."""
        packed = name.rpartition(".")[2] in _PACKED
        info = self._describe(name, ZIP_STORED if packed else ZIP_DEFLATED)
        info.file_size = path.stat().st_size
        with path.open("rb") as source, self._zip.open(info, "w") as target:
            shutil.copyfileobj(source, target, _CHUNK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._zip.close()
        else:
            # Without a file it has nothing to complete, now or when it is collected.
            self._zip.fp = None
        self._file.close()

    def _describe(self, name: str, compression: int) -> ZipInfo:
        info = ZipInfo(name, self._time)
        info.compress_type = compression
        info.external_attr = _FILE
        info.create_system = _UNIX
        return info
