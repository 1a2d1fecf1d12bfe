"""Ogg files with Opus or Vorbis: the comments are overwritten, page by page.

`media` calls it. The second packet of a stream has the name of a program and comments; it keeps its
length, so that the pages stay where they are, and their checksums are made anew.
Sources: https://www.rfc-editor.org/rfc/rfc3533, https://www.rfc-editor.org/rfc/rfc7845,
https://xiph.org/vorbis/doc/Vorbis_I_spec.html#x1-630004.2.1
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from poutama.features.evidence.media_bytes import (
    Bytes,
    Media,
    Parts,
    damaged_media,
    read_bytes,
    unknown_codec,
)
from poutama.features.evidence.types import OGG

_PAGE = b"OggS"
_CONTINUED, _FIRST = 0x1, 0x2
_OPUS, _OPUS_TAGS, _OPUS_RATE = b"OpusHead", b"OpusTags", 48_000
_VORBIS, _VORBIS_TAGS = b"\x01vorbis", b"\x03vorbis"
_NO_PACKET = (1 << 64) - 1
_LONGEST_COMMENTS = 4_000_000
_CRC_BYTES = 4


@dataclass(frozen=True, slots=True)
class OggPage:
    """Where a page is, and what it says of itself.

    Attributes:
        position: the samples at its end.
        sizes: of its segments.
    """

    start: int
    body: int
    end: int
    flags: int
    position: int
    serial: int
    sizes: bytes


def clean_ogg(data: Bytes) -> Media:
    """Overwrite the comments of the one stream in the file.

    Raises:
        UnfitFileError: it is damaged, has several streams, or another codec.
    """
    parts = Parts()
    pages = _read_pages(data, parts)
    first = next(pages)
    head = read_bytes(data, first.body, first.end - first.body)
    if not first.flags & _FIRST:
        raise damaged_media()
    if head.startswith(_OPUS):
        rate, mark = _OPUS_RATE, _OPUS_TAGS
    elif head.startswith(_VORBIS):
        rate, mark = int.from_bytes(head[12:16], "little"), _VORBIS_TAGS
    else:
        raise unknown_codec()
    _blank_comments(data, pages, mark, first.serial)
    last = 0
    for page in pages:
        _require_same(page, first.serial)
        if page.position != _NO_PACKET:
            last = max(last, page.position)
    return Media(OGG.media_type, last / rate, len(data))


def _read_pages(data: Bytes, parts: Parts) -> Iterator[OggPage]:
    """The pages, which follow each other without a gap."""
    at = 0
    while at < len(data):
        parts.take()
        head = read_bytes(data, at, 27)
        if head[:4] != _PAGE or head[4] != 0:
            raise damaged_media()
        sizes = read_bytes(data, at + 27, head[26])
        body = at + 27 + len(sizes)
        end = body + sum(sizes)
        if end > len(data):
            raise damaged_media()
        position = int.from_bytes(head[6:14], "little")
        serial = int.from_bytes(head[14:18], "little")
        yield OggPage(at, body, end, head[5], position, serial, sizes)
        at = end


def _require_same(page: OggPage, serial: int) -> None:
    if page.serial != serial or page.flags & _FIRST:
        raise damaged_media()


def _blank_comments(data: Bytes, pages: Iterator[OggPage], mark: bytes, serial: int) -> None:
    """Overwrite the packet that begins on the next page, and make the checksums anew."""
    packet = bytearray()
    lengths: list[int] = []
    touched: list[OggPage] = []
    ended = False
    while not ended:
        page = next(pages, None)
        if page is None:
            raise damaged_media()
        _require_same(page, serial)
        if bool(page.flags & _CONTINUED) != bool(touched):
            raise damaged_media()
        length, ended = _measure_packet(page.sizes)
        packet += read_bytes(data, page.body, length)
        lengths.append(length)
        touched.append(page)
        if len(packet) > _LONGEST_COMMENTS:
            raise damaged_media()
    blank, done = blank_packet(bytes(packet), mark), 0
    for page, length in zip(touched, lengths, strict=True):
        data[page.body : page.body + length] = blank[done : done + length]
        done += length
        at = page.start + 22
        data[at : at + _CRC_BYTES] = bytes(_CRC_BYTES)
        found = checksum(read_bytes(data, page.start, page.end - page.start))
        data[at : at + _CRC_BYTES] = found.to_bytes(4, "little")


def _measure_packet(sizes: bytes) -> tuple[int, bool]:
    """How much of the first packet is on a page, and whether it ends there."""
    length = 0
    for size in sizes:
        length += size
        if size < 255:
            return length, True
    return length, False


def blank_packet(packet: bytes, mark: bytes) -> bytes:
    """A packet of comments without any, of the same length: the name of the program is spaces.

    Raises:
        UnfitFileError: it is none, or too short.
    """
    ending = b"\x01" if mark == _VORBIS_TAGS else b""
    room = len(packet) - len(mark) - 8 - len(ending)
    if not packet.startswith(mark) or room < 0:
        raise damaged_media()
    return mark + room.to_bytes(4, "little") + b" " * room + bytes(4) + ending


def _make_table() -> tuple[int, ...]:
    table = []
    for number in range(256):
        value = number << 24
        for _ in range(8):
            value = value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


_TABLE = _make_table()


def checksum(page: bytes) -> int:
    """The CRC of a page, whose own field is zero: RFC 3533, 6."""
    value = 0
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ _TABLE[value >> 24 ^ byte]
    return value
