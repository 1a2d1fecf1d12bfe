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
        is_media: whether it is sound or video.
    """

    media_type: str
    label: str
    picture: str | None = None
    is_media: bool = False

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
HEIC = FileType("image/heic", "a HEIC picture")
MP4 = FileType("video/mp4", "an MP4 video", is_media=True)
QUICKTIME = FileType("video/quicktime", "a QuickTime video", is_media=True)
WEBM = FileType("video/webm", "a WebM video", is_media=True)
MP4_AUDIO = FileType("audio/mp4", "an M4A recording", is_media=True)
WEBM_AUDIO = FileType("audio/webm", "a WebM recording", is_media=True)
OGG = FileType("audio/ogg", "an Ogg recording", is_media=True)
MP3 = FileType("audio/mpeg", "an MP3 recording", is_media=True)
WAV = FileType("audio/wav", "a WAV recording", is_media=True)
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
    for type_ in (
        *(JPEG, PNG, WEBP, GIF, HEIC, PDF, TEXT, DOCX, XLSX, PPTX, ODT, ODS, ODP),
        *(MP4, QUICKTIME, WEBM, MP4_AUDIO, WEBM_AUDIO, OGG, MP3, WAV),
    )
}
"""Media type -> what it is; nothing else can be evidence.

No SVG and no HTML: they run scripts. HEIC becomes JPEG, for browsers do not show it. None of the
old Office formats: whether they hold macros cannot be checked.
"""

NOT_DECLARED = "application/octet-stream"
"""The type of a file whose sender does not know it, or one that is not known here."""
_REFUSED_AT_ONCE = frozenset(
    ("application/x-msdownload", "application/xhtml+xml", "image/svg+xml", "text/html")
)

LONGEST_FILE_NAME = 120

_SAVE_PICTURE = "Save it as JPEG or PNG"
_SAVE_OFFICE = "Save it as PDF, or as .docx, .xlsx or .pptx,"
_SAVE_PDF = "Save it as PDF"
_ANOTHER = "Choose a picture, a document, or a recording of sound or video,"
_OTHERS = {
    NOT_DECLARED: ("something that is not known here", _ANOTHER),
    "application/x-msdownload": ("a program", _ANOTHER),
    "application/x-ole-storage": (
        "a document of the Office formats before 2007, or a protected one",
        _SAVE_OFFICE,
    ),
    "application/zip": ("a zip archive", "Take the file out of it"),
    "image/avif": ("an AVIF picture", _SAVE_PICTURE),
    "image/bmp": ("a BMP picture", _SAVE_PICTURE),
    "image/svg+xml": ("an SVG drawing", _SAVE_PICTURE),
    "image/tiff": ("a TIFF picture", _SAVE_PICTURE),
    "text/html": ("a web page", _SAVE_PDF),
    "text/xml": ("XML", _SAVE_PDF),
}
"""What other files are, and what their student can do."""


def explain_refusal(media_type: str) -> UnfitFileError:
    """Why a file of another type cannot be evidence, and what to do."""
    label, advice = _OTHERS.get(media_type, (f"of the type {media_type}", _ANOTHER))
    return UnfitFileError(f"The file is {label}, which cannot be evidence. {advice} and add that.")


def read_declared_type(declared: str) -> FileType | None:
    """What a sender says that a file is; None where they do not know, or it is not known here.

    Its content decides in the end: a telephone or a browser may be wrong.

    Raises:
        UnfitFileError: if it is so, it cannot be evidence.
    """
    # A browser may add parameters, such as the character set.
    media_type = declared.split(";")[0].strip().lower()
    if media_type in _REFUSED_AT_ONCE:
        raise explain_refusal(media_type)
    return FILE_TYPES.get(media_type)


def clean_file_name(name: str) -> str:
    """A name under which a file can be saved anywhere: no folders, no tricks."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # What is not printable includes the marks that turn a text's direction around.
    name = "".join(letter for letter in last if is_printable(letter) and letter not in '<>:"|?*')
    return name.strip(" .")[-LONGEST_FILE_NAME:].strip(" .") or "file"


def fit_file_name(name: str, type_: FileType | None) -> str:
    """A name as `clean_file_name` has it, with the right ending if the type is known.

    An ending of another type that evidence may have is replaced; any other stays, with the right
    one behind it.
    """
    name = clean_file_name(name)
    if type_ is None:
        return name
    if not name.lower().endswith(type_.endings):
        other = next((end for end in _ENDINGS if name.lower().endswith(end)), "")
        name = (name[: len(name) - len(other)].strip(" .") or "file") + type_.endings[0]
    ending = next(end for end in type_.endings if name.lower().endswith(end))
    stem = name[: -len(ending)].strip(" .")[: LONGEST_FILE_NAME - len(ending)].strip(" .")
    return (stem or "file") + name[-len(ending) :]


_ENDINGS = sorted({end for type_ in FILE_TYPES.values() for end in type_.endings})
