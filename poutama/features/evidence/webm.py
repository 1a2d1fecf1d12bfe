"""WebM files, as browsers record them: elements that are not needed become `Void` of the same size.

`media` calls it. An element that is not known is not needed, and neither is a block of a track that
is neither sound nor video. Segments and clusters of unknown size, which recorders write, end where
an element begins that cannot be in them.
Sources: https://www.rfc-editor.org/rfc/rfc8794, https://www.rfc-editor.org/rfc/rfc9559
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from poutama.features.evidence.media_bytes import (
    Bytes,
    Media,
    Parts,
    damaged_media,
    overwrite,
    read_bytes,
    read_number,
    unknown_codec,
)
from poutama.features.evidence.ogg import blank_packet
from poutama.features.evidence.types import WEBM, WEBM_AUDIO

_EBML, _SEGMENT, _VOID = 0x1A45DFA3, 0x18538067, 0xEC
_HEADER = frozenset((0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285))
_DOC_TYPE = 0x4282
_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES = (
    0x114D9B74,
    0x1549A966,
    0x1654AE6B,
    0x1F43B675,
    0x1C53BB6B,
)
_TAGS, _CHAPTERS, _ATTACHMENTS = 0x1254C367, 0x1043A770, 0x1941A469
_TOP = frozenset((_SEEK_HEAD, _INFO, _TRACKS, _CLUSTER, _CUES))
_ENDS_A_CLUSTER = _TOP | {_TAGS, _CHAPTERS, _ATTACHMENTS}
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_IN_INFO = frozenset((_SCALE, _DURATION))
_TRACK, _NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
_IN_TRACK = frozenset(
    (
        *(_NUMBER, _KIND, _CODEC, _PRIVATE, 0x73C5, 0xB9, 0x88, 0x55AA, 0x9C, 0x6DE7, 0x6DF8),
        *(0x23E383, 0x22B59C, 0x56AA, 0x56BB, 0xAA, 0xE0, 0xE1, 0x55EE),
    )
)
_TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_IN_CLUSTER = frozenset((_TIME, _SIMPLE_BLOCK, _GROUP, 0xA7, 0xAB))
_IN_GROUP = frozenset((_BLOCK, 0x9B, 0xFB, 0x75A2))
_VIDEO, _SOUND = 1, 2
_CODECS = {
    _VIDEO: frozenset((b"V_VP8", b"V_VP9", b"V_AV1", b"V_MPEG4/ISO/AVC")),
    _SOUND: frozenset((b"A_OPUS", b"A_VORBIS", b"A_PCM/FLOAT/IEEE")),
}
_NANOSECONDS = 1_000_000_000
_LONGEST_PRIVATE = 1_000_000


@dataclass(frozen=True, slots=True)
class Element:
    """An element: where it, its content and what comes after it begin."""

    id: int
    start: int
    body: int
    end: int


@dataclass(slots=True)
class Recording:
    """What was found of a file so far.

    Attributes:
        scale: how many nanoseconds a unit of time has.
        tracks: number -> what it is, of those that are kept.
        last: when the last block begins, in units.
    """

    scale: int = 1_000_000
    tracks: dict[int, int] = field(default_factory=dict)
    last: int = 0


def clean_webm(data: Bytes) -> Media:
    """Take out of the file what is neither sound nor video.

    Raises:
        UnfitFileError: it is damaged, not understood, or of a codec that browsers do not play.
    """
    parts, found = Parts(), Recording()
    top = list(_read_elements(data, 0, len(data), parts))
    if [each.id for each in top if each.id != _VOID] != [_EBML, _SEGMENT]:
        raise damaged_media()
    for each in _keep(data, top[0], _HEADER, parts):
        if each.id == _DOC_TYPE and read_bytes(data, each.body, each.end - each.body) != b"webm":
            raise unknown_codec()
    (segment,) = (each for each in top if each.id == _SEGMENT)
    _clean_segment(data, segment, found, parts)
    for each in top:
        if each.id == _VOID:
            _void(data, each)
    is_video = _VIDEO in found.tracks.values()
    type_ = WEBM if is_video else WEBM_AUDIO
    return Media(type_.media_type, found.last * found.scale / _NANOSECONDS, len(data))


def _clean_segment(data: Bytes, segment: Element, found: Recording, parts: Parts) -> None:
    for each in _read_elements(data, segment.body, segment.end, parts):
        if each.id not in _TOP:
            _void(data, each)
        elif each.id == _INFO:
            _clean_info(data, each, found, parts)
        elif each.id == _TRACKS:
            _clean_tracks(data, each, found, parts)
        elif each.id == _CLUSTER:
            _clean_cluster(data, each, found, parts)


def _read_elements(data: Bytes, start: int, end: int, parts: Parts) -> Iterator[Element]:
    """The elements between two places; a cluster of unknown size ends where the next one begins."""
    at = start
    while at < end:
        parts.take()
        id_, body = _read_vint(data, at, is_id=True)
        size, content = _read_vint(data, body, is_id=False)
        width = content - body
        stop = content + size
        if size == (1 << 7 * width) - 1:
            stop = _find_end(data, id_, content, end, parts)
        if stop > end:
            raise damaged_media()
        yield Element(id_, at, content, stop)
        at = stop


def _find_end(data: Bytes, id_: int, at: int, end: int, parts: Parts) -> int:
    """Where a segment or a cluster of unknown size ends; nothing else may have one."""
    if id_ == _SEGMENT:
        return end
    if id_ != _CLUSTER:
        raise damaged_media()
    while at < end:
        parts.take()
        id_, body = _read_vint(data, at, is_id=True)
        if id_ in _ENDS_A_CLUSTER:
            return at
        size, content = _read_vint(data, body, is_id=False)
        if content + size > end:
            raise damaged_media()
        at = content + size
    return end


def _read_vint(data: Bytes, at: int, *, is_id: bool) -> tuple[int, int]:
    """A number of variable length, and where what follows begins."""
    first = read_number(data, at, 1)
    width = 9 - first.bit_length()
    if width > (4 if is_id else 8):
        raise damaged_media()
    value = read_number(data, at, width)
    return value if is_id else value & (1 << 7 * width) - 1, at + width


def _keep(data: Bytes, holder: Element, kept: Set[int], parts: Parts) -> list[Element]:
    """The elements with these ids; all others become void."""
    found = []
    for each in _read_elements(data, holder.body, holder.end, parts):
        if each.id in kept:
            found.append(each)
        else:
            _void(data, each)
    return found


def _void(data: Bytes, element: Element) -> None:
    """Make it space that no program reads."""
    size = element.end - element.start
    if size > 100:
        head = bytes([_VOID, 0x01]) + (size - 9).to_bytes(7, "big")
    else:
        head = bytes([_VOID, 0x80 | size - 2])
    data[element.start : element.start + len(head)] = head
    overwrite(data, element.start + len(head), element.end)


def _read_uint(data: Bytes, element: Element) -> int:
    if element.end - element.body > 8:
        raise damaged_media()
    return read_number(data, element.body, element.end - element.body)


def _clean_info(data: Bytes, info: Element, found: Recording, parts: Parts) -> None:
    for each in _keep(data, info, _IN_INFO, parts):
        if each.id == _SCALE:
            found.scale = _read_uint(data, each)


def _clean_tracks(data: Bytes, tracks: Element, found: Recording, parts: Parts) -> None:
    lost = False
    for each in _keep(data, tracks, frozenset((_TRACK,)), parts):
        number, kind, codec = _read_track(data, each, parts)
        if kind not in _CODECS:
            _void(data, each)
            continue
        if codec not in _CODECS[kind] or number in found.tracks:
            lost = True
            continue
        found.tracks[number] = kind
        for child in _keep(data, each, _IN_TRACK, parts):
            if child.id == _PRIVATE and codec == b"A_VORBIS":
                _blank_private(data, child)
    if lost or not found.tracks:
        raise unknown_codec()


def _read_track(data: Bytes, track: Element, parts: Parts) -> tuple[int, int, bytes]:
    """Its number, what it is, and how it is encoded."""
    values: dict[int, Element] = {}
    for each in _read_elements(data, track.body, track.end, parts):
        values[each.id] = each
    if _ENCODINGS in values or not {_NUMBER, _KIND, _CODEC} <= values.keys():
        raise damaged_media()
    codec = values[_CODEC]
    return (
        _read_uint(data, values[_NUMBER]),
        _read_uint(data, values[_KIND]),
        read_bytes(data, codec.body, codec.end - codec.body).rstrip(b"\0"),
    )


def _blank_private(data: Bytes, element: Element) -> None:
    """Overwrite the comments between the two other headers of Vorbis."""
    content = read_bytes(data, element.body, min(element.end - element.body, _LONGEST_PRIVATE))
    if content[:1] != b"\x02":
        raise damaged_media()
    sizes, at = [], 1
    for _ in range(2):
        size = 0
        while content[at] == 255:
            size, at = size + 255, at + 1
        sizes.append(size + content[at])
        at += 1
    start = at + sizes[0]
    packet = content[start : start + sizes[1]]
    blank = blank_packet(packet, b"\x03vorbis")
    data[element.body + start : element.body + start + len(packet)] = blank


def _clean_cluster(data: Bytes, cluster: Element, found: Recording, parts: Parts) -> None:
    time = 0
    for each in _read_elements(data, cluster.body, cluster.end, parts):
        if each.id not in _IN_CLUSTER:
            _void(data, each)
        elif each.id == _TIME:
            time = _read_uint(data, each)
        elif each.id == _SIMPLE_BLOCK:
            _clean_block(data, each, each, time, found)
        elif each.id == _GROUP:
            for child in _keep(data, each, _IN_GROUP, parts):
                if child.id == _BLOCK:
                    _clean_block(data, child, each, time, found)


def _clean_block(data: Bytes, block: Element, holder: Element, time: int, found: Recording) -> None:
    """Keep a block of a track that is kept, and note when it begins."""
    number, at = _read_vint(data, block.body, is_id=False)
    if number not in found.tracks:
        _void(data, holder)
        return
    (shift,) = struct.unpack(">h", read_bytes(data, at, 2))
    found.last = max(found.last, time + shift)
