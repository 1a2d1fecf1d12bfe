"""Which files evidence may be, and what people call them.

The mutations ask it what may be uploaded, the job what an upload may turn out to be. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from poutama.errors import PoutamaError
from poutama.media_types import EXTENSIONS
from poutama.unicode_data import is_printable


class UnfitFileError(PoutamaError):
    """The file cannot be used as evidence."""

    # Its message is what the student reads: a sentence that names nothing of the file's content.
    code = "UNFIT_FILE"
    status = 422
    safe = True


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that evidence may be.

    Attributes:
        media_type: as uploads declare it.
        label: how a sentence names it.
        picture: Pillow's name of the format; None for other files.
    """

    media_type: str
    label: str
    picture: str | None = None

    @property
    def endings(self) -> tuple[str, ...]:
        """How file names of it end; the first is put where none of them stands."""
        return tuple(f".{extension}" for extension in EXTENSIONS[self.media_type])


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

JPEG = FileType("image/jpeg", "a JPEG picture", "JPEG")
PNG = FileType("image/png", "a PNG picture", "PNG")
WEBP = FileType("image/webp", "a WebP picture", "WEBP")
GIF = FileType("image/gif", "a GIF picture", "GIF")
PDF = FileType("application/pdf", "a PDF document")
TEXT = FileType("text/plain", "plain text")
DOCX = FileType(f"{_OFFICE}.wordprocessingml.document", "a Word document")
XLSX = FileType(f"{_OFFICE}.spreadsheetml.sheet", "an Excel workbook")
PPTX = FileType(f"{_OFFICE}.presentationml.presentation", "a PowerPoint presentation")
ODT = FileType(f"{_OPEN}.text", "an OpenDocument text")
ODS = FileType(f"{_OPEN}.spreadsheet", "an OpenDocument spreadsheet")
ODP = FileType(f"{_OPEN}.presentation", "an OpenDocument presentation")

FILE_TYPES = {
    type_.media_type: type_
    for type_ in (JPEG, PNG, WEBP, GIF, PDF, TEXT, DOCX, XLSX, PPTX, ODT, ODS, ODP)
}
"""Media type -> what it is; nothing else can be evidence.

No SVG and no HTML: they run scripts. No HEIC: it cannot be read here, and phones send JPEG where a
form accepts that. None of the old Office formats: whether they hold macros cannot be checked.
"""

LONGEST_FILE_NAME = 120

_OTHER_LABELS = {
    "application/octet-stream": "something that is not known here",
    "application/x-ole-storage": "a document of the Office formats before 2007, or a protected one",
    "application/zip": "a zip archive",
    "image/bmp": "a BMP picture",
    "image/heic": "a HEIC picture",
    "image/svg+xml": "an SVG drawing",
    "image/tiff": "a TIFF picture",
    "text/html": "a web page",
    "text/xml": "XML",
}


def describe_type(media_type: str) -> str:
    """The type as a sentence names it."""
    if (known := FILE_TYPES.get(media_type)) is not None:
        return known.label
    return _OTHER_LABELS.get(media_type, f"of the type {media_type}")


def fit_file_name(name: str, type_: FileType) -> str:
    """A name under which the file can be saved anywhere: no folders, no tricks, the right ending.

    An ending that belongs to another type stays, with the right one behind it.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # What is not printable includes the marks that turn a text's direction around.
    name = "".join(letter for letter in last if is_printable(letter) and letter not in '<>:"|?*')
    name = name.strip(" .") or "file"
    ending = next((end for end in type_.endings if name.lower().endswith(end)), "")
    stem = name[: -len(ending)] if ending else name
    ending = name[len(stem) :] or type_.endings[0]
    return (stem[: LONGEST_FILE_NAME - len(ending)] or "file") + ending
