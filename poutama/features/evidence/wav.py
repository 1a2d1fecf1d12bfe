"""WAV files: the format and the samples are kept, every other chunk goes.

`media` calls it. Recorders write names, places and notes into chunks of their own (`LIST`, `bext`,
`iXML`, `id3 `). Source: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
"""

from __future__ import annotations

import struct

from poutama.features.evidence.media_bytes import (
    Bytes,
    Media,
    Parts,
    damaged_media,
    read_bytes,
    unknown_codec,
)
from poutama.features.evidence.types import WAV

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBTYPE = bytes.fromhex("000000001000800000aa00389b71")
"""How the long form of PCM and floats ends, after the two bytes that name one of them."""
_HEAD = 12
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
"""What a recorder writes that was interrupted, or does not know the end yet."""


def clean_wav(data: Bytes) -> Media:
    """Write the format and the samples to the beginning of the file.

    Raises:
        UnfitFileError: it is damaged, or its samples are compressed.
    """
    form: bytes | None = None
    at, parts = _HEAD, Parts()
    while True:
        parts.take()
        kind, size = read_bytes(data, at, 4), int.from_bytes(read_bytes(data, at + 4, 4), "little")
        at += 8
        if kind == b"data":
            break
        if kind == b"fmt ":
            form = _read_format(read_bytes(data, at, size))
        at += size + size % 2
    if form is None:
        raise damaged_media()
    left = len(data) - at
    size = left if size in _UNKNOWN_SIZES or size > left else size
    _, _, _, bytes_a_second, block, _ = struct.unpack_from("<HHIIHH", form)
    size -= size % block
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    total = 8 + len(head) + size
    # The new head is no longer than the old one, which had the same chunks.
    data.move(8 + len(head), at, size)
    data[: 8 + len(head)] = b"RIFF" + struct.pack("<I", total - 8) + head
    return Media(WAV.media_type, size / bytes_a_second, total)


def _read_format(content: bytes) -> bytes:
    """The format, as short as it can be."""
    code, channels, rate, bytes_a_second, block, bits = struct.unpack_from("<HHIIHH", content)
    if code == _EXTENSIBLE and content[26:40] == _SUBTYPE:
        form = content[:16] + struct.pack("<H", 22) + content[18:40]
        code = int.from_bytes(content[24:26], "little")
    else:
        form = content[:16]
    if code not in (_PCM, _FLOAT):
        raise unknown_codec()
    if not (channels and rate and bits) or bits % 8:
        raise damaged_media()
    if block != channels * bits // 8 or bytes_a_second != rate * block:
        raise damaged_media()
    return form
