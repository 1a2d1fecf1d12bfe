"""Where the samples of a track lie in an MP4 or QuickTime file, and how long they last.

`mp4_tracks` calls it for the tables of a track, `mp4` for fragments, as browsers record them.
Source: ISO/IEC 14496-12, 8.6 to 8.8
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Protocol, TypeAlias

from poutama.features.evidence.media_bytes import (
    Bytes,
    Parts,
    damaged_media,
    read_bytes,
    read_number,
)
from poutama.features.evidence.mp4_boxes import (
    Box,
    find_box,
    free,
    keep_boxes,
    read_boxes,
    require_box,
)

Span: TypeAlias = tuple[int, int]
"""From where to where something lies."""
Defaults: TypeAlias = Mapping[int, tuple[int, int]]
"""By track, how long a sample of a fragment lasts and how many bytes it has, if it does not say."""

_FRAGMENT = frozenset((b"mfhd", b"traf"))
_TRACK_FRAGMENT = frozenset((b"tfhd", b"tfdt", b"trun"))
_HAS_BASE, _HAS_DESCRIPTION, _HAS_DURATION, _HAS_SIZE = 0x1, 0x2, 0x8, 0x10
_BASE_IS_FRAGMENT = 0x20000
_RUN_HAS_OFFSET, _RUN_HAS_FLAGS = 0x1, 0x4
_SAMPLE_FIELDS = (0x100, 0x200, 0x400, 0x800)
"""Duration, size, flags and shift of each sample in a run, as far as they are there."""


class SampledTrack(Protocol):
    """What a fragment adds to."""

    units: int
    spans: list[Span]


def read_duration(data: Bytes, tables: Box, parts: Parts) -> int:
    """How many units of time the samples of the tables last.

    Raises:
        UnfitFileError: the table is damaged.
    """
    values = _read_table(data, require_box(data, tables, (b"stts",), parts), 8, parts)
    return sum(count * units for count, units in zip(values[::2], values[1::2], strict=True))


def read_spans(data: Bytes, tables: Box, parts: Parts) -> list[Span]:
    """Where the samples of the tables lie, chunk by chunk.

    Raises:
        UnfitFileError: the tables are damaged, or do not fit each other.
    """
    sizes = _read_sizes(data, require_box(data, tables, (b"stsz",), parts), parts)
    offsets = _read_offsets(data, tables, parts)
    counts = list(_count_samples(data, tables, len(offsets), parts))
    # In front of each sample, how many bytes all those before it have.
    before = [0, *accumulate(sizes)] if isinstance(sizes, list) else None
    spans, first = [], 0
    for offset, count in zip(offsets, counts, strict=True):
        last = first + count
        if before is None:
            assert not isinstance(sizes, list)
            size, total = sizes
            length = size * count
            if last > total:
                raise damaged_media()
        else:
            if last >= len(before):
                raise damaged_media()
            length = before[last] - before[first]
        spans.append((offset, offset + length))
        first = last
    return spans


def _read_table(data: Bytes, box: Box, width: int, parts: Parts) -> tuple[int, ...]:
    """The numbers of a table whose rows have `width` bytes, after a version and their count."""
    count = read_number(data, box.body + 4, 4)
    parts.take(count)
    if box.body + 8 + count * width > box.end:
        raise damaged_media()
    content = read_bytes(data, box.body + 8, count * width)
    return struct.unpack(f">{count * width // 4}I", content)


def _read_sizes(data: Bytes, box: Box, parts: Parts) -> list[int] | tuple[int, int]:
    """The bytes of each sample; or those of all, and how many there are."""
    size, count = read_number(data, box.body + 4, 4), read_number(data, box.body + 8, 4)
    if size:
        return size, count
    parts.take(count)
    if box.body + 12 + count * 4 > box.end:
        raise damaged_media()
    return list(struct.unpack(f">{count}I", read_bytes(data, box.body + 12, count * 4)))


def _read_offsets(data: Bytes, tables: Box, parts: Parts) -> tuple[int, ...]:
    if (box := find_box(data, tables, (b"stco",), parts)) is not None:
        return _read_table(data, box, 4, parts)
    values = _read_table(data, require_box(data, tables, (b"co64",), parts), 8, parts)
    halves = zip(values[::2], values[1::2], strict=True)
    return tuple(high << 32 | low for high, low in halves)


def _count_samples(data: Bytes, tables: Box, chunks: int, parts: Parts) -> Iterator[int]:
    """How many samples each chunk has."""
    values = _read_table(data, require_box(data, tables, (b"stsc",), parts), 12, parts)
    firsts, counts = values[::3], values[1::3]
    if chunks and (not firsts or firsts[0] != 1):
        raise damaged_media()
    for first, count, after in zip(firsts, counts, (*firsts[1:], chunks + 1), strict=False):
        if first > after:
            raise damaged_media()
        for _ in range(first, min(after, chunks + 1)):
            yield count


def read_defaults(data: Bytes, movie: Box, parts: Parts) -> Defaults:
    """What the movie says of the samples of fragments.

    Raises:
        UnfitFileError: it is damaged.
    """
    holder = find_box(data, movie, (b"mvex",), parts)
    if holder is None:
        return {}
    found = {}
    for box in read_boxes(data, holder.body, holder.end, parts):
        if box.kind == b"trex":
            track, _, units, size, _ = struct.unpack(">5I", read_bytes(data, box.body + 4, 20))
            found[track] = units, size
    return found


def read_fragment(
    data: Bytes,
    fragment: Box,
    tracks: Mapping[int, SampledTrack],
    defaults: Defaults,
    parts: Parts,
) -> None:
    """Add the samples of a fragment to its tracks; what belongs to no track becomes free space.

    Raises:
        UnfitFileError: it is damaged.
    """
    at = fragment.start
    for box in keep_boxes(data, fragment.body, fragment.end, _FRAGMENT, parts):
        if box.kind != b"traf":
            continue
        children = keep_boxes(data, box.body, box.end, _TRACK_FRAGMENT, parts)
        headers = [child for child in children if child.kind == b"tfhd"]
        if len(headers) != 1:
            raise damaged_media()
        number, base, default = _read_header(data, headers[0], fragment.start, at, defaults)
        at = base
        track = tracks.get(number)
        for child in children:
            if child.kind == b"trun":
                units, span = _read_run(data, child, base, at, default, parts)
                at = span[1]
                if track is not None:
                    track.units += units
                    track.spans.append(span)
        if track is None:
            free(data, box)


def _read_header(
    data: Bytes, box: Box, start: int, after: int, defaults: Defaults
) -> tuple[int, int, tuple[int, int]]:
    """Of a track's part of a fragment: the track, where offsets begin, and what samples have."""
    flags, number = read_number(data, box.body + 1, 3), read_number(data, box.body + 4, 4)
    at, base = box.body + 8, start if flags & _BASE_IS_FRAGMENT else after
    units, size = defaults.get(number, (0, 0))
    if flags & _HAS_BASE:
        base, at = read_number(data, at, 8), at + 8
    if flags & _HAS_DESCRIPTION:
        at += 4
    if flags & _HAS_DURATION:
        units, at = read_number(data, at, 4), at + 4
    if flags & _HAS_SIZE:
        size = read_number(data, at, 4)
    return number, base, (units, size)


def _read_run(
    data: Bytes, box: Box, base: int, after: int, default: tuple[int, int], parts: Parts
) -> tuple[int, Span]:
    """How long the samples of a run last, and where they lie."""
    flags, count = read_number(data, box.body + 1, 3), read_number(data, box.body + 4, 4)
    at, start = box.body + 8, after
    if flags & _RUN_HAS_OFFSET:
        start = base + int.from_bytes(read_bytes(data, at, 4), "big", signed=True)
        at += 4
    if flags & _RUN_HAS_FLAGS:
        at += 4
    fields = [field for field in _SAMPLE_FIELDS if flags & field]
    parts.take(count)
    width = len(fields)
    if at + count * width * 4 > box.end:
        raise damaged_media()
    values = struct.unpack(f">{count * width}I", read_bytes(data, at, count * width * 4))
    sums = [
        sum(values[fields.index(field) :: width]) if field in fields else count * each
        for field, each in zip(_SAMPLE_FIELDS, default, strict=False)
    ]
    return sums[0], (start, start + sums[1])
