"""What a file is, by its content; never by its name, nor by what a client says of it.

The job asks it about every upload. It reads and decompresses no more than a little, whatever the
file claims of itself, and never looks at meaning: a picture that cannot be opened is one for
`pictures` to refuse.
"""

from __future__ import annotations

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
    say_type,
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
_MAIN_PARTS = {
    "word/document.xml": DOCX.media_type,
    "xl/workbook.xml": XLSX.media_type,
    "ppt/presentation.xml": PPTX.media_type,
}
_OPEN_DOCUMENTS = {type_.media_type for type_ in (ODT, ODS, ODP)}


def require_type(path: Path, media_type: str) -> None:
    """Hold the file against the type it was declared to have.

    Raises:
        UnfitFileError: it is of another type, or could do harm to its readers.
    """
    found = sniff_type(path)
    if found != media_type:
        raise UnfitFileError(
            f"The file was said to be {say_type(media_type)}, but it is {say_type(found)}."
        )


def sniff_type(path: Path) -> str:
    """The media type of what is in the file; `application/octet-stream` where it is unknown.

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
        return kind if kind in _OPEN_DOCUMENTS and "content.xml" in names else "application/zip"
    if "[Content_Types].xml" not in names:
        return "application/zip"
    found = [kind for name, kind in _MAIN_PARTS.items() if name in names]
    if len(found) != 1:
        return "application/zip"
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise UnfitFileError("The document holds macros; save it without them and add it again.")
    return found[0]


assert set(_MAIN_PARTS.values()) | _OPEN_DOCUMENTS <= set(FILE_TYPES)
