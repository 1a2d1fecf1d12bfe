"""Pictures inside office documents: where they were taken is gone, what they show is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from poutama.features.evidence.types import DOCX, ODT
from tests.unit.features import photos
from tests.unit.features.office import archive, clean, office, refused, whole


@pytest.mark.parametrize("picture", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("media_type", [DOCX.media_type, ODT.media_type])
def test_where_a_picture_was_taken_is_gone(tmp_path: Path, media_type: str, picture: str) -> None:
    taken = photos.photo(picture)
    assert any(trace in taken for trace in photos.TRACES)
    parts = whole(media_type)
    parts["word/media/image1.xyz"] = taken
    made = clean(tmp_path, archive(parts), media_type)
    left = made.pop("word/media/image1.xyz")
    assert [trace for trace in photos.TRACES if trace in left] == []
    assert photos.pixels(left) == photos.pixels(taken)
    del parts["word/media/image1.xyz"]
    assert made == parts


def test_how_the_camera_was_held_stays(tmp_path: Path) -> None:
    taken = photos.photo("JPEG", orientation=6)
    made = clean(tmp_path, archive(office(more={"word/media/a.jpg": taken})), DOCX.media_type)
    left = made["word/media/a.jpg"]
    assert photos.orientation(left) == 6
    assert photos.PLACE not in left
    assert photos.pixels(left) == photos.pixels(taken)


def test_what_follows_a_picture_is_gone(tmp_path: Path) -> None:
    two = photos.photo() + photos.photo(orientation=3)
    made = clean(tmp_path, archive(office(more={"word/media/a.jpg": two})), DOCX.media_type)
    assert photos.PLACE not in made["word/media/a.jpg"]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"II*\0" + bytes(60), "TIFF or HEIC"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "TIFF or HEIC"),
        (b"\0\0\0\x18ftypmp42" + bytes(70_000) + b"\xa9xyz+41.2-174", "A video"),
        (
            b"\0\0\0\x18ftypqt  " + bytes(65_505) + b"com.apple.quicktime.location.ISO6709",
            "A video",
        ),
        (b"\xff\xd8\xff\xe1\xff\xff", "A picture in the document is damaged"),
    ],
)
def test_what_cannot_be_freed_of_its_place_is_refused(
    tmp_path: Path, head: bytes, reason: str
) -> None:
    assert reason in refused(tmp_path, office(more={"word/media/a.png": head}))
