"""Opens the zip of a roster, or says why not; nothing is ever written to disk by its names.

`roster.fetching` calls it. What a zip says of itself is a claim: `zip_archive` measures its list of
entries before it is read, and no more of an entry is unpacked than the list has announced.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import BinaryIO

from poutama.zip_archive import ArchiveError, ArchiveLimits, EntryReader, open_zip, quote

MAX_BYTES = 1 << 30
"""Of all entries together, unpacked."""
HIGHEST_RATIO = 200
RATIO_COUNTS_FROM = 256 << 20
"""Unpacked bytes below which no ratio is a danger: a column of equal values packs very well."""
LIMITS = ArchiveLimits(entries=200, directory_bytes=1 << 18)

# What a Mac adds to every zip, and folders' own entries.
_LITTER = ("__MACOSX/", ".DS_Store")
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Archive:
    """An open zip, and its entries by name in lower case."""

    file: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]

    def open_entry(self, name: str) -> EntryReader:
        """The entry's bytes, from the beginning; `name` is in lower case.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        return EntryReader(self.file, self.entries[name])


def open_archive(source: BinaryIO) -> Archive:
    """Open the zip if all of it can be trusted to be what it says.

    Raises:
        ArchiveError: it is none, is damaged or encrypted, would unpack to too much, has names
            that lead elsewhere or twice to the same place, or has its files in several folders.
    """
    file = open_zip(source, LIMITS)
    infos = [info for info in file.infolist() if not _is_litter(info)]
    folder = _find_folder(infos)
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_name(info, folder)
        name = _split_name(info)[-1].lower()
        if name in entries:
            raise ArchiveError(f"The zip has {quote(info.filename)} twice.")
        if name:
            entries[name] = info
    _check_sizes(file.infolist())
    return Archive(file, entries)


def _is_litter(info: zipfile.ZipInfo) -> bool:
    return info.filename.startswith(_LITTER) or info.filename.endswith("/.DS_Store")


def _split_name(info: zipfile.ZipInfo) -> list[str]:
    """The folders and the name; that of a folder's own entry is empty."""
    # `filename` has been tidied; what stands in the file is `orig_filename`.
    return info.orig_filename.replace("\\", "/").split("/")


def _find_folder(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The folder in which all files are, as systems make it that zip a folder; empty without."""
    found = {tuple(_split_name(info)[:-1]) for info in infos if _split_name(info)[-1]}
    return list(found.pop()) if len(found) == 1 else []


def _check_name(info: zipfile.ZipInfo, folder: list[str]) -> None:
    name = info.orig_filename
    *folders, last = parts = _split_name(info)
    if ".." in parts or parts[0] == "" or ":" in name or "\0" in name:
        raise ArchiveError(f"The zip has an entry whose name leads elsewhere: {quote(name)}.")
    if last and (folders != folder or len(folder) > 1):
        raise ArchiveError(
            f"The zip has its files in folders, as {quote(name)}: put them all at the top, or in"
            " one folder."
        )
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{quote(name)} is encrypted: upload it without a password.")
    if info.compress_type not in _METHODS:
        raise ArchiveError(f"{quote(name)} is packed in a way other than stored or deflated.")


def _check_sizes(infos: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if unpacked > MAX_BYTES:
        raise ArchiveError(
            f"The zip would unpack to {unpacked:,} bytes; the most is {MAX_BYTES:,}."
        )
    if unpacked > RATIO_COUNTS_FROM and unpacked > packed * HIGHEST_RATIO:
        raise ArchiveError(
            f"The zip would unpack to more than {HIGHEST_RATIO} times its size, {unpacked:,} bytes."
        )
