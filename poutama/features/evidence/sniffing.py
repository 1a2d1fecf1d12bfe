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
    GIF,
    HEIC,
    JPEG,
    MP3,
    MP4,
    NOT_DECLARED,
    ODP,
    ODS,
    ODT,
    OGG,
    PDF,
    PNG,
    PPTX,
    QUICKTIME,
    TEXT,
    WAV,
    WEBM,
    WEBP,
    XLSX,
    FileType,
    explain_refusal,
)
from poutama.zip_archive import ArchiveError, ArchiveLimits, explain_damage, open_zip

_CHUNK = 64 * 1024
_HEAD = 8 * 1024
# Text has none of these; newline, tab, carriage return and form feed are no control characters.
_CONTROL = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0C, 0x0D}) + b"\x7f"
_CONTROL_LETTERS = re.compile(r"[^\t\n\f\r -~\x80-\U0010ffff]")
UTF_8_MARK, UTF_16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_PDF_WITHIN = 1024
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
_STARTS = tuple(
    (re.compile(form, re.DOTALL), type_.media_type)
    for form, type_ in (
        (rb"\xff\xd8\xff", JPEG),
        (rb"\x89PNG\r\n\x1a\n", PNG),
        (rb"GIF8[79]a", GIF),
        (rb"RIFF....WEBP", WEBP),
        (rb"RIFF....WAVE", WAV),
        (rb"OggS", OGG),
        (rb"\x1a\x45\xdf\xa3", WEBM),
        # A tag, or the head of a frame of layer III.
        (rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", MP3),
    )
)
_AVIF = frozenset((b"avif", b"avis"))
_HEIF = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"))
_HEIF_ANY = frozenset((b"mif1", b"mif2", b"msf1"))
_QUICKTIME = frozenset((b"qt  ",))
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def require_known_type(path: Path) -> FileType:
    """What the file is.

    Raises:
        UnfitFileError: nothing that evidence may be.
    """
    found = sniff_type(path)
    if found not in FILE_TYPES:
        raise explain_refusal(found)
    return FILE_TYPES[found]


def sniff_type(path: Path) -> str:
    """The media type of what is in the file; `application/octet-stream` where it is unknown.

    Of MP4 and WebM it is that of a video, also where there is sound alone.
    """
    # heavy: an extra that only workers have
    import filetype  # type: ignore[import-untyped]

    with path.open("rb") as file:
        head = file.read(_HEAD)
    # Some programs put a mark or blank lines in front; readers look for it in the first kilobyte.
    if head[:_PDF_WITHIN].removeprefix(UTF_8_MARK).lstrip().startswith(b"%PDF-"):
        return PDF.media_type
    if head.startswith(b"PK"):
        return _sniff_zip(path)
    if head.startswith(_OLE):
        return "application/x-ole-storage"
    if head[4:8] == b"ftyp":
        return _sniff_boxes(head)
    if head.startswith(UTF_16_MARKS):
        return _sniff_utf_16(path)
    if _is_text(path):
        return _sniff_markup(head.removeprefix(UTF_8_MARK))
    if (known := next((found for form, found in _STARTS if form.match(head)), None)) is not None:
        return known
    # Two or three letters are enough for it: what begins with "BM" or "GIF" was text, perhaps.
    guessed = filetype.guess_mime(head)
    return guessed if isinstance(guessed, str) and guessed not in FILE_TYPES else NOT_DECLARED


def _sniff_boxes(head: bytes) -> str:
    """What the first box of a file says of it: https://mp4ra.org/registered-types/brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head), 512)
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
    if brands & _AVIF:
        return "image/avif"
    if head[8:12] in _HEIF or (head[8:12] in _HEIF_ANY and brands & _HEIF):
        return HEIC.media_type
    if head[8:12] in _QUICKTIME:
        return QUICKTIME.media_type
    return MP4.media_type


def _sniff_utf_16(path: Path) -> str:
    with path.open(encoding="utf-16") as file:
        try:
            head = text = file.read(_HEAD)
            while text:
                if _CONTROL_LETTERS.search(text):
                    return NOT_DECLARED
                text = file.read(_CHUNK)
        except UnicodeError:
            return NOT_DECLARED
    return _sniff_markup(head.encode("utf-8", "replace"))


def _is_text(path: Path) -> bool:
    """Whether it could be text in UTF-8 or in an 8-bit alphabet."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if len(chunk.translate(None, _CONTROL)) != len(chunk):
                return False
    return True


def _sniff_markup(head: bytes) -> str:
    start = head.lstrip()[:16].lower()
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
