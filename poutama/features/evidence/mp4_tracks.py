"""The tracks of MP4 and QuickTime files: sound and video are kept, with what a player needs.

`mp4` calls it. What is kept tells neither when it was made nor what a program called it.
Sources: ISO/IEC 14496-12, 8; https://developer.apple.com/documentation/quicktime-file-format
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from poutama.features.evidence.media_bytes import (
    Bytes,
    Parts,
    damaged_media,
    overwrite,
    read_bytes,
    read_number,
)
from poutama.features.evidence.mp4_boxes import (
    Box,
    blank_times,
    find_box,
    keep_boxes,
    read_boxes,
    require_box,
)
from poutama.features.evidence.mp4_samples import Span, read_duration, read_spans

SOUND, VIDEO = b"soun", b"vide"
CODECS: Mapping[bytes, frozenset[bytes]] = {
    SOUND: frozenset((b"mp4a", b"Opus", b"alac", b"fLaC", b".mp3")),
    VIDEO: frozenset((b"avc1", b"avc3", b"hvc1", b"hev1", b"av01", b"vp08", b"vp09")),
}
STILL = frozenset((b"jpeg", b"png "))
"""Covers and pictures of chapters: left out, and not missed."""

_TRACK = frozenset((b"tkhd", b"edts", b"mdia"))
_EDITS = frozenset((b"elst",))
_MEDIA = frozenset((b"mdhd", b"hdlr", b"minf"))
_INFORMATION = frozenset((b"vmhd", b"smhd", b"hdlr", b"dinf", b"stbl"))
_TABLES = frozenset(b"stsd stts ctts cslg stsc stsz stco co64 stss stps sdtp".split())
_ENTRY = frozenset(
    b"avcC hvcC av1C vpcC esds dOps alac dfLa chan chnl colr pasp clap fiel btrt dvcC dvvC"
    b" mdcv clli amve wave".split()
)
_WAVE = frozenset((b"frma", b"mp4a", b"esds", b"enda", b"alac"))
_NAME = 50
"""Where an entry for video has the name of the program that compressed it: 32 bytes."""
_SELF_CONTAINED = 1


@dataclass(slots=True)
class Track:
    """A track that is kept.

    Attributes:
        handler: SOUND or VIDEO.
        timescale: units in a second.
        units: how long it lasts.
        spans: where its samples lie.
    """

    id: int
    handler: bytes
    timescale: int
    units: int = 0
    spans: list[Span] = field(default_factory=list)


def read_handler(data: Bytes, track: Box, parts: Parts) -> bytes:
    """What the track is for."""
    found = find_box(data, track, (b"mdia", b"hdlr"), parts)
    return b"" if found is None else read_bytes(data, found.body + 8, 4)


def read_codecs(data: Bytes, track: Box, parts: Parts) -> tuple[bytes, ...]:
    """How its samples are encoded."""
    found = find_box(data, track, (b"mdia", b"minf", b"stbl", b"stsd"), parts)
    if found is None:
        return ()
    return tuple(entry.kind for entry in read_boxes(data, found.body + 8, found.end, parts))


def clean_track(
    data: Bytes, box: Box, handler: bytes, codecs: tuple[bytes, ...], parts: Parts
) -> Track | None:
    """Keep a track of sound or video; None where it is neither, or its codec is not known.

    Raises:
        UnfitFileError: it is damaged, or not understood.
    """
    if not codecs or not set(codecs) <= CODECS.get(handler, frozenset()):
        return None
    for child in keep_boxes(data, box.body, box.end, _TRACK, parts):
        if child.kind == b"edts":
            keep_boxes(data, child.body, child.end, _EDITS, parts)
    header = require_box(data, box, (b"tkhd",), parts)
    media = require_box(data, box, (b"mdia",), parts)
    number = read_number(data, blank_times(data, header), 4)
    timescale = _clean_media(data, media, parts)
    tables = require_box(data, media, (b"minf", b"stbl"), parts)
    _clean_entries(data, require_box(data, tables, (b"stsd",), parts), handler, parts)
    track = Track(number, handler, timescale)
    track.units = read_duration(data, tables, parts)
    track.spans = read_spans(data, tables, parts)
    return track


def _clean_media(data: Bytes, media: Box, parts: Parts) -> int:
    """Keep what describes the samples; returns how many units of time are in a second."""
    keep_boxes(data, media.body, media.end, _MEDIA, parts)
    _blank_name(data, require_box(data, media, (b"hdlr",), parts))
    information = require_box(data, media, (b"minf",), parts)
    for child in keep_boxes(data, information.body, information.end, _INFORMATION, parts):
        if child.kind == b"hdlr":
            _blank_name(data, child)
        elif child.kind == b"dinf":
            _check_references(data, child, parts)
        elif child.kind == b"stbl":
            keep_boxes(data, child.body, child.end, _TABLES, parts)
    header = require_box(data, media, (b"mdhd",), parts)
    timescale = read_number(data, blank_times(data, header), 4)
    if timescale == 0:
        raise damaged_media()
    return timescale


def _blank_name(data: Bytes, handler: Box) -> None:
    overwrite(data, min(handler.body + 24, handler.end), handler.end)


def _check_references(data: Bytes, holder: Box, parts: Parts) -> None:
    """Refuse samples that lie in another file."""
    for box in keep_boxes(data, holder.body, holder.end, frozenset((b"dref",)), parts):
        for entry in read_boxes(data, box.body + 8, box.end, parts):
            if not read_number(data, entry.body + 3, 1) & _SELF_CONTAINED:
                raise damaged_media()
            overwrite(data, entry.body + 4, entry.end)


def _clean_entries(data: Bytes, table: Box, handler: bytes, parts: Parts) -> None:
    """Keep how the samples are decoded, without the names of programs."""
    version = read_number(data, table.body, 1)
    for entry in read_boxes(data, table.body + 8, table.end, parts):
        if handler == VIDEO:
            at = entry.start + 86
            overwrite(data, entry.start + _NAME, min(entry.start + _NAME + 32, entry.end))
        else:
            # QuickTime has longer descriptions of sound, by their version.
            longer = {1: 16, 2: 36} if version == 0 else {}
            at = entry.start + 36 + longer.get(read_number(data, entry.start + 16, 2), 0)
        if at > entry.end:
            raise damaged_media()
        for child in keep_boxes(data, at, entry.end, _ENTRY, parts):
            if child.kind == b"wave":
                keep_boxes(data, child.body, child.end, _WAVE, parts)
