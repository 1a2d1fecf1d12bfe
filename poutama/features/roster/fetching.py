"""The uploaded zip on this machine, for as long as this process works at it.

`roster.steps` calls it. Nothing is left behind, not even by a process that is killed: the file has
no name once it is open.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from poutama.errors import NotFoundError
from poutama.features.roster.archive import Archive, open_archive
from poutama.features.roster.csv_reader import FileReader
from poutama.features.roster.references import References, read_references
from poutama.jobs.job import JobFailedError
from poutama.store.objects import ObjectStore
from poutama.zip_archive import ArchiveError

NOT_UPLOADED = "File not found: upload it first, with the form of the import."
OTHER_CONTENT = "What was uploaded is not the file that was announced: its SHA-256 differs."


@dataclass(slots=True)
class OpenRoster:
    """A zip that is open, the file of it that was read last, and what its rows refer to."""

    file: BinaryIO
    archive: Archive
    readers: dict[str, FileReader] = field(default_factory=dict)
    _references: References | None = None

    def reader(self, file: str) -> FileReader:
        """The reader of that file, where it was; only one is kept."""
        if file not in self.readers:
            self.readers = {file: FileReader(self.archive, file)}
        return self.readers[file]

    @property
    def references(self) -> References:
        """What rows refer to, read once.

        Raises:
            ArchiveError: the zip is damaged there.
        """
        if self._references is None:
            self._references = read_references(self.archive)
        return self._references

    def close(self) -> None:
        self.archive.file.close()
        self.file.close()


# The latest one, while no step works at it: it saves fetching the file for each step.
_idle: dict[str, OpenRoster] = {}


@asynccontextmanager
async def borrow_roster(store: ObjectStore, key: str, digest: str) -> AsyncIterator[OpenRoster]:
    """The zip at that key, for this step alone; fetched unless the last step had the same.

    Raises:
        JobFailedError: it was not uploaded, is another file, or cannot be opened or read.
        UnavailableError: the store cannot be reached.
    """
    roster = _idle.pop(key, None)
    try:
        if roster is None:
            close_cached_rosters()
            roster = await _open_roster(store, key, digest)
        yield roster
    except BaseException as error:
        if roster is not None:
            roster.close()
        if isinstance(error, ArchiveError):
            raise JobFailedError(error.message) from error
        raise
    _idle[key] = roster


def close_cached_rosters() -> None:
    """Drop the zip that is kept, if there is one; its job has read it."""
    while _idle:
        _idle.popitem()[1].close()


async def _open_roster(store: ObjectStore, key: str, digest: str) -> OpenRoster:
    file = await _fetch(store, key)
    try:
        if await asyncio.to_thread(_hash, file) != digest:
            raise JobFailedError(OTHER_CONTENT)
        return OpenRoster(file, open_archive(file))
    except BaseException:
        file.close()
        raise


async def _fetch(store: ObjectStore, key: str) -> BinaryIO:
    with tempfile.TemporaryDirectory(prefix="poutama-roster-") as folder:
        path = Path(folder) / "roster.zip"
        try:
            await store.download(key, path)
        except NotFoundError as error:
            raise JobFailedError(NOT_UPLOADED) from error
        # Open, it stays readable when the folder goes.
        return await asyncio.to_thread(path.open, "rb")


def _hash(file: BinaryIO) -> str:
    file.seek(0)
    found = sha256()
    while chunk := file.read(1 << 20):
        found.update(chunk)
    return found.hexdigest()
