"""Office documents, part by part: looked at, freed of where their pictures were taken, packed anew.

`documents` calls it. What is served has exactly the parts that were looked at: a zip that two
programs read differently does not leave here. What is unpacked is bounded in all, nested documents
included. Parts are streams: only a picture is in memory. Fetches and runs nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol
from urllib.parse import unquote
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from poutama.features.evidence.metadata import STRIPPERS, strip_jpeg
from poutama.features.evidence.office_rules import (
    CONTENT_TYPES,
    MAIN_TYPES,
    OfficeRules,
    programs,
)
from poutama.features.evidence.open_document_rules import MANIFEST, OpenDocumentRules
from poutama.features.evidence.sniffing import OPEN_DOCUMENTS, sniff_type
from poutama.features.evidence.types import UnfitFileError
from poutama.features.evidence.xml_parts import XmlPart, damaged, is_xml
from poutama.unicode_data import fold_case
from poutama.zip_archive import ArchiveError, ArchiveLimits, EntryReader, open_zip

MAX_BYTES = 300_000_000
"""Of all parts of a document together, unpacked."""
MAX_XML_BYTES = 60_000_000
MAX_NESTED = 2
"""How deep documents may lie in each other: a chart's table in a presentation is one."""
_LIMITS = ArchiveLimits(entries=5_000, directory_bytes=1_000_000)
_CHUNK = 1 << 16
_HEAD = 64
_MIMETYPE = "mimetype"
_ENCRYPTED = 0x1
_UTF_8 = 0x800

_OLE, _ZIP, _PDF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK", b"%PDF-"
_PROGRAM_STARTS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"#!")
_PICTURE_STARTS: dict[bytes, Callable[[BinaryIO, BinaryIO], None]] = {
    b"\xff\xd8\xff": strip_jpeg,
    b"\x89PNG\r\n\x1a\n": STRIPPERS["PNG"],
    b"GIF87a": STRIPPERS["GIF"],
    b"GIF89a": STRIPPERS["GIF"],
}
# TIFF in its orders and sizes, and JPEG XR: they tell where they were taken, and are not read here.
_OTHER_PICTURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\xbc")
_PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
)
_PLACES_OF_VIDEOS = (b"\xa9xyz", b"location.ISO6709", b"loci\0\0\0\0", b"GPSCoordinates")


class PackageRules(Protocol):
    """What a kind of document may hold."""

    def check_name(self, name: str) -> None: ...

    def open_part(self, name: str) -> XmlPart: ...

    def close_part(self) -> None: ...

    def finish(self) -> None: ...


@dataclass(slots=True)
class Remaining:
    """What may still be unpacked of a document and those in it."""

    bytes: int = field(default=MAX_BYTES)
    xml_bytes: int = field(default=MAX_XML_BYTES)
    entries: int = field(default=_LIMITS.entries)

    def take(self, size: int, *, xml: bool) -> None:
        """Count bytes that were unpacked.

        Raises:
            UnfitFileError: they are too many.
        """
        self.bytes -= size
        self.xml_bytes -= size if xml else 0
        if self.bytes < 0 or self.xml_bytes < 0:
            raise _too_large()


def clean_package(
    source: Path,
    target: Path,
    media_type: str,
    remaining: Remaining | None = None,
    nested: int = 0,
) -> None:
    """Look at every part of an office document, and pack them anew; deterministic.

    Args:
        source: the document.
        target: where it is written as it may be served.
        media_type: what it is, as `sniff_type` finds it.
        remaining: what may still be unpacked; None: all.
        nested: in how many documents this one lies.

    Raises:
        UnfitFileError: it is damaged, too large, or could do harm to its readers.
    """
    rules = OfficeRules(media_type) if media_type in MAIN_TYPES else OpenDocumentRules(media_type)
    copy = _Copy(rules, remaining or Remaining(), nested)
    try:
        with source.open("rb") as file, open_zip(file, _LIMITS) as archive:
            parts = copy.list_parts(archive)
            with ZipFile(target, "w", ZIP_DEFLATED) as written:
                for name, part in parts.items():
                    copy.copy_part(archive, written, name, part)
    except ArchiveError as error:
        raise damaged() from error
    rules.finish()


