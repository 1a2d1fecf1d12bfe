"""Pictures for tests, which tell where they were taken in every way that a picture can."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

PLACE = b"Behind-the-woolshed"
LATITUDE = (Fraction(4123451, 100000), Fraction(0), Fraction(0))
TRACES = (
    *(PLACE, b"GPS", b"Exif\0", b"eXIf", b"EXIF", b"xpacket", b"8BIM", b"ns.adobe.com"),
    *(struct.pack(order, 4123451) for order in ("<I", ">I")),
)
"""Bytes of which none may be in what is served."""

XMP = b'<?xpacket begin=""?><x:xmpmeta><exif:GPSLatitude>' + PLACE + b"</exif:GPSLatitude>"


@cache
def profile() -> bytes:
    """A colour profile: always the same, although one that is made anew holds the second."""
    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def scene(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture whose upper left quarter alone is white."""
    image = Image.new("L", size, 0)
    image.paste(255, (0, 0, size[0] // 2, size[1] // 2))
    return image.convert(mode)


def located(orientation: int = 1) -> Image.Exif:
    """What a telephone writes down."""
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    exif[0x0112] = orientation
    exif[0x8825] = {1: "S", 2: LATITUDE, 3: "E", 4: LATITUDE}
    return exif


def photo(format_: str = "JPEG", *, mode: str = "RGB", orientation: int = 1, **more: Any) -> bytes:
    """A picture as a telephone makes it: place, comment, profile and all."""
    options: dict[str, Any] = {"exif": located(orientation), "icc_profile": profile(), **more}
    if format_ == "PNG":
        text = PngInfo()
        text.add_text("Comment", PLACE.decode())
        text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        options["pnginfo"] = text
    elif format_ == "GIF":
        options = {"comment": PLACE, **more}
    else:
        options["xmp"] = XMP
    if format_ == "JPEG":
        options["comment"] = PLACE
    file = BytesIO()
    scene(mode).save(file, format_, **options)
    data = file.getvalue()
    return data[:2] + _iptc() + data[2:] if format_ == "JPEG" else data


def animation(format_: str, frames: int = 5, size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture that moves, with a comment where its format has any."""
    images = [Image.new("RGB", size, (number * 20 % 256, 0, 0)) for number in range(frames)]
    file = BytesIO()
    more = {"comment": PLACE} if format_ == "GIF" else {"exif": located()}
    images[0].save(
        file, format_, save_all=True, append_images=images[1:], loop=0, duration=50, **more
    )
    return file.getvalue()


def _chunks(data: bytes, start: int = 12) -> list[tuple[bytes, bytes]]:
    """The chunks of a WebP file, or of a frame."""
    found, at = [], start
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def _join(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
        for name, content in chunks
    )


def hide_in_frames(webp: bytes, text: bytes) -> bytes:
    """A moving WebP with a chunk of EXIF in each of its frames."""
    chunks = [
        (name, content + _join([(b"EXIF", text)]) if name == b"ANMF" else content)
        for name, content in _chunks(webp)
        if name != b"EXIF"
    ]
    body = b"WEBP" + _join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def frames(webp: bytes) -> list[list[tuple[bytes, bytes]]]:
    """What each frame of a moving WebP has of pixels."""
    return [
        [each for each in _chunks(content, 16) if each[0] != b"EXIF"]
        for name, content in _chunks(webp)
        if name == b"ANMF"
    ]


def write_large_jpeg(path: Path, width: int, height: int) -> None:
    """A grey JPEG of any size, that takes little time and memory to make.

    One row of blocks is encoded, and stands there many times: each block begins anew
    after a marker.
    """
    file = BytesIO()
    Image.new("L", (width, 8), 128).save(file, "JPEG", restart_marker_rows=1)
    data = bytearray(file.getvalue())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 7] = height.to_bytes(2, "big")
    scan = data.index(b"\xff\xda")
    begins = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    row = bytes(data[begins:-2])
    with path.open("wb") as written:
        written.write(data[:begins])
        for number in range(-(-height // 8)):
            written.write(row + bytes([0xFF, 0xD0 + number % 8]))
        written.write(b"\xff\xd9")


def bomb(side: int = 30_000) -> bytes:
    """A PNG of some kilobytes that is `side` pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    pixels = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def _iptc() -> bytes:
    """The segment in which press photographers name the place."""
    caption = b"\x1c\x02\x78" + struct.pack(">H", len(PLACE)) + PLACE
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    data = b"Photoshop 3.0\0" + block + b"\0" * (len(block) % 2)
    return b"\xff\xed" + struct.pack(">H", len(data) + 2) + data


def pixels(data: bytes) -> bytes:
    """What is shown of a picture, as it is stored."""
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


def orientation(data: bytes) -> int:
    """How the camera was held, as the picture says."""
    with Image.open(BytesIO(data)) as image:
        return int(image.getexif().get(0x0112, 1))
