"""Taking out of PNG, WebP and GIF files what is not needed to show them; no pixel is touched.

`pictures` calls it for every picture it does not write anew. What stays is a list of what is known
to be needed; everything else goes, be it where the picture was taken, who took it, what comment
an author left, or what follows the file's end. Streams: a file is never in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from poutama.features.evidence.types import UnfitFileError

_CHUNK = 64 * 1024

# https://www.w3.org/TR/png-3/#11Chunks: pixels, colours and animation
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sRGB sBIT cICP mDCV cLLI bKGD pHYs acTL fcTL "
    b"fdAT".split()
)
# https://developers.google.com/speed/webp/docs/riff_container
_WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_SAYS_METADATA = 0x08 | 0x04
# https://www.w3.org/Graphics/GIF/spec-gif89a.txt
_GIF_STARTS = (b"GIF87a", b"GIF89a")
_GIF_TABLE = 0x80
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = b"\x21", b"\x2c", b"\x3b"
_GIF_CONTROL, _GIF_APPLICATION = b"\xf9", b"\xff"
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def strip_png(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a PNG file without its metadata.

    Raises:
        UnfitFileError: it is none, or ends too early.
    """
    target.write(_expect(source, _PNG_START))
    while True:
        header = _read(source, 8)
        length, name = int.from_bytes(header[:4], "big"), header[4:]
        kept = name in _PNG_CHUNKS
        if kept:
            target.write(header)
        _pass_on(source, target if kept else None, length + 4)
        if name == b"IEND":
            return


def strip_webp(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a WebP file without its metadata.

    Raises:
        UnfitFileError: it is none, or ends too early.
    """
    _expect(source, b"RIFF")
    left = int.from_bytes(_read(source, 4), "little") - 4
    _expect(source, b"WEBP")
    target.write(b"RIFF\0\0\0\0WEBP")
    while left >= 8:
        header = _read(source, 8)
        length = int.from_bytes(header[4:], "little")
        length += length % 2
        kept = header[:4] in _WEBP_CHUNKS
        if kept:
            target.write(header)
        if header[:4] == b"VP8X" and length:
            target.write(bytes([_read(source, 1)[0] & ~_WEBP_SAYS_METADATA]))
            _pass_on(source, target, length - 1)
        else:
            _pass_on(source, target if kept else None, length)
        left -= 8 + length
    size = target.tell()
    target.seek(4)
    target.write((size - 8).to_bytes(4, "little"))


def strip_gif(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a GIF file without comments and whatever applications have put into it.

    Raises:
        UnfitFileError: it is none, or ends in the midst of a block.
    """
    start = _read(source, 13)
    if not start.startswith(_GIF_STARTS):
        raise _broken()
    target.write(start)
    _pass_on(source, target, _table_length(start[10]))
    # Many end without the mark of the end, and are shown all the same.
    while (block := source.read(1)) not in (b"", _GIF_END):
        if block == _GIF_IMAGE:
            descriptor = _read(source, 9)
            target.write(block + descriptor)
            _pass_on(source, target, _table_length(descriptor[8]) + 1)
            _pass_on_blocks(source, target)
        elif block == _GIF_EXTENSION:
            _pass_on_extension(source, target)
        else:
            raise _broken()
    target.write(_GIF_END)


STRIPPERS: dict[str, Callable[[BinaryIO, BinaryIO], None]] = {
    "PNG": strip_png,
    "WEBP": strip_webp,
    "GIF": strip_gif,
}
"""Pillow's name of the format -> how to take metadata out of it."""


def _pass_on_extension(source: BinaryIO, target: BinaryIO) -> None:
    label = _read(source, 1)
    first = _read(source, 1)
    head = _read(source, first[0])
    kept = label == _GIF_CONTROL or (label == _GIF_APPLICATION and head in _GIF_LOOPS)
    if kept:
        target.write(_GIF_EXTENSION + label + first + head)
    if first[0]:
        _pass_on_blocks(source, target if kept else None)


def _pass_on_blocks(source: BinaryIO, target: BinaryIO | None) -> None:
    while True:
        length = _read(source, 1)
        if target is not None:
            target.write(length)
        if not length[0]:
            return
        _pass_on(source, target, length[0])


def _table_length(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & _GIF_TABLE else 0


def _expect(source: BinaryIO, start: bytes) -> bytes:
    if _read(source, len(start)) != start:
        raise _broken()
    return start


def _read(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise _broken()
    return data


def _pass_on(source: BinaryIO, target: BinaryIO | None, length: int) -> None:
    while length > 0:
        data = _read(source, min(length, _CHUNK))
        if target is not None:
            target.write(data)
        length -= len(data)


def _broken() -> UnfitFileError:
    return UnfitFileError("The picture is damaged or incomplete.")
