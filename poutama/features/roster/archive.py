"""Opens the zip of a roster, or says why not; nothing is ever written to disk by its names.

`roster.opening` calls it. What a zip says of itself is taken as a claim: its list of entries is
measured before it is read, and no more of an entry is unpacked than the list has declared.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
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

MOST_ENTRIES = 200
MOST_BYTES = 1 << 30
"""Of all entries together, unpacked."""
HIGHEST_RATIO = 200
RATIO_COUNTS_FROM = 256 << 20
"""Unpacked bytes below which no ratio is a danger: a column of equal values packs very well."""
LONGEST_DIRECTORY = 1 << 18

_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 0xFFFF
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END_64, _END_64_SIZE = b"PK\x06\x06", 56
# What a Mac adds to every zip, and folders' own entries.
_LITTER = ("__MACOSX/", ".DS_Store")
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ArchiveError(PoutamaError):
    """The file is no zip that a roster can be read from."""

    code = "BAD_ARCHIVE"
    status = 422
    safe = True


@dataclass(frozen=True, slots=True)
class Archive:
    """An open zip, and its entries by name in lower case."""

    file: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]

    def open_entry(self, name: str) -> Entry:
        """The entry's bytes, from the beginning; `name` is in lower case.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        with _explained(name):
            return Entry(name, self.file.open(self.entries[name]))


class Entry:
    """The unpacked bytes of one entry; whatever is damaged is an `ArchiveError`."""

    def __init__(self, name: str, source: IO[bytes]) -> None:
        self._name = name
        self._source = source

    def read(self, size: int) -> bytes:
        with _explained(self._name):
            return self._source.read(size)

    def seek(self, offset: int) -> None:
        """Go there, unpacking whatever lies between."""
        with _explained(self._name):
            self._source.seek(offset)


def open_archive(source: BinaryIO) -> Archive:
    """Open the zip if all of it can be trusted to be what it says.

    Raises:
        ArchiveError: it is none, is damaged or encrypted, would unpack to too much, has names
            that lead elsewhere or twice to the same place, or has its files in a folder.
    """
    _check_directory(source)
    with _explained("the zip"):
        source.seek(0)
        file = zipfile.ZipFile(source)
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in file.infolist():
        if info.filename.startswith(_LITTER) or info.filename.endswith("/.DS_Store"):
            continue
        _check_name(info)
        name = info.filename.lower()
        if name in entries:
            raise ArchiveError(f"The zip has {_quote(info.filename)} twice.")
        entries[name] = info
    _check_sizes(file.infolist())
    return Archive(file, entries)


def _check_directory(source: BinaryIO) -> None:
    """Refuse a list of entries that would not fit into memory, before `zipfile` reads it."""
    source.seek(0, 2)
    size = source.tell()
    start = max(0, size - _END_SIZE - _LONGEST_COMMENT)
    source.seek(start)
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise ArchiveError("The file is not a zip, or only a part of one.")
    count, length = struct.unpack_from("<HL", tail, at + 10)
    source.seek(max(0, start + at - _LOCATOR_SIZE))
    locator = source.read(_LOCATOR_SIZE)
    if locator.startswith(_LOCATOR):
        (where,) = struct.unpack_from("<Q", locator, 8)
        source.seek(min(where, size))
        end = source.read(_END_64_SIZE)
        if len(end) < _END_64_SIZE or not end.startswith(_END_64):
            raise ArchiveError("The zip is damaged: its list of files cannot be found.")
        count, length = struct.unpack_from("<QQ", end, 32)
    if count > MOST_ENTRIES or length > LONGEST_DIRECTORY:
        raise ArchiveError(f"The zip has {count:,} entries; a roster has {MOST_ENTRIES} at most.")


def _check_name(info: zipfile.ZipInfo) -> None:
    # `filename` has been tidied; what stands in the file is `orig_filename`.
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in name or "\0" in name:
        raise ArchiveError(f"The zip has an entry whose name leads elsewhere: {_quote(name)}.")
    if len(parts) > 1:
        raise ArchiveError(
            f"The zip has its files in a folder, as {_quote(name)}: put them at the top."
        )
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{_quote(name)} is encrypted: upload it without a password.")
    if info.compress_type not in _METHODS:
        raise ArchiveError(f"{_quote(name)} is packed in a way other than stored or deflated.")


def _check_sizes(infos: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if unpacked > MOST_BYTES:
        raise ArchiveError(
            f"The zip would unpack to {unpacked:,} bytes; the most is {MOST_BYTES:,}."
        )
    if unpacked > RATIO_COUNTS_FROM and unpacked > packed * HIGHEST_RATIO:
        raise ArchiveError(
            f"The zip would unpack to more than {HIGHEST_RATIO} times its size, {unpacked:,} bytes."
        )


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
        UnicodeDecodeError,
        ValueError,
        struct.error,
    ) as error:
        raise ArchiveError(f"The zip is damaged at {name}: {_quote(str(error))}.") from error


def _quote(text: str) -> str:
    shown = text if len(text) <= 100 else f"{text[:97]}..."
    return repr(shown)
