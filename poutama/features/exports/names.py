"""Names of files: safe on every system, unique in their folder, and still saying what they are.

Pure. Lower-case ASCII letters, digits and hyphens only, so no name is a path, a device or too long,
and none differs between systems that fold case or accents and those that do not.
"""

from __future__ import annotations

import re
from datetime import datetime

from poutama.features.exports.dates import in_zone
from poutama.text import fold

LONGEST = 48
_OTHER = re.compile(r"[^a-z0-9]+")

EXTENSIONS = {
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/zip": "zip",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/markdown": "md",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
}


def shorten_name(text: str, otherwise: str) -> str:
    """A text as part of a file name; `otherwise` where no letter or digit of it is ASCII."""
    plain = _OTHER.sub("-", fold(text)).strip("-")[:LONGEST].rstrip("-")
    return plain or otherwise


def name_zip(person: str, as_of: datetime, time_zone: str) -> str:
    """What the finished export is offered as, such as `journey-mereana-2026-03-12.zip`."""
    return f"journey-{shorten_name(person, 'student')}-{in_zone(as_of, time_zone):%Y-%m-%d}.zip"


def name_evidence(goal: int, place: int, title: str, media_type: str) -> str:
    """Where a file lies in the zip: told apart by the goal's number and the file's place in it."""
    extension = EXTENSIONS.get(media_type.partition(";")[0].strip().lower(), "bin")
    return f"evidence/{goal:04}-{place:02}-{shorten_name(title, 'file')}.{extension}"


def name_print(volume: int, volumes: int) -> str:
    """What the printable part of that number, from 1, is called."""
    if volumes == 1:
        return "journey.pdf"
    return f"journey-{volume:0{len(str(volumes))}}-of-{volumes}.pdf"
