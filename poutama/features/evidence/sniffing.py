"""What a file is, by its content; never by its name, nor by what anybody says of it.

The job asks it about every upload. It reads and decompresses no more than a little, whatever the
file claims of itself, and never looks at meaning: a picture that cannot be opened is one for
`pictures` to refuse.
"""

from __future__ import annotations

import struct
from pathlib import Path
from zipfile import BadZipFile, ZipFile

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
    say_type,
)

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
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.16
_END = b"PK\x05\x06"
_END_RECORD = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 0xFFFF
_MOST_ENTRIES = 5_000
_LONGEST_DIRECTORY = 1_000_000
_MAIN_PARTS = {
    "word/document.xml": DOCX.media_type,
    "xl/workbook.xml": XLSX.media_type,
    "ppt/presentation.xml": PPTX.media_type,
}
_OPEN_DOCUMENTS = {type_.media_type for type_ in (ODT, ODS, ODP)}


def require_type(path: Path, media_type: str) -> None:
    """Hold the file against the type it was declared to have.

    Raises:
        UnfitFileError: it is of another type, or could do harm to whoever opens it.
    """
    found = sniff_type(path)
    if found != media_type:
        raise UnfitFileError(
            f"The file was said to be {say_type(media_type)}, but it is {say_type(found)}."
        )


def sniff_type(path: Path) -> str:
    """The media type of what is in the file; `application/octet-stream` where nobody knows.

    Raises:
        UnfitFileError: it is an Office document with macros.
    """
    # heavy: an extra that only workers have
    import filetype  # type: ignore[import-untyped]

    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"%PDF-"):
        return PDF.media_type
    if head.startswith(b"PK"):
        return _sniff_zip(path)
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
    if not _has_small_directory(path):
        return "application/zip"
    try:
        with ZipFile(path) as archive:
            return _sniff_parts(archive)
    except (BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        return "application/zip"


def _sniff_parts(archive: ZipFile) -> str:
    names = set(archive.namelist())
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            kind = part.read(100).decode("ascii", "replace")
        return kind if kind in _OPEN_DOCUMENTS and "content.xml" in names else "application/zip"
    if "[Content_Types].xml" not in names:
        return "application/zip"
    found = [kind for name, kind in _MAIN_PARTS.items() if name in names]
    if len(found) != 1:
        return "application/zip"
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnfitFileError("The document holds macros; save it without them and add it again.")
    return found[0]


def _has_small_directory(path: Path) -> bool:
    """Whether listing what is inside takes little, by what the file's end says.

    What `zipfile` reads is the directory of that very length; one that is stated elsewhere, as
    in archives over 4 GB, is refused.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _LONGEST_COMMENT - _END_RECORD.size))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_RECORD.size > len(tail) or b"PK\x06\x07" in tail[max(0, at - 20) : at]:
        return False
    _, _, _, _, entries, directory, _, _ = _END_RECORD.unpack_from(tail, at)
    return bool(entries <= _MOST_ENTRIES and directory <= _LONGEST_DIRECTORY)


assert set(_MAIN_PARTS.values()) | _OPEN_DOCUMENTS <= set(FILE_TYPES)
