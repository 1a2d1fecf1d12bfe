"""The boxes of MP4 and QuickTime files: found, kept, or made `free` where they lie.

`mp4` and what belongs to it call it. Knows no track.
Source: ISO/IEC 14496-12, 4.2
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from poutama.features.evidence.media_bytes import (
    Bytes,
    Parts,
    damaged_media,
    overwrite,
    read_bytes,
    read_number,
)

FREE = b"free"


@dataclass(frozen=True, slots=True)
class Box:
    """A box: where it, its content and what comes after it begin."""

    kind: bytes
    start: int
    body: int
    end: int


def read_boxes(data: Bytes, start: int, end: int, parts: Parts) -> Iterator[Box]:
    """The boxes between two places, one after the other.

    Raises:
        UnfitFileError: one does not fit there, or they are too many.
    """
    at = start
    while at < end:
        parts.take()
        # QuickTime ends some lists by a zero.
        if end - at < 8 or not any(data[at : at + 8]):
            if any(data[at : min(end, at + 8)]):
                raise damaged_media()
            overwrite(data, at, end)
            return
        size, kind, body = read_number(data, at, 4), read_bytes(data, at + 4, 4), at + 8
        if size == 1:
            size, body = read_number(data, at + 8, 8), at + 16
        elif size == 0 and end == len(data):
            size = end - at
        if at + size < body or at + size > end:
            raise damaged_media()
        yield Box(kind, at, body, at + size)
        at += size


def keep_boxes(data: Bytes, start: int, end: int, kept: Set[bytes], parts: Parts) -> list[Box]:
    """The boxes of these kinds; all others become free space.

    Raises:
        UnfitFileError: as `read_boxes`.
    """
    found = []
    for box in read_boxes(data, start, end, parts):
        if box.kind in kept:
            found.append(box)
        else:
            free(data, box)
    return found


def find_box(data: Bytes, box: Box, path: tuple[bytes, ...], parts: Parts) -> Box | None:
    """The first box at a path of kinds; None where there is none.

    Raises:
        UnfitFileError: as `read_boxes`.
    """
    found: Box | None = box
    for kind in path:
        if found is None:
            return None
        children = read_boxes(data, found.body, found.end, parts)
        found = next((child for child in children if child.kind == kind), None)
    return found


def require_box(data: Bytes, box: Box, path: tuple[bytes, ...], parts: Parts) -> Box:
    """The first box at a path of kinds.

    Raises:
        UnfitFileError: there is none, or as `read_boxes`.
    """
    found = find_box(data, box, path, parts)
    if found is None:
        raise damaged_media()
    return found


def free(data: Bytes, box: Box) -> None:
    """Make it space that no program reads."""
    data[box.start + 4 : box.start + 8] = FREE
    overwrite(data, box.body, box.end)


def blank_times(data: Bytes, box: Box) -> int:
    """Overwrite when it was made and changed; returns where what follows begins.

    Raises:
        UnfitFileError: the box is too short.
    """
    size = 16 if read_number(data, box.body, 1) == 1 else 8
    at = box.body + 4
    if at + size > box.end:
        raise damaged_media()
    overwrite(data, at, at + size)
    return at + size
