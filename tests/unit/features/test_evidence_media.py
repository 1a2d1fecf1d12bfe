"""Sound and video: what is served sounds and looks the same, and tells nothing besides."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poutama.features.evidence.media import MEDIA_TYPES, clean_media
from poutama.features.evidence.media_bytes import Media
from poutama.features.evidence.ogg import checksum
from poutama.features.evidence.sniffing import sniff_type
from poutama.features.evidence.types import UnfitFileError
from tests.unit.features import recordings
from tests.unit.features.photos import PLACE
from tests.unit.features.recordings import SOUND, VIDEO, Part, mp4

MP4, M4A, MOV = "video/mp4", "audio/mp4", "video/quicktime"
# name -> the file, what it is served as, how long it lasts, and samples that stay where they are
FILES: dict[str, tuple[bytes, str, float, list[bytes]]] = {
    "mp4": (mp4(), MP4, 3.0, recordings.VIDEO_SAMPLES + recordings.SOUND_SAMPLES),
    "long boxes": (mp4(version=1, wide=True), MP4, 3.0, recordings.VIDEO_SAMPLES),
    "mov": (mp4(brand=b"qt  "), MOV, 3.0, recordings.VIDEO_SAMPLES + recordings.SOUND_SAMPLES),
    "m4a": (mp4(SOUND, brand=b"M4A "), M4A, 3.0, recordings.SOUND_SAMPLES),
    "m4a with a cover": (
        mp4(SOUND, Part(b"vide", [PLACE], b"jpeg")), M4A, 3.0, recordings.SOUND_SAMPLES,
    ),
    "fragments": (recordings.fragmented(), MP4, 1.0, recordings.SOUND_SAMPLES[:2]),
    "fragments with bases": (
        recordings.fragmented(based=False), MP4, 1.0, recordings.VIDEO_SAMPLES[:2],
    ),
    "webm": (recordings.webm(), "video/webm", 1.5, [b"sound-one", b"sound-two", b"video-one"]),
    "closed webm": (recordings.webm(is_open=False), "video/webm", 1.5, [b"sound-two"]),
    "webm of sound": (recordings.webm(video=False), "audio/webm", 1.5, [b"sound-one"]),
    "webm of vorbis": (
        recordings.webm(video=False, sound=b"A_VORBIS"), "audio/webm", 1.5, [b"\x05vorbis"],
    ),
    "opus": (recordings.ogg(), "audio/ogg", 3.0, [b"sound" * 20]),
    "vorbis": (recordings.ogg(codec="vorbis"), "audio/ogg", 3.0, [b"\x05vorbis"]),
}  # fmt: skip
SHORTER: dict[str, tuple[bytes, str, float]] = {
    "mp3": (recordings.mp3(), "audio/mpeg", 50 * 1152 / 44_100),
    "mp3 without tags": (recordings.mp3(head=b"", tail=b""), "audio/mpeg", 50 * 1152 / 44_100),
    "wav": (recordings.wav(), "audio/wav", 2.0),
    "wav that broke off": (recordings.wav(said=0), "audio/wav", 2.0),
    "wav of floats": (recordings.wav(code=3, bits=32), "audio/wav", 2.0),
}
EVERY = {name: file[:3] for name, file in FILES.items()} | SHORTER


def clean(folder: Path, data: bytes) -> tuple[Media, bytes]:
    (folder / "upload").write_bytes(data)
    found = clean_media(folder / "upload", folder / "file", sniff_type(folder / "upload"))
    return found, (folder / "file").read_bytes()


@pytest.mark.parametrize("name", EVERY)
def test_nothing_of_the_place_is_left(tmp_path: Path, name: str) -> None:
    data, media_type, seconds = EVERY[name]
    found, served = clean(tmp_path, data)

    if "without tags" not in name:
        assert any(trace in data for trace in recordings.TRACES)
    assert [trace for trace in recordings.TRACES if trace in served] == []
    assert found.media_type == media_type
    assert found.seconds == pytest.approx(seconds)
    assert found.size == len(served)


@pytest.mark.parametrize("name", FILES)
def test_every_sample_stays_where_it_is(tmp_path: Path, name: str) -> None:
    data, _, _, samples = FILES[name]
    _, served = clean(tmp_path, data)
    assert len(served) == len(data)
    for sample in samples:
        assert served.index(sample) == data.index(sample)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_served_is_served_as_it_is(tmp_path: Path, name: str) -> None:
    found, served = clean(tmp_path, EVERY[name][0])
    again, same = clean(tmp_path, served)
    assert same == served
    assert again.seconds == pytest.approx(found.seconds)


def test_a_wav_keeps_its_samples(tmp_path: Path) -> None:
    data = recordings.wav()
    _, served = clean(tmp_path, data)
    assert served[44:] == data[data.index(b"data") + 8 :][:32_000]
    assert served[:4] + served[8:12] == b"RIFFWAVE"
    assert int.from_bytes(served[4:8], "little") == len(served) - 8


def test_an_mp3_keeps_its_frames(tmp_path: Path) -> None:
    _, served = clean(tmp_path, recordings.mp3())
    assert served == recordings.mp3(head=b"", tail=b"")


def test_the_pages_of_an_ogg_have_checksums_that_hold(tmp_path: Path) -> None:
    _, served = clean(tmp_path, recordings.ogg(codec="vorbis"))
    end = served.index(b"OggS", served.index(b"OggS", 4) + 4)
    page = bytearray(served[served.index(b"OggS", 4) : end])
    said = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    assert checksum(bytes(page)) == said


UNKNOWN = {
    "a codec that no browser plays": mp4(Part(b"vide", [b"a"], b"apcn"), SOUND),
    "sound that no browser plays": mp4(VIDEO, Part(b"soun", [b"a"], b"samr")),
    "a film that is protected": mp4(Part(b"vide", [b"a"], b"encv")),
    "sound that is compressed in a WAV": recordings.wav(code=85),
    "a WebM of subtitles": recordings.webm(sound=b"A_AC3"),
}
REFUSED = {
    "a film in another file": mp4().replace(b"url \0\0\0\1", b"url \0\0\0\0"),
    "no movie": mp4().replace(b"moov", b"moow"),
    "samples elsewhere": mp4().replace(b"mdat", b"mdax"),
    "two movies": mp4(more=mp4()),
    "no frames": recordings.mp3(2),
    "more than frames": recordings.mp3(tail=b"<script>" * 100),
    "two streams": recordings.ogg() + recordings.ogg().replace(b"\7\0\0\0", b"\x08\0\0\0"),
    "something behind an ogg": recordings.ogg() + b"?",
    "nothing but a head": b"OggS" + bytes(40),
    "a box that is too long": mp4(more=b"\0\0\xff\xffskip"),
    "an empty movie": mp4(Part(b"text", [b"a"], b"text")),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_no_browser_plays_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnfitFileError, match="browsers do not play"):
        clean(tmp_path, UNKNOWN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnfitFileError, match="damaged"):
        clean(tmp_path, REFUSED[name])


def test_a_second_sound_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    spatial = Part(b"soun", [b"behind you"], b"apac")
    _, served = clean(tmp_path, mp4(VIDEO, SOUND, spatial))
    assert b"behind you" not in served


def test_many_fragments_of_many_tracks_take_time_in_proportion(tmp_path: Path) -> None:
    movie = recordings.fragmented(*[SOUND] * 3_000)
    _try(tmp_path, movie + recordings.box(b"moof") * 100_000, "fragments")


def test_comments_on_many_empty_pages_take_time_in_proportion(tmp_path: Path) -> None:
    head = recordings.ogg()[: recordings.ogg().index(b"OggS", 4)]
    # A segment of 255 bytes: the packet goes on, on pages without segments.
    opened = b"OggS\0\0" + bytes(8) + b"\7" + bytes(11) + b"\1\xff" + b"OpusTags".ljust(255)
    empty = opened[:5] + b"\1" + opened[6:26] + b"\0"
    _try(tmp_path, head + opened + empty * 30_000, "ogg")


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.95])
def test_a_part_of_a_file_gives_a_file_or_a_sentence(
    tmp_path: Path, name: str, part: float
) -> None:
    data = EVERY[name][0]
    _try(tmp_path, data[: int(len(data) * part)], name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(sorted(EVERY)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
        min_size=1,
        max_size=6,
    ),
)
def test_a_changed_file_gives_a_file_or_a_sentence(
    tmp_path: Path, name: str, changes: list[tuple[float, bytes]]
) -> None:
    data = bytearray(EVERY[name][0])
    for place, new in changes:
        at = int(place * len(data))
        data[at : at + len(new)] = new
    _try(tmp_path, bytes(data), name)


def _try(folder: Path, data: bytes, name: str) -> None:
    """Clean it, if it is still taken for sound or video."""
    (folder / "upload").write_bytes(data)
    media_type = sniff_type(folder / "upload")
    if media_type not in MEDIA_TYPES:
        assert media_type
        return
    begin = time.process_time()
    try:
        found = clean_media(folder / "upload", folder / "file", media_type)
        assert 0 < found.size <= len(data), name
    except UnfitFileError as error:
        sentence = error.message
        assert sentence.endswith(".")
    assert time.process_time() - begin < 5
