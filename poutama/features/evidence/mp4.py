"""MP4, M4A and QuickTime files: boxes that are not needed become `free` boxes of the same size.

`media` calls it. A box that is not known is not needed. Of a track that is neither sound nor video,
and of all else in `mdat` that no kept track refers to, the bytes are overwritten: places, faces and
movements that telephones record beside the pictures lie there.
Sources: ISO/IEC 14496-12; https://developer.apple.com/documentation/quicktime-file-format
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from poutama.features.evidence.media_bytes import (
    Bytes,
    Media,
    Parts,
    damaged_media,
    overwrite,
    unknown_codec,
)
from poutama.features.evidence.mp4_boxes import Box, blank_times, find_box, free, keep_boxes
from poutama.features.evidence.mp4_samples import Span, read_defaults, read_fragment
from poutama.features.evidence.mp4_tracks import (
    SOUND,
    STILL,
    VIDEO,
    Track,
    clean_track,
    read_codecs,
    read_handler,
)
from poutama.features.evidence.types import MP4, MP4_AUDIO, QUICKTIME

_TOP = frozenset((b"ftyp", b"moov", b"mdat", b"moof", b"sidx", b"styp"))
_MOVIE = frozenset((b"mvhd", b"trak", b"mvex"))
_QUICKTIME = b"qt  "


def clean_mp4(data: Bytes) -> Media:
    """Take out of the file what is neither sound nor video.

    Raises:
        UnfitFileError: it is damaged, not understood, or of a codec that browsers do not play.
    """
    parts = Parts()
    boxes = keep_boxes(data, 0, len(data), _TOP, parts)
    movies = [box for box in boxes if box.kind == b"moov"]
    if len(movies) != 1:
        raise damaged_media()
    (movie,) = movies
    tracks = _clean_movie(data, movie, parts)
    by_id, defaults = {track.id: track for track in tracks}, read_defaults(data, movie, parts)
    for box in boxes:
        if box.kind == b"moof":
            read_fragment(data, box, by_id, defaults, parts)
    spans = [span for track in tracks for span in track.spans]
    _overwrite_unused(data, [box for box in boxes if box.kind == b"mdat"], spans)
    is_video = any(track.handler == VIDEO for track in tracks)
    is_quicktime = (
        boxes[0].kind == b"ftyp" and data[boxes[0].body : boxes[0].body + 4] == _QUICKTIME
    )
    video = QUICKTIME if is_quicktime else MP4
    return Media(
        video.media_type if is_video else MP4_AUDIO.media_type,
        max(track.units / track.timescale for track in tracks),
        len(data),
    )


def _clean_movie(data: Bytes, movie: Box, parts: Parts) -> list[Track]:
    """The tracks that are kept; all else of the movie is overwritten."""
    children = keep_boxes(data, movie.body, movie.end, _MOVIE, parts)
    tracks: list[Track] = []
    lost = set()
    for box in children:
        if box.kind == b"mvhd":
            blank_times(data, box)
        if box.kind != b"trak":
            continue
        handler, codecs = read_handler(data, box, parts), read_codecs(data, box, parts)
        track = clean_track(data, box, handler, codecs, parts)
        if track is not None:
            tracks.append(track)
            continue
        if handler in (SOUND, VIDEO) and not set(codecs) <= STILL:
            lost.add(handler)
        free(data, box)
    # A second sound that is not known is left out; the only one is not.
    if not tracks or lost - {track.handler for track in tracks}:
        raise unknown_codec() if lost else damaged_media()
    if len({track.id for track in tracks}) < len(tracks):
        raise damaged_media()
    mvex = find_box(data, movie, (b"mvex",), parts)
    if mvex is not None:
        keep_boxes(data, mvex.body, mvex.end, frozenset((b"mehd", b"trex")), parts)
    return tracks


def _overwrite_unused(data: Bytes, holders: Sequence[Box], spans: Iterable[Span]) -> None:
    """Put zeros wherever no sample lies; each sample must lie in one of the holders."""
    starts = [holder.body for holder in holders]
    at = {holder.body: holder.body for holder in holders}
    for start, end in sorted(spans):
        place = bisect_right(starts, start) - 1
        if place < 0 or end > holders[place].end:
            raise damaged_media()
        first = starts[place]
        overwrite(data, at[first], start)
        at[first] = max(at[first], end)
    for holder in holders:
        overwrite(data, at[holder.body], holder.end)
