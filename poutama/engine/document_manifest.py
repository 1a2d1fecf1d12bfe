"""The manifest of a client's documents: a line for each of its releases, only ever appended to.

    {"released": "2026-11-30T09:00:00Z", "adds": {"<SHA-256>": "<text>"}, "drops": ["<SHA-256>"]}

`poutama documents add` appends a line when a client is released; `engine.trusted_documents` reads
it, and so knows of each document since when it is part of no release: what a client has sent later,
or keeps to send, is of an earlier one. Readers ignore members that they do not know. Never removes
or changes a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

from poutama.errors import ConfigurationError

_LINE = '{"released": TIME, "adds": {SHA-256: DOCUMENT}, "drops": [SHA-256]}'
_MAP = "a JSON object, a document's text under its SHA-256"


class Release(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: what a release has that the one before had not, and the other way round."""

    released: Annotated[datetime, msgspec.Meta(tz=True)]
    adds: dict[str, str] = {}
    drops: list[str] = []


@dataclass(frozen=True, slots=True)
class PublishedDocument:
    """A document, and since when it is part of no release: None while the newest has it."""

    text: str
    dropped: datetime | None = None


@dataclass(frozen=True, slots=True)
class Additions:
    """What a release changes."""

    added: int
    dropped: int
    total: int


def hash_document(text: str) -> str:
    """The id of a document: the SHA-256 of its text, in hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_documents(path: Path) -> dict[str, PublishedDocument]:
    """Read a manifest, or the plain map of one release, as build tools write it.

    Raises:
        ConfigurationError: it cannot be read, is neither, or an id is not the SHA-256 of its
            document; names the file.
    """
    content = _read(path)
    try:
        plain = msgspec.json.decode(content, type=dict[str, str])
    except ValueError:
        return _replay(path, content)
    _check_ids(path, plain)
    return {name: PublishedDocument(text) for name, text in plain.items()}


def add_release(manifest: Path, documents: Path, now: datetime) -> Additions:
    """Append a release that has exactly these documents; nothing where it changes nothing.

    Args:
        manifest: made if it is not there.
        documents: the plain map of the release.
        now: when it is released.

    Raises:
        ConfigurationError: as `read_documents`, or the newest release is later than now.
    """
    wanted = {name: each.text for name, each in read_documents(documents).items()}
    content = _read(manifest) if manifest.exists() else b""
    # A plain map has no releases to add one to.
    before = _replay(manifest, content)
    current = {name for name, each in before.items() if each.dropped is None}
    release = Release(
        now.astimezone(UTC).replace(microsecond=0),
        {name: text for name, text in wanted.items() if name not in current},
        sorted(current - wanted.keys()),
    )
    if release.adds or release.drops:
        line = msgspec.json.encode(release) + b"\n"
        _replay(manifest, content + line)
        with manifest.open("ab") as file:
            file.write(line)
    return Additions(len(release.adds), len(release.drops), len(wanted))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: expected {_MAP}") from error


def _replay(path: Path, content: bytes) -> dict[str, PublishedDocument]:
    documents: dict[str, PublishedDocument] = {}
    for release in _parse(path, content):
        for name in release.drops:
            if name in documents:
                documents[name] = PublishedDocument(documents[name].text, release.released)
        documents |= {name: PublishedDocument(text) for name, text in release.adds.items()}
    return documents


def _parse(path: Path, content: bytes) -> Iterator[Release]:
    latest = datetime.min.replace(tzinfo=UTC)
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        try:
            release = msgspec.json.decode(line, type=Release)
        except ValueError as error:
            raise ConfigurationError(
                f"{path}:{number}: expected {_MAP}, or a manifest with lines such as {_LINE}"
            ) from error
        if not line.endswith(b"\n"):
            raise ConfigurationError(f"{path}:{number}: expected a line end, got a part of a line")
        if release.released < latest:
            raise ConfigurationError(
                f"{path}:{number}: expected a time from {latest:%Y-%m-%dT%H:%M:%SZ} on, when the"
                f" release before was, got {release.released:%Y-%m-%dT%H:%M:%SZ}"
            )
        _check_ids(path, release.adds)
        latest = release.released
        yield release


def _check_ids(path: Path, documents: Mapping[str, str]) -> None:
    for name, text in documents.items():
        if name != hash_document(text):
            raise ConfigurationError(
                f"{path}: {name[:64]!r}: expected its document's SHA-256, {hash_document(text)}"
            )
