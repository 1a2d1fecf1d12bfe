"""Taking out of pictures what is not needed to show them; no pixel is touched.

`pictures` calls it for every picture it does not write anew, `packages` and `pdf` for those in
documents. What stays is a list of what is known to be needed; everything else goes, be it where the
picture was taken, who took it, what comment an author left, or what follows the file's end. It
streams: of all pictures, only a JPEG in a document is ever in memory.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Set
from typing import BinaryIO

from poutama.features.evidence.types import UnfitFileError

_CHUNK = 64 * 1024

# https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1.1.3; https://www.color.org/specification/ICC.1-2022-05.pdf
_JPEG_START, _JPEG_END, _JPEG_SCAN = b"\xff\xd8", 0xD9, 0xDA
_JPEG_FRAMES = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD))
"""Tables, frames and scans: what a decoder needs."""
_JPEG_KEPT = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_JPEG_EXIF = b"Exif\0\0"
_JPEG_MARKER = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")
_ORIENTATION = 0x0112

# https://www.w3.org/TR/png-3/#11Chunks: pixels, colours and animation
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sRGB sBIT cICP mDCV cLLI bKGD pHYs acTL fcTL "
    b"fdAT".split()
)
# https://developers.google.com/speed/webp/docs/riff_container
_WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_FRAME, _WEBP_FRAME_HEAD = b"ANMF", 16
_WEBP_IN_FRAME = frozenset((b"ALPH", b"VP8 ", b"VP8L"))
_WEBP_HAS_METADATA = 0x08 | 0x04
# https://www.w3.org/Graphics/GIF/spec-gif89a.txt
_GIF_STARTS = (b"GIF87a", b"GIF89a")
_GIF_TABLE = 0x80
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = b"\x21", b"\x2c", b"\x3b"
_GIF_CONTROL, _GIF_APPLICATION = b"\xf9", b"\xff"
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def strip_jpeg(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a JPEG file without its metadata and what follows it; how the camera was held stays.

    The picture is in memory, as it is compressed.

    Raises:
        UnfitFileError: it is none, or ends too early.
    """
    data = source.read()
    if not data.startswith(_JPEG_START):
        raise damaged_picture()
    target.write(_JPEG_START)
    at, written = 2, False
    while at < len(data):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            return
        at = found.start()
        marker = data[at + 1]
        if marker == _JPEG_END:
            target.write(data[at : at + 2])
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data) or end < at + 4:
            raise damaged_picture()
        content = data[at + 4 : end]
        if marker == 0xE1 and content.startswith(_JPEG_EXIF) and not written:
            target.write(_write_orientation(_read_orientation(content[len(_JPEG_EXIF) :])))
            written = True
        elif marker in _JPEG_FRAMES or _is_kept_segment(marker, content):
            target.write(data[at:end])
        if marker == _JPEG_SCAN:
            found = _JPEG_MARKER.search(data, end)
            stop = len(data) if found is None else found.start()
            target.write(data[end:stop])
            end = stop
        at = end


def _is_kept_segment(marker: int, content: bytes) -> bool:
    start = _JPEG_KEPT.get(marker)
    return start is not None and content.startswith(start)


def _read_orientation(exif: bytes) -> int:
    """How the camera was held: 1, or 2 to 8 where the picture is to be turned.

    https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E, 4.5.2
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return 1
    (at,) = struct.unpack_from(f"{order}L", exif, 4)
    if at + 2 > len(exif):
        return 1
    (count,) = struct.unpack_from(f"{order}H", exif, at)
    for place in range(at + 2, min(at + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, number, value = struct.unpack_from(f"{order}HHLH", exif, place)
        if (tag, kind, number) == (_ORIENTATION, 3, 1):
            return value if 1 <= value <= 8 else 1
    return 1


def _write_orientation(value: int) -> bytes:
    """A segment that holds nothing else; none where the picture stands upright."""
    if value == 1:
        return b""
    directory = struct.pack(">HHHLHHL", 1, _ORIENTATION, 3, 1, value, 0, 0)
    content = _JPEG_EXIF + b"MM\0*\0\0\0\x08" + directory
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


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
    _pass_on_chunks(source, target, left, _WEBP_CHUNKS)
    _write_length(target, 4)


def _pass_on_chunks(source: BinaryIO, target: BinaryIO, left: int, kept: Set[bytes]) -> None:
    """Copy the chunks of these names; of a frame, those that have its pixels."""
    while left >= 8:
        header = _read(source, 8)
        name, length = header[:4], int.from_bytes(header[4:], "little")
        length += length % 2
        if name in kept:
            target.write(header)
        if name == _WEBP_FRAME and name in kept:
            start = target.tell() - 4
            _pass_on(source, target, _WEBP_FRAME_HEAD)
            _pass_on_chunks(source, target, length - _WEBP_FRAME_HEAD, _WEBP_IN_FRAME)
            _write_length(target, start)
        elif name == b"VP8X" and length:
            target.write(bytes([_read(source, 1)[0] & ~_WEBP_HAS_METADATA]))
            _pass_on(source, target, length - 1)
        else:
            _pass_on(source, target if name in kept else None, length)
        left -= 8 + length
    if left > 0:
        _pass_on(source, None, left)


def _write_length(target: BinaryIO, at: int) -> None:
    """Say there how many bytes follow, now that they are written."""
    end = target.tell()
    target.seek(at)
    target.write((end - at - 4).to_bytes(4, "little"))
    target.seek(end)


def strip_gif(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a GIF file without comments and whatever applications have put into it.

    Raises:
        UnfitFileError: it is none, or ends in the midst of a block.
    """
    start = _read(source, 13)
    if not start.startswith(_GIF_STARTS):
        raise damaged_picture()
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
            raise damaged_picture()
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
        raise damaged_picture()
    return start


def _read(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise damaged_picture()
    return data


def _pass_on(source: BinaryIO, target: BinaryIO | None, length: int) -> None:
    while length > 0:
        data = _read(source, min(length, _CHUNK))
        if target is not None:
            target.write(data)
        length -= len(data)


def damaged_picture() -> UnfitFileError:
    """What is raised for a picture that cannot be read."""
    return UnfitFileError("The picture is damaged or incomplete. Add it again, or another one.")
