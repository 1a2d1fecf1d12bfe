"""Files made fit to be served that are not simple pictures: looked at, and written anew.

`document_process` calls it, in a process with limits. One function for each kind of file; what is
served holds what was looked at and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poutama.features.evidence.heif import decode_heif
from poutama.features.evidence.media import MEDIA_TYPES, clean_media
from poutama.features.evidence.packages import PACKAGE_TYPES, clean_package
from poutama.features.evidence.pdf import clean_pdf
from poutama.features.evidence.types import HEIC, JPEG, PDF

DOCUMENT_TYPES = frozenset({HEIC.media_type, PDF.media_type, *MEDIA_TYPES, *PACKAGE_TYPES})
"""Media types of what is written anew here; plain text and other pictures are not."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was written.

    Attributes:
        media_type: as it is served.
        seconds: how long sound or video lasts; None for other files.
    """

    media_type: str
    seconds: float | None = None


def clean_document(source: Path, target: Path, media_type: str) -> Cleaned:
    """Look at a file, and write it as it may be served; deterministic.

    Raises:
        UnfitFileError: it is damaged, too large, protected, or could do harm to its readers.
    """
    if media_type in MEDIA_TYPES:
        media = clean_media(source, target, media_type)
        return Cleaned(media.media_type, media.seconds)
    if media_type == HEIC.media_type:
        decode_heif(source, target)
        return Cleaned(JPEG.media_type)
    if media_type == PDF.media_type:
        clean_pdf(source, target)
    else:
        clean_package(source, target, media_type)
    return Cleaned(media_type)
