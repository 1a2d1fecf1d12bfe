"""Recordings of sound and video for tests, which tell where they were made wherever they can.

The samples are no sound and no pictures: nothing that is tested decodes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from poutama.features.evidence.ogg import checksum
from tests.unit.features.photos import PLACE

VIDEO_SAMPLES = [b"video-%d;" % number * (number + 1) for number in range(4)]
SOUND_SAMPLES = [b"sound-%d;" % number for number in range(6)]
RECORDED = 3_855_000_000
"""When, in seconds since 1904."""
TRACES = (PLACE, struct.pack(">I", RECORDED), b"Hemi", b"Poutama Phone")
"""Bytes of which none may be in what is served."""


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def user_data() -> bytes:
    """Where an iPhone and an Android telephone put the place and the owner."""
    keys = full(b"keys", numbers(1), box(b"mdta", b"com.apple.quicktime.location.ISO6709"))
    item = box(b"data", numbers(1, 0), PLACE)
    return box(b"udta", box(b"\xa9xyz", PLACE), box(b"auth", b"Hemi"), bytes(4)) + box(
        b"meta", full(b"hdlr", bytes(20), b"mdta"), keys, box(b"ilst", box(numbers(1), item))
    )


@dataclass(frozen=True)
class Part:
    """A track to be written."""

    handler: bytes
    samples: Sequence[bytes]
    codec: bytes
    timescale: int = 1000
    units: int = 500


VIDEO = Part(b"vide", VIDEO_SAMPLES, b"hvc1")
SOUND = Part(b"soun", SOUND_SAMPLES, b"mp4a")
PLACES = Part(b"meta", [PLACE, PLACE + b"2"], b"mebx")


def entry(part: Part) -> bytes:
    if part.handler == b"vide":
        name = bytes([13]) + b"Poutama Phone" + bytes(18)
        head = bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", 64, 48)
        head += bytes(14) + name + b"\0\x18\xff\xff"
        return box(part.codec, head, box(b"hvcC", b"how"), box(b"uuid", PLACE))
    if part.handler == b"soun":
        head = bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHII", 1, 16, 0, 44_100 << 16)
        return box(part.codec, head, full(b"esds", b"how"), box(b"uuid", PLACE))
    return box(part.codec, bytes(6), b"\0\1", PLACE)


def track(number: int, part: Part, offsets: Sequence[int], version: int = 0) -> bytes:
    """A track of which every sample is a chunk; without offsets, one for fragments."""
    made = numbers(RECORDED, RECORDED)
    if version:
        made = struct.pack(">QQ", RECORDED, RECORDED)
    count = len(offsets)
    units = part.units * count
    duration = struct.pack(">Q", units) if version else numbers(units)
    sizes = [len(sample) for sample in part.samples[:count]]
    tables = box(
        b"stbl",
        full(b"stsd", numbers(1), entry(part)),
        full(b"stts", numbers(1, count, part.units) if count else numbers(0)),
        full(b"stsc", numbers(1, 1, 1, 1) if count else numbers(0)),
        full(b"stsz", numbers(0, count, *sizes)),
        full(b"stco", numbers(count, *offsets)),
        full(b"sgpd", PLACE),
    )
    return box(
        b"trak",
        full(b"tkhd", made, numbers(number), bytes(60), version=version, flags=3),
        box(b"tref", box(b"cdsc", numbers(1))),
        box(
            b"mdia",
            full(b"mdhd", made, numbers(part.timescale), duration, bytes(4), version=version),
            full(b"hdlr", bytes(4), part.handler, bytes(12), b"Hemi's telephone\0"),
            box(
                b"minf",
                full(b"vmhd" if part.handler == b"vide" else b"smhd", bytes(8)),
                box(b"dinf", full(b"dref", numbers(1), full(b"url ", flags=1))),
                tables,
            ),
        ),
        user_data(),
    )


def mp4(
    *parts: Part, brand: bytes = b"mp42", version: int = 0, more: bytes = b"", wide: bool = False
) -> bytes:
    """A file with its samples in front, one of each track after the other, and gaps between."""
    parts = parts or (VIDEO, SOUND, PLACES)
    head = box(b"ftyp", brand, bytes(4), brand) + box(b"uuid", PLACE)
    begins = len(head) + (16 if wide else 8)
    samples, places = b"", [list[int]() for _ in parts]
    for number in range(max(len(part.samples) for part in parts)):
        for part, found in zip(parts, places, strict=True):
            if number < len(part.samples):
                found.append(begins + len(samples))
                samples += part.samples[number]
        samples += PLACE
    data = box(b"mdat", samples)
    if wide:
        data = numbers(1) + b"mdat" + struct.pack(">Q", 16 + len(samples)) + samples
    made = numbers(RECORDED, RECORDED, 600, 1)
    movie = box(
        b"moov",
        full(b"mvhd", made, bytes(80)),
        *(
            track(number, part, found, version)
            for number, (part, found) in enumerate(zip(parts, places, strict=True), 1)
        ),
        user_data(),
    )
    return head + data + movie + box(b"free", PLACE) + more


def fragmented(*parts: Part, based: bool = True) -> bytes:
    """A file as Safari records it: the movie is empty, and fragments follow."""
    parts = parts or (VIDEO, SOUND, PLACES)
    extends = [full(b"trex", numbers(number, 1, 500, 0, 0)) for number in range(1, len(parts) + 1)]
    made = numbers(RECORDED, RECORDED, 600, 0)
    movie = box(
        b"moov",
        full(b"mvhd", made, bytes(80)),
        *(track(number, part, ()) for number, part in enumerate(parts, 1)),
        box(b"mvex", *extends),
    )
    written = box(b"ftyp", b"iso5", bytes(4), b"mp41") + movie
    for each in range(2):

        def fragment(size: int, each: int = each, begins: int = len(written)) -> bytes:
            at, runs = size + 8, []
            for number, part in enumerate(parts, 1):
                sample = part.samples[each]
                flags = 0x20000 if based else 0x1
                base = b"" if based else struct.pack(">Q", begins)
                runs.append(
                    box(
                        b"traf",
                        full(b"tfhd", numbers(number), base, flags=flags),
                        full(b"tfdt", numbers(each * 500)),
                        full(b"trun", numbers(1, at, len(sample)), flags=0x201),
                        box(b"uuid", PLACE),
                    )
                )
                at += len(sample)
            return box(b"moof", full(b"mfhd", numbers(each + 1)), *runs)

        size = len(fragment(0))
        written += fragment(size) + box(b"mdat", *(part.samples[each] for part in parts))
    return written + box(b"emsg", PLACE) + box(b"mfra", PLACE)


def wav(seconds: int = 2, *, code: int = 1, bits: int = 16, said: int | None = None) -> bytes:
    rate, block = 8000, bits // 8
    form = struct.pack("<HHIIHH", code, 1, rate, rate * block, block, bits)
    samples = bytes(range(256)) * (seconds * rate * block // 256 + 1)
    samples = samples[: seconds * rate * block]

    def chunk(kind: bytes, content: bytes, size: int | None = None) -> bytes:
        return (
            kind
            + struct.pack("<I", len(content) if size is None else size)
            + content
            + bytes(len(content) % 2)
        )

    body = chunk(b"bext", PLACE) + chunk(b"fmt ", form) + chunk(b"LIST", b"INFOIART" + b"Hemi")
    body += chunk(b"data", samples, said)
    if said is None:
        body += chunk(b"id3 ", PLACE) + chunk(b"iXML", PLACE)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def id3(content: bytes = PLACE) -> bytes:
    size = len(content)
    parts = (size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127)
    return b"ID3\x03\0\0" + bytes(parts) + content


def mp3(frames: int = 50, *, head: bytes | None = None, tail: bytes | None = None) -> bytes:
    """Frames of 128 kbit/s at 44,100 samples a second."""
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    head = id3() if head is None else head
    tail = b"APETAGEX" + PLACE + b"TAG" + PLACE.ljust(125) if tail is None else tail
    return head + frame * frames + tail


def page(packets: Iterable[bytes], *, position: int, flags: int = 0, serial: int = 7) -> bytes:
    sizes = b"".join(
        bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets
    )
    body = b"".join(packets)
    head = b"OggS\0" + bytes([flags]) + struct.pack("<QIII", position, serial, 0, 0)
    made = head + bytes([len(sizes)]) + sizes + body
    return made[:22] + struct.pack("<I", checksum(made)) + made[26:]


def comments(mark: bytes, ending: bytes = b"") -> bytes:
    given = b"LOCATION=" + PLACE
    vendor = b"Poutama Phone"
    return b"".join(
        (
            mark,
            struct.pack("<I", len(vendor)),
            vendor,
            struct.pack("<II", 1, len(given)),
            given,
            ending,
        )
    )


def ogg(seconds: int = 3, codec: str = "opus") -> bytes:
    first, second = b"OpusHead\1\1" + bytes(9), [comments(b"OpusTags")]
    rate = 48_000
    if codec == "vorbis":
        rate = 44_100
        first = b"\x01vorbis" + bytes(4) + b"\1" + struct.pack("<I", rate) + bytes(14)
        second = [comments(b"\x03vorbis", b"\x01"), b"\x05vorbis" + bytes(300)]
    return b"".join(
        (
            page([first], position=0, flags=2),
            page(second, position=0),
            page([b"sound" * 20, b"more"], position=seconds * rate // 2),
            page([b"sound" * 30], position=seconds * rate, flags=4),
        )
    )


def element(id_: int, content: bytes, *, is_open: bool = False) -> bytes:
    head = id_.to_bytes((id_.bit_length() + 7) // 8, "big")
    size = b"\x01" + b"\xff" * 7 if is_open else b"\x08" + len(content).to_bytes(4, "big")
    return head + size + content


def uint(id_: int, value: int) -> bytes:
    return element(id_, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def vorbis_private() -> bytes:
    packets = (
        b"\x01vorbis" + bytes(23),
        comments(b"\x03vorbis", b"\x01"),
        b"\x05vorbis" + bytes(9),
    )
    sizes = bytes([2, *(len(each) for each in packets[:2])])
    return sizes + b"".join(packets)


def webm(*, video: bool = True, is_open: bool = True, sound: bytes = b"A_OPUS") -> bytes:
    """A file as a browser records it; `is_open`: its segment and clusters are of unknown size."""

    def track_entry(number: int, kind: int, codec: bytes, private: bytes) -> bytes:
        content = uint(0xD7, number) + uint(0x83, kind) + element(0x86, codec)
        content += element(0x536E, PLACE) + element(0x63A2, private)
        return element(0xAE, content)

    private = vorbis_private() if sound == b"A_VORBIS" else b"OpusHead\1\1" + bytes(9)
    tracks = track_entry(1, 2, sound, private) + track_entry(3, 17, b"S_TEXT/UTF8", PLACE)
    if video:
        tracks += track_entry(2, 1, b"V_VP8", b"")

    def cluster(time: int) -> bytes:
        blocks = element(0xA3, b"\x81" + struct.pack(">hB", 0, 0x80) + b"sound-one")
        blocks += element(0xA3, b"\x83" + struct.pack(">hB", 10, 0x80) + PLACE)
        if video:
            blocks += element(0xA3, b"\x82" + struct.pack(">hB", 20, 0x80) + b"video-one")
        group = element(0xA1, b"\x81" + struct.pack(">hB", 500, 0) + b"sound-two")
        blocks += element(0xA0, group + element(0x9B, b"\x0a") + element(0x75A1, PLACE))
        content = uint(0xE7, time) + blocks + element(0xA7, b"\0") + element(0xBF, PLACE)
        return element(0x1F43B675, content, is_open=is_open)

    info = uint(0x2AD7B1, 1_000_000) + element(0x7BA9, PLACE) + element(0x5741, b"Poutama Phone")
    info += element(0x4461, PLACE[:8])
    tags = element(0x1254C367, element(0x7373, element(0x67C8, element(0x4487, PLACE))))
    segment = element(0x1549A966, info) + element(0x1654AE6B, tracks)
    segment += cluster(0) + cluster(1000) + tags + element(0x1941A469, PLACE * 20)
    return (
        element(0x1A45DFA3, uint(0x4286, 1) + element(0x4282, b"webm"))
        + element(0x18538067, segment, is_open=is_open)
        + (b"" if is_open else element(0xEC, PLACE))
    )
