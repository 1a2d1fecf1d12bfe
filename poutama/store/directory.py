"""Objects in a folder: the store of a laptop and of tests.

An object is one file: its content, then a line of JSON that says what it is, then where that
begins; one rename puts both in place. The addresses it signs are served by `server.files`. Its
folder is the store's alone; several processes may use it at once.

    objects/<key>@      "@" is in no key, so that no file is in the way of a folder
    incoming/           what is being written
    secret              what signs forms and addresses
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256 as new_sha256
from io import BytesIO
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import BinaryIO
from uuid import UUID

from poutama.errors import NotFoundError, UnavailableError
from poutama.store.atomic_file import WholeFile
from poutama.store.object_keys import InvalidKeyError, check_key, content_disposition
from poutama.store.objects import ObjectInfo, UploadForm
from poutama.store.signed_urls import DownloadGrant, UploadGrant, UrlSigner

PATH = "/files"
CHUNK = 1 << 20
PAGE = 500

_MARK = "@"
_TRAILER = Struct(">Q8s")
_MAGIC = b"poutama1"
_ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object being read; stays as it was when opened, whatever is put there since.

    Attributes:
        info: what it is.
        sha256: of its content, in hexadecimal digits.
        file: positioned at its beginning; what lies beyond `info.size` is not its content.
    """

    info: ObjectInfo
    sha256: str
    file: BinaryIO


class IncomingObject:
    """An object being written; invisible until it is kept. Blocks: call it in a thread."""

    def __init__(self, path: Path, incoming: Path, media_type: str) -> None:
        self._file = WholeFile(path, beside=incoming)
        self._media_type = media_type
        self._hash = new_sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, content: bytes) -> None:
        """Add to it."""
        self._file.write(content)
        self._hash.update(content)
        self.size += len(content)

    def keep(self) -> None:
        """Put it in its place."""
        trailer = {"type": self._media_type, "sha256": self.sha256}
        self._file.write(b"\n" + json.dumps(trailer).encode() + _TRAILER.pack(self.size, _MAGIC))
        self._file.keep()

    def drop(self) -> None:
        """Leave nothing of it, unless it was kept."""
        self._file.drop()


