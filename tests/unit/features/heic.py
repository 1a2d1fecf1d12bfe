"""HEIC pictures for tests: boxes written here, around a picture of 64 by 64 pixels in HEVC.

The picture's upper left quarter alone is white. It was made of `photos.scene` once, by an encoder
that is under the GPL, and therefore is not among what the tests install.
"""

from __future__ import annotations

import struct

from tests.unit.features.photos import PLACE, XMP, profile
from tests.unit.features.recordings import box, full

HOW = bytes.fromhex(
    "0103700000009000000000001ef000fcfdf8f800000f03600001001840010c01ffff037000000300"
    "90000003000003001eba0240610001002b42010103700000030090000003000003001ea020810596"
    "ea4929ae6e021a0c0800000300c800000300084062000100074401c172b02240"
)
PIXELS = bytes.fromhex("0000001b2801af1380e6c86853ea1fba65df03fffde8826cfffff353006cf0")
SIDE = 64


def heic(
    *,
    turn: int = 0,
    mirror: int | None = None,
    rows: int = 1,
    columns: int = 1,
    size: tuple[int, int] | None = None,
) -> bytes:
    """A picture as a telephone takes it, with its place and its profile.

    Args:
        turn: quarters against the clock.
        mirror: the axis, 0 for the upright one, or None.
        rows, columns: of the tiles it is made of, all alike.
        size: what it says that it has; by default, that of its tiles.
    """
    width, height = size or (columns * SIDE, rows * SIDE)
    tiles = range(10, 10 + rows * columns)
    grid = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    exif = bytes(4) + b"MM\0*\0\0\0\x08\0\1\x01\x0e\0\2" + struct.pack(">II", len(PLACE), 26)
    items = [(2, b"grid", grid), (3, b"Exif", exif + bytes(4) + PLACE), (4, b"mime", XMP)]
    items += [(number, b"hvc1", PIXELS) for number in tiles]
    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    described = (
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", b"\0\2"),
        full(b"iinf", struct.pack(">H", len(items)), *map(_describe_item, items)),
        full(
            b"iref",
            box(b"dimg", struct.pack(f">{2 + len(tiles)}H", 2, len(tiles), *tiles)),
            *(box(b"cdsc", struct.pack(">HHH", number, 1, 2)) for number in (3, 4)),
        ),
        _describe_pixels(width, height, turn, mirror, tiles),
    )
    begins = len(head) + len(full(b"meta", *described, _locate(items, 0))) + 8
    meta = full(b"meta", *described, _locate(items, begins))
    return head + meta + box(b"mdat", *(content for _, _, content in items))


Item = tuple[int, bytes, bytes]


def _describe_item(item: Item) -> bytes:
    number, kind, _ = item
    more = b"application/rdf+xml\0" if kind == b"mime" else b""
    hidden = 1 if kind == b"hvc1" else 0
    named = struct.pack(">HH", number, 0) + kind + b"\0" + more
    return full(b"infe", named, version=2, flags=hidden)


def _describe_pixels(width: int, height: int, turn: int, mirror: int | None, tiles: range) -> bytes:
    properties = [
        box(b"hvcC", HOW),
        full(b"ispe", struct.pack(">II", SIDE, SIDE)),
        full(b"ispe", struct.pack(">II", width, height)),
        full(b"pixi", b"\3\x08\x08\x08"),
        box(b"colr", b"prof", profile()),
    ]
    shown = [3, 4, 5]
    for kind, value in ((b"irot", turn or None), (b"imir", mirror)):
        if value is not None:
            properties.append(box(kind, bytes([value])))
            shown.append(len(properties) | 0x80)
    uses = {2: shown} | {number: [1 | 0x80, 2, 4] for number in tiles}
    used = [struct.pack(">HB", number, len(each)) + bytes(each) for number, each in uses.items()]
    associations = full(b"ipma", struct.pack(">I", len(uses)), *used)
    return box(b"iprp", box(b"ipco", *properties), associations)


def _locate(items: list[Item], begins: int) -> bytes:
    places, at = [], begins
    for number, _, content in items:
        places.append(struct.pack(">HHHII", number, 0, 1, at, len(content)))
        at += len(content)
    return full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), *places)