class _Copy:
    """The copy of one package."""

    def __init__(self, rules: PackageRules, remaining: Remaining, nested: int) -> None:
        self._rules = rules
        self._remaining = remaining
        self._nested = nested

    def list_parts(self, archive: ZipFile) -> dict[str, ZipInfo]:
        """Normalized name -> entry, in the order in which they are written."""
        parts: dict[str, ZipInfo] = {}
        self._remaining.entries -= len(archive.infolist())
        if self._remaining.entries < 0:
            raise _too_large()
        for info in archive.infolist():
            if info.flag_bits & _ENCRYPTED:
                raise UnfitFileError(
                    "The document is protected by a password; save it without one and add it again."
                )
            if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise damaged()
            name = _normalize(_name_of(info))
            # Of two parts of one name, one program takes the first and another the last.
            if name in parts or ".." in name.split("/"):
                raise damaged()
            parts[name] = info
            self._rules.check_name(name)
        # What is first where it is looked for at a fixed place; what is needed before the rest.
        first = (_MIMETYPE, CONTENT_TYPES, MANIFEST)
        return {name: parts[name] for name in (*(n for n in first if n in parts), *parts)}

    def copy_part(self, archive: ZipFile, written: ZipFile, name: str, info: ZipInfo) -> None:
        """Look at one part, and write it."""
        fresh = ZipInfo(_name_of(info), info.date_time)
        fresh.compress_type = ZIP_STORED if name == _MIMETYPE else info.compress_type
        fresh.external_attr = info.external_attr
        if fresh.is_dir():
            written.writestr(fresh, b"")
            return
        source = EntryReader(archive, info)
        head = source.read(_HEAD)
        change = self._find_change(head)
        if change is None:
            with written.open(fresh, "w", force_zip64=False) as target:
                self._pass_on(name, head, source, target)
            return
        with TemporaryDirectory(prefix="poutama-") as folder:
            before, after = Path(folder) / "before", Path(folder) / "after"
            with before.open("wb") as file:
                self._unpack(head, source, file)
            change(before, after)
            written.writestr(fresh, after.read_bytes())

    def _find_change(self, head: bytes) -> Callable[[Path, Path], None] | None:
        """What is done to a part before it is written; None where it is passed on as it is."""
        if head.startswith((_OLE, _PDF, *_PROGRAM_STARTS)):
            raise programs()
        if head.startswith(_ZIP):
            return self._clean_nested
        if head.startswith(_OTHER_PICTURES) or _is_other_picture(head):
            raise UnfitFileError(
                "A picture in the document is of a kind that may tell where it was taken (TIFF or"
                " HEIC); replace it by a JPEG or PNG picture and add the document again."
            )
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _strip_by(STRIPPERS["WEBP"])
        for start, strip in _PICTURE_STARTS.items():
            if head.startswith(start):
                return _strip_by(strip)
        return None

    def _clean_nested(self, before: Path, after: Path) -> None:
        if self._nested == MAX_NESTED:
            raise _too_large()
        kind = sniff_type(before)
        if kind not in PACKAGE_TYPES:
            raise programs()
        clean_package(before, after, kind, self._remaining, self._nested + 1)

    def _pass_on(self, name: str, head: bytes, source: EntryReader, target: object) -> None:
        assert hasattr(target, "write")
        xml = is_xml(name, head)
        part = self._rules.open_part(name) if xml else None
        video = head[4:8] == b"ftyp"
        last, data = b"", head
        while data:
            self._remaining.take(len(data), xml=xml)
            if part is not None:
                part.feed(data)
            if video and any(place in last + data for place in _PLACES_OF_VIDEOS):
                raise UnfitFileError(
                    "A video in the document may tell where it was taken; remove it and add the"
                    " document again."
                )
            target.write(data)
            last, data = data[-_HEAD:], source.read(_CHUNK)
        if part is not None:
            part.feed(b"", last=True)
            self._rules.close_part()

    def _unpack(self, head: bytes, source: EntryReader, file: BinaryIO) -> None:
        data = head
        while data:
            self._remaining.take(len(data), xml=False)
            file.write(data)
            data = source.read(_CHUNK)


PACKAGE_TYPES = frozenset({*MAIN_TYPES, *OPEN_DOCUMENTS})


def _strip_by(strip: Callable[[BinaryIO, BinaryIO], None]) -> Callable[[Path, Path], None]:
    def change(before: Path, after: Path) -> None:
        with before.open("rb") as read, after.open("wb") as file:
            try:
                strip(read, file)
            except UnfitFileError:
                raise UnfitFileError(
                    "A picture in the document is damaged; replace it and add the document again."
                ) from None

    return change


def _is_other_picture(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS


def _name_of(info: ZipInfo) -> str:
    """The entry's name; some write UTF-8 without saying so."""
    if info.flag_bits & _UTF_8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def _normalize(name: str) -> str:
    """The name as every program finds it."""
    plain = fold_case(unquote(name).replace("\\", "/"))
    end = "/" if plain.endswith("/") else ""
    return posixpath.normpath(plain.lstrip("/") or ".") + end


def _too_large() -> UnfitFileError:
    return UnfitFileError("The document unpacks to more than can be looked at.")