class DirectoryStore:
    """An `ObjectStore`; see `store.objects` for what each method promises."""

    def __init__(
        self,
        folder: Path,
        secret: bytes,
        base_url: str = "",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a store, and clear away what others had begun to write and left.

        Args:
            folder: its own, made if it is missing.
            secret: signs forms and addresses; the same for all who use the folder.
            base_url: of the server that has `server.files`, without a slash at the end.
            clock: seconds since 1970.
        """
        self.base_url = base_url
        """May be set later: a server learns its port when it starts."""
        self.url_signer = UrlSigner(secret, clock)
        self._objects = folder / "objects"
        self._incoming = folder / "incoming"
        for each in (self._objects, self._incoming):
            each.mkdir(parents=True, exist_ok=True)
        self._clear_abandoned()

    def sign_upload(
        self, key: str, *, media_type: str, size: int, sha256: str, seconds: int
    ) -> UploadForm:
        grant = UploadGrant(check_key(key), media_type, size, sha256)
        return UploadForm(self.base_url + PATH, self.url_signer.sign_upload(grant, seconds))

    def sign_download(
        self,
        key: str,
        *,
        person: UUID,
        name: str,
        media_type: str,
        seconds: int,
        inline: bool = False,
    ) -> str:
        disposition = content_disposition(name, inline=inline)
        grant = DownloadGrant(check_key(key), media_type, disposition, person)
        return f"{self.base_url}{PATH}/{key}?{self.url_signer.sign_download(grant, seconds)}"

    async def describe(self, key: str) -> ObjectInfo | None:
        def describe() -> ObjectInfo | None:
            try:
                with self.open_object(key) as found:
                    return found.info
            except NotFoundError:
                return None

        return await asyncio.to_thread(describe)

    async def read(self, key: str, *, start: int = 0, length: int) -> bytes:
        def read() -> bytes:
            with self.open_object(key) as found:
                found.file.seek(start)
                return found.file.read(max(0, min(length, found.info.size - start)))

        return await asyncio.to_thread(read)

    async def download(self, key: str, path: Path) -> None:
        def download() -> None:
            with self.open_object(key) as found, WholeFile(path) as target:
                for chunk in read_chunks(found.file, found.info.size):
                    target.write(chunk)

        await asyncio.to_thread(download)

    async def put(self, key: str, content: bytes | Path, *, media_type: str) -> None:
        check_key(key)

        def put() -> None:
            source = BytesIO(content) if isinstance(content, bytes) else content.open("rb")
            with source, _reaching():
                incoming = self.begin_object(key, media_type)
                try:
                    while chunk := source.read(CHUNK):
                        incoming.write(chunk)
                    incoming.keep()
                finally:
                    incoming.drop()

        await asyncio.to_thread(put)

    async def delete(self, keys: Iterable[str]) -> None:
        def delete() -> None:
            with _reaching():
                for path in paths:
                    path.unlink(missing_ok=True)
                    self._remove_empty(path.parent)

        paths = [self._path(key) for key in keys]
        await asyncio.to_thread(delete)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        found = self._walk(prefix)
        while page := await asyncio.to_thread(lambda: list(islice(found, PAGE))):
            for info in page:
                yield info

    async def close(self) -> None:
        """There are no connections."""

    @contextmanager
    def open_object(self, key: str) -> Iterator[OpenObject]:
        """The object to read from. Blocks: call it in a thread.

        Raises:
            NotFoundError: nothing is there.
        """
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise NotFoundError("File not found.") from error
        except OSError as error:
            raise _unavailable() from error
        with file:
            yield _read_trailer(key, file)

    def begin_object(self, key: str, media_type: str) -> IncomingObject:
        """An object to write. Blocks, and so do its methods."""
        return IncomingObject(self._path(key), self._incoming, media_type)

    def _path(self, key: str) -> Path:
        return self._objects / (check_key(key) + _MARK)

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """What begins so, in the order of keys, from the deepest folder that has all of it."""
        folder = prefix.rpartition("/")[0]
        if folder:
            try:
                check_key(folder)
            except InvalidKeyError:
                return
        yield from self._walk_folder(f"{folder}/" if folder else "", prefix)

    def _walk_folder(self, folder: str, prefix: str) -> Iterator[ObjectInfo]:
        try:
            with os.scandir(self._objects / folder) as entries:
                # As keys have it: "a-b" comes before "a/b", and "a" before both.
                names = sorted(
                    each.name[:-1] if each.name.endswith(_MARK) else f"{each.name}/"
                    for each in entries
                )
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable() from error
        for key in (folder + name for name in names):
            if key.endswith("/"):
                if key.startswith(prefix) or prefix.startswith(key):
                    yield from self._walk_folder(key, prefix)
            elif key.startswith(prefix):
                with suppress(NotFoundError), self.open_object(key) as found:
                    yield found.info

    def _remove_empty(self, folder: Path) -> None:
        """Folders bear people's ids: none stays without need."""
        with suppress(OSError):
            while folder != self._objects:
                folder.rmdir()
                folder = folder.parent

    def _clear_abandoned(self) -> None:
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                # A process that is still writing has written since.
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()


def read_chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """`size` bytes from where the file is, in pieces."""
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        size -= len(chunk)
        yield chunk


def _read_trailer(key: str, file: BinaryIO) -> OpenObject:
    status = os.fstat(file.fileno())
    file.seek(max(0, status.st_size - _TRAILER.size))
    trailer = file.read()
    if not trailer.endswith(_MAGIC):
        raise _unavailable()
    size, _ = _TRAILER.unpack(trailer)
    file.seek(size)
    trailer = json.loads(file.read(status.st_size - _TRAILER.size - size))
    file.seek(0)
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return OpenObject(ObjectInfo(key, size, trailer["type"], modified), trailer["sha256"], file)


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unavailable() from error


def _unavailable() -> UnavailableError:
    return UnavailableError("The files cannot be reached just now; try again.")
