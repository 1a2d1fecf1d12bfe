"""MP3 files: the frames of sound are kept, every tag goes.

`media` calls it. Tags (ID3, APE, Lyrics3) lie before and behind the frames. What is neither a frame
nor a tag is refused, so that nothing is kept that was not looked at.
Source: ISO/IEC 11172-3, 2.4.2.3; https://id3.org/id3v2.4.0-structure
"""

from __future__ import annotations

from poutama.features.evidence.media_bytes import Bytes, Media, Parts, damaged_media, read_bytes
from poutama.features.evidence.types import MP3

_KILOBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By whether it is MPEG 1, of which the others have half the samples."""
_RATES = (44_100, 48_000, 32_000)
_DIVISORS = {3: 1, 2: 2, 0: 4}
"""By version: MPEG 1, 2 and 2.5."""
_LAYER_3 = 1
_ID3 = b"ID3"
_ID3_FOOTER = 0x10
_TAGS_BEHIND = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"3DI", _ID3)
_LONGEST_TAG_BEHIND = 1 << 20
_LONGEST_PADDING = 1 << 16
_FEWEST_FRAMES = 3


def clean_mp3(data: Bytes) -> Media:
    """Move the frames to the beginning of the file.

    Raises:
        UnfitFileError: it is damaged.
    """
    parts = Parts()
    start = at = _skip_tags(data, parts)
    frames, shape = 0, None
    while (found := _read_frame(data, at)) is not None and at + found[0] <= len(data):
        parts.take()
        length, *rest = found
        if shape not in (None, rest):
            raise damaged_media()
        frames, shape, at = frames + 1, rest, at + length
    if shape is None or frames < _FEWEST_FRAMES or not _is_the_end(data, at):
        raise damaged_media()
    samples, rate = shape
    size = at - start
    data.move(0, start, size)
    return Media(MP3.media_type, frames * samples / rate, size)


def _skip_tags(data: Bytes, parts: Parts) -> int:
    at = 0
    while data[at : at + 3] == _ID3:
        parts.take()
        head = read_bytes(data, at, 10)
        if any(each & 0x80 for each in head[6:]):
            raise damaged_media()
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + size + (10 if head[5] & _ID3_FOOTER else 0)
    padding = data[at : at + _LONGEST_PADDING]
    return at + len(padding) - len(padding.lstrip(b"\0"))


def _read_frame(data: Bytes, at: int) -> tuple[int, int, int] | None:
    """Of the frame there: its bytes, its samples, and how many of these are in a second."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    kilobits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer != _LAYER_3 or kilobits in (0, 15) or rate == 3:
        return None
    is_first = version == 3
    a_second, samples = _RATES[rate] // _DIVISORS[version], 1152 if is_first else 576
    length = samples // 8 * _KILOBITS[is_first][kilobits] * 1000 // a_second + padding
    return length, samples, a_second


def _is_the_end(data: Bytes, at: int) -> bool:
    """Whether nothing follows but tags, zeros, or the beginning of a frame that was cut off."""
    rest = data[at : at + _LONGEST_TAG_BEHIND + 1]
    if len(rest) > _LONGEST_TAG_BEHIND:
        return False
    found = rest.lstrip(b"\0")
    return not found or found.startswith(_TAGS_BEHIND) or _read_frame(data, at) is not None
