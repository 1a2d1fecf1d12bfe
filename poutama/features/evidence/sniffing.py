"""What a file is, by its content; never by its name, nor by what a client says of it.

The job asks it about every upload. It reads and decompresses no more than a little, whatever the
file claims of itself, and never looks at meaning: a picture that cannot be opened is one for
`pictures` to refuse.
"""

from __future__ import annotations

import re
from pathlib import Path
from zipfile import ZipFile

from poutama.features.evidence.types import (
    DOCX,
    FILE_TYPES,
    ODP,
    ODS,
    ODT,
    PDF,
    PPTX,
    TEXT,
    XLSX,
    UnfitFileError,
    describe_type,
)
from poutama.zip_archive import ArchiveError, ArchiveLimits, explain_damage, open_zip

_CHUNK = 64 * 1024
_HEAD = 8 * 1024
# Text has none of these; newline, tab, carriage return and form feed are no control characters.
_CONTROL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D}) + b"\x7f"
_MARKUP = {
    b"<!doctype": "text/html",
    b"<html": "text/html",
    b"<script": "text/html",
    b"<svg": "image/svg+xml",
    b"<?xml": "text/xml",
}
_LIMITS = ArchiveLimits(entries=5_000, directory_bytes=1_000_000)
# Some programs count: word/document2.xml. What it is in truth, `office_rules` finds.
_MAIN_PARTS = {
    re.compile(r"word/document\d*\.xml", re.IGNORECASE): DOCX.media_type,
    re.compile(r"xl/workbook\d*\.xml", re.IGNORECASE): XLSX.media_type,
    re.compile(r"ppt/presentation\d*\.xml", re.IGNORECASE): PPTX.media_type,
}
OPEN_DOCUMENTS = frozenset(type_.media_type for type_ in (ODT, ODS, ODP))
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def require_type(path: Path, media_type: str) -> None:
    """Hold the file against the type it was declared to have.

    Raises:
        UnfitFileError: it is of another type, or could do harm to its readers.
    """
    found = sniff_type(path)
    if found != media_type:
        raise UnfitFileError(
            f"The file was said to be {describe_type(media_type)},"
            f" but it is {describe_type(found)}."
        )


def sniff_type(path: Path) -> str:
    """The media type of what is in the file; `application/octet-stream` where it is unknown."""
    # heavy: an extra that only workers have
    import filetype  # type: ignore[import-untyped]

    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"%PDF-"):
        return PDF.media_type
    if head.startswith(b"PK"):
        return _sniff_zip(path)
    if head.startswith(_OLE):
        return "application/x-ole-storage"
    if _is_text(path):
        return _sniff_markup(head)
    # Two or three letters are enough for it: what begins with "BM" or "GIF" was text, perhaps.
    guessed = filetype.guess_mime(head)
    return guessed if isinstance(guessed, str) else "application/octet-stream"


def _is_text(path: Path) -> bool:
    """Whether it could be text in UTF-8 or in an 8-bit alphabet."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if len(chunk.translate(None, _CONTROL)) != len(chunk):
                return False
    return True


def _sniff_markup(head: bytes) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower()
    return next(
        (found for mark, found in _MARKUP.items() if start.startswith(mark)), TEXT.media_type
    )


def _sniff_zip(path: Path) -> str:
    try:
        with (
            path.open("rb") as file,
            open_zip(file, _LIMITS) as archive,
            explain_damage("one of its parts"),
        ):
            return _sniff_parts(archive)
    except (ArchiveError, OSError):
        return "application/zip"


def _sniff_parts(archive: ZipFile) -> str:
    names = set(archive.namelist())
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            kind = part.read(100).decode("ascii", "replace")
        return kind if kind in OPEN_DOCUMENTS and "content.xml" in names else "application/zip"
    if "[content_types].xml" not in {name.lower() for name in names}:
        return "application/zip"
    found = [kind for form, kind in _MAIN_PARTS.items() if any(map(form.fullmatch, names))]
    return found[0] if len(found) == 1 else "application/zip"


assert {*_MAIN_PARTS.values(), *OPEN_DOCUMENTS} <= set(FILE_TYPES)
