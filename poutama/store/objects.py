"""What an object store is: files under keys, reached by signed addresses.

`store.s3` and `store.directory` are stores; one contract suite holds both. A file never passes
through a function on its way in or out: people upload by a signed form and download by a signed
address. Who may have one is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

PERSON = "x-person"
"""The signed parameter of an address with the id of the person for whom it was made. S3 ignores
parameters that begin with `x-` (but `x-amz-`), and writes them into its log of accesses."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form to post a file with, as multipart/form-data: all fields first, the file last.

    Attributes:
        url: where to.
        fields: name -> value, to be sent as they are.
    """

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it.

    Attributes:
        key: where it is.
        size: bytes.
        media_type: as it was put or uploaded with; empty where a listing does not tell.
        modified: when it was put, in UTC.
    """

    key: str
    size: int
    media_type: str
    modified: datetime


class ObjectStore(Protocol):
    """A bucket.

    Every `async` method raises UnavailableError when the store cannot be reached; doing it again
    is always safe.
    """

    def sign_upload(
        self, key: str, *, media_type: str, size: int, sha256: str, seconds: int
    ) -> UploadForm:
        """Sign a form that lets its holder put this one file there, once or again.

        The store refuses a body of another size, another type or another hash, and any body after
        `seconds`. No network access.

        Args:
            key: where.
            media_type: as the uploaded object is to have it.
            size: exact number of bytes.
            sha256: of the content, 64 hexadecimal digits.
            seconds: how long the form works.
        """
        ...

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
        """Sign an address that gives its holder the file, Range requests included.

        The address names the person for whom it is made, in the parameter `PERSON`, and the store's
        log shows it wherever the address is used. `name` is offered for saving the file, unless
        `inline`. No network access.
        """
        ...

    async def describe(self, key: str) -> ObjectInfo | None:
        """What is there; None where nothing is."""
        ...

    async def read(self, key: str, *, start: int = 0, length: int) -> bytes:
        """At most `length` bytes from `start`; empty beyond the end.

        Raises:
            NotFoundError: nothing is there.
        """
        ...

    async def download(self, key: str, path: Path) -> None:
        """Write the whole object into the file, streaming.

        Raises:
            NotFoundError: nothing is there.
        """
        ...

    async def put(self, key: str, content: bytes | Path, *, media_type: str) -> None:
        """Put an object there, whole or not at all; what was there is replaced."""
        ...

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete objects with all their versions; some or all may be gone already."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Everything whose key begins so, in the order of keys."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
