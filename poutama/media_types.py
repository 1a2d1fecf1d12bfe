"""Which file names belong to a media type, and how a length is written.

Pure. Uploads of evidence are named by it, and files in exports.
"""

from __future__ import annotations

from collections.abc import Mapping

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "application/msword": ("doc",),
    "application/pdf": ("pdf",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.ms-powerpoint": ("ppt",),
    f"{_OPEN}.presentation": ("odp",),
    f"{_OPEN}.spreadsheet": ("ods",),
    f"{_OPEN}.text": ("odt",),
    f"{_OFFICE}.presentationml.presentation": ("pptx",),
    f"{_OFFICE}.spreadsheetml.sheet": ("xlsx",),
    f"{_OFFICE}.wordprocessingml.document": ("docx",),
    "application/zip": ("zip",),
    "audio/aac": ("aac",),
    "audio/mp4": ("m4a",),
    "audio/mpeg": ("mp3",),
    "audio/ogg": ("ogg", "oga", "opus"),
    "audio/wav": ("wav",),
    "audio/webm": ("webm", "weba"),
    "image/avif": ("avif",),
    "image/gif": ("gif",),
    "image/heic": ("heic", "heif"),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/tiff": ("tif", "tiff"),
    "image/webp": ("webp",),
    "text/csv": ("csv",),
    "text/markdown": ("md",),
    "text/plain": ("txt", "md", "csv"),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov",),
    "video/webm": ("webm",),
}
"""Media type -> the extensions that its files may have, the usual one first."""


def extension_of(media_type: str) -> str:
    """The usual extension, without a dot; `bin` for a type that is not known."""
    return EXTENSIONS.get(media_type.partition(";")[0].strip().lower(), ("bin",))[0]


def describe_length(seconds: int) -> str:
    """How long a recording lasts, such as `3:05`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
