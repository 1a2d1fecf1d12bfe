"""Opens a zip that a stranger made, without reading more of it than its limits allow.

Whatever looks into people's zips calls it: evidence to learn a file's type, rosters to read their
rows. Python's `zipfile` reads the whole list of entries into memory, as long as the zip says it is;
here what the zip says is measured first, at the places where `zipfile` reads it. Nothing is ever
unpacked to a disk, and no entry's name is used as a path.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO

from poutama.errors import PoutamaError

LONGEST_QUOTE = 100

_END_RECORD, _END = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LONGEST_COMMENT = 0xFFFF
_LOCATOR, _LOCATOR_MARK = struct.Struct("<4sLQL"), b"PK\x06\x07"
_END_RECORD_64, _END_64 = struct.Struct("<4sQ2H2L4Q"), b"PK\x06\x06"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    struct.error,
)


class ArchiveError(PoutamaError):
    """The file is not a zip that can be read."""

    code = "BAD_ARCHIVE"
    status = 422
    safe = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How long a zip's list of entries may be.

    Attributes:
        entries: how many there may be.
        directory_bytes: how long the list of them may be.
    """

    entries: int
    directory_bytes: int


class EntryReader:
    """The unpacked bytes of one entry."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Open it.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        self._name = info.filename
        with explain_damage(self._name):
            self._source: IO[bytes] = archive.open(info)

    def read(self, size: int) -> bytes:
        """Up to that many bytes; never more than the list of entries has announced.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        with explain_damage(self._name):
            return self._source.read(size)

    def seek(self, offset: int) -> None:
        """Go there; what lies between is unpacked, and dropped.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        with explain_damage(self._name):
            self._source.seek(offset)


def open_zip(source: BinaryIO, limits: ArchiveLimits) -> zipfile.ZipFile:
    """Read the list of entries, if it is within the limits.

    Raises:
        ArchiveError: it is not, or the file is not a zip, or is damaged.
    """
    count, length = _measure_directory(source)
    if count > limits.entries or length > limits.directory_bytes:
        raise ArchiveError(
            f"The zip lists {count:,} entries in {length:,} bytes; the most are"
            f" {limits.entries:,} entries in {limits.directory_bytes:,} bytes."
        )
    with explain_damage("its list of files"):
        source.seek(0)
        return zipfile.ZipFile(source)


@contextmanager
def explain_damage(name: str) -> Iterator[None]:
    """Turn what `zipfile` raises at damaged bytes into an error that names the place.

    Raises:
        ArchiveError: instead.
    """
    try:
        yield
    except _DAMAGED as error:
        raise ArchiveError(f"The zip is damaged at {name}: {quote(str(error))}.") from error


def quote(text: str) -> str:
    """The text as a message shows it: escaped, and not too long."""
    shown = text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 3]}..."
    return repr(shown)


def _measure_directory(source: BinaryIO) -> tuple[int, int]:
    """How many entries the zip says it has, and how many bytes their list."""
    size = source.seek(0, 2)
    start = max(0, size - _END_RECORD.size - _LONGEST_COMMENT)
    source.seek(start)
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_RECORD.size:
        raise ArchiveError("The file is not a zip, or only a part of one.")
    _, _, _, _, count, length, _, _ = _END_RECORD.unpack_from(tail, at)
    locator = start + at - _LOCATOR.size
    source.seek(max(0, locator))
    found = source.read(_LOCATOR.size) if locator >= 0 else b""
    if found.startswith(_LOCATOR_MARK):
        _, _, where, _ = _LOCATOR.unpack(found)
        count, length = _measure_directory_64(source, locator - _END_RECORD_64.size, where)
    return count, length


def _measure_directory_64(source: BinaryIO, at: int, where: int) -> tuple[int, int]:
    """As above, of a zip with counts of 64 bits; that record stands right before its locator.

    Some versions of `zipfile` read it there, others where the locator points: two places would be
    two answers.
    """
    record = b""
    if at >= 0 and at == where:
        source.seek(at)
        record = source.read(_END_RECORD_64.size)
    if len(record) < _END_RECORD_64.size or not record.startswith(_END_64):
        raise ArchiveError("The zip is damaged: its list of files cannot be found.")
    _, _, _, _, _, _, _, count, length, _ = _END_RECORD_64.unpack(record)
    return count, length
