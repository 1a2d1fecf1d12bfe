"""What the readers of sound and video have in common: bytes that are changed in place, and bounds.

`mp4`, `webm`, `ogg`, `wav` and `mp3` use it. Opens no file, and knows no container.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap

from poutama.features.evidence.types import UnfitFileError

Bytes = mmap
"""A file that is changed in place."""
MAX_PARTS = 2_000_000
"""Boxes, elements, frames and samples that a file may have in all."""
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Media:
    """What a file turned out to be.

    Attributes:
        media_type: as it is served.
        seconds: how long it lasts.
        size: how many bytes are left of it.
    """

    media_type: str
    seconds: float
    size: int


class Parts:
    """Counts the parts that have been looked at, so that no file takes for ever."""

    def __init__(self, left: int = MAX_PARTS) -> None:
        self._left = left

    def take(self, count: int = 1) -> None:
        """Count some.

        Raises:
            UnfitFileError: they are too many.
        """
        self._left -= count
        if self._left < 0:
            raise damaged_media()


def damaged_media() -> UnfitFileError:
    """What a reader raises for a file that it does not understand."""
    return UnfitFileError(
        "The recording is damaged, or of a form that cannot be used here. Record or save it again"
        " as MP4, M4A or MP3, and add that file."
    )


def unknown_codec() -> UnfitFileError:
    """What a reader raises for sound or pictures that browsers do not play."""
    return UnfitFileError(
        "The recording is in a form that browsers do not play. Save it again as MP4, M4A or MP3,"
        " and add that file."
    )


def read_bytes(data: Bytes, at: int, size: int) -> bytes:
    """So many bytes from there.

    Raises:
        UnfitFileError: the file ends before.
    """
    if at < 0 or size < 0 or at + size > len(data):
        raise damaged_media()
    return bytes(data[at : at + size])


def read_number(data: Bytes, at: int, size: int) -> int:
    """The unsigned number of so many bytes there, the most significant first.

    Raises:
        UnfitFileError: the file ends before.
    """
    return int.from_bytes(read_bytes(data, at, size), "big")


def overwrite(data: Bytes, start: int, end: int) -> None:
    """Put zeros there."""
    for at in range(start, end, _STEP):
        size = min(_STEP, end - at)
        data[at : at + size] = bytes(size)
