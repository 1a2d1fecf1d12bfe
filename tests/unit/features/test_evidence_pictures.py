"""Pictures: what is served shows the same, and tells nothing besides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from poutama.features.evidence import pictures
from poutama.features.evidence.pictures import prepare_picture
from poutama.features.evidence.types import UnfitFileError
from tests.unit.features import photos

MILLION = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def prepare(folder: Path, data: bytes, picture: str, most: int = 50 * MILLION) -> Image.Image:
    """What is served, opened; its thumbnail beside it."""
    (folder / "upload").write_bytes(data)
    prepare_picture(
        folder / "upload", folder / "file", folder / "thumbnail", picture=picture, max_pixels=most
    )
    with Image.open(folder / "file", formats=[picture]) as image:
        image.load()
        return image


def thumbnail(folder: Path) -> Image.Image:
    with Image.open(folder / "thumbnail", formats=["WEBP"]) as image:
        image.load()
        return image


def brightest_quarter(image: Image.Image) -> tuple[bool, bool]:
    """Whether the white quarter is on the right, and whether it is below."""
    grey = image.convert("RGB").convert("L")
    w, h = grey.size
    levels = {
        (right, below): grey.getpixel((w * (1 + 2 * right) // 4, h * (1 + 2 * below) // 4))
        for right in (False, True)
        for below in (False, True)
    }
    return max(levels, key=lambda place: float(str(levels[place])))


EVERY = [
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
    *(("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
]


@pytest.mark.parametrize(("picture", "mode"), EVERY)
@pytest.mark.parametrize("orientation", [1, 6])
def test_nothing_of_the_place_is_left(
    folder: Path, picture: str, mode: str, orientation: int
) -> None:
    taken = photos.photo(picture, mode=mode, orientation=orientation)
    assert sum(trace in taken for trace in photos.TRACES) >= 3

    served = prepare(folder, taken, picture)

    for name in ("file", "thumbnail"):
        data = (folder / name).read_bytes()
        assert [trace for trace in photos.TRACES if trace in data] == []
    assert not served.getexif()
    assert not {"xmp", "comment", "photoshop", "Comment"} & set(served.info)


@pytest.mark.parametrize("picture", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_colours_keep_their_profile(folder: Path, picture: str, orientation: int) -> None:
    served = prepare(folder, photos.photo(picture, orientation=orientation), picture)

    assert served.info["icc_profile"] == photos.profile()
    assert thumbnail(folder).info["icc_profile"] == photos.profile()


@pytest.mark.parametrize("picture", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "quarter", "turned"),
    [
        (1, (False, False), False),
        (2, (True, False), False),
        (3, (True, True), False),
        (4, (False, True), False),
        (5, (False, False), True),
        (6, (True, False), True),
        (7, (True, True), True),
        (8, (False, True), True),
    ],
)
def test_a_picture_stands_upright(
    folder: Path, picture: str, orientation: int, quarter: tuple[bool, bool], turned: bool
) -> None:
    served = prepare(folder, photos.photo(picture, orientation=orientation), picture)

    assert served.size == ((48, 64) if turned else (64, 48))
    assert brightest_quarter(served) == quarter
    assert thumbnail(folder).size == served.size
    assert brightest_quarter(thumbnail(folder)) == quarter


@pytest.mark.parametrize("picture", ["PNG", "WEBP"])
def test_an_upright_picture_keeps_every_pixel(folder: Path, picture: str) -> None:
    more = {"lossless": True} if picture == "WEBP" else {}
    taken = photos.photo(picture, mode="RGBA", **more)
    served = prepare(folder, taken, picture)

    with Image.open(folder / "upload") as before:
        assert served.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


@pytest.mark.parametrize("picture", ["GIF", "PNG", "WEBP"])
def test_what_moves_goes_on_moving_without_its_comment(folder: Path, picture: str) -> None:
    served = prepare(folder, photos.animation(picture), picture)

    data = (folder / "file").read_bytes()
    assert [trace for trace in photos.TRACES if trace in data] == []
    with Image.open(folder / "file") as moving:
        assert getattr(moving, "n_frames", 1) == 5
        moving.load()
        assert moving.info["duration"] == 50
        assert moving.info["loop"] == 0
    assert served.size == (64, 48)
    assert thumbnail(folder).size == (64, 48)


def test_the_frames_of_an_animation_tell_nothing_besides(folder: Path) -> None:
    """EXIF in the chunks of a frame, where no program looks for it."""
    moving = photos.hide_in_frames(photos.animation("WEBP"), photos.PLACE)
    assert moving.count(photos.PLACE) == 5
    prepare(folder, moving, "WEBP")
    data = (folder / "file").read_bytes()
    assert photos.PLACE not in data
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert photos.frames(data) == photos.frames(moving)


@pytest.mark.parametrize(
    ("size", "served"),
    [((100, 60), (100, 60)), ((101, 60), (51, 30)), ((400, 16), (200, 8)), ((700, 60), (175, 15))],
)
@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_of_too_many_pixels_is_scaled(
    folder: Path, size: tuple[int, int], served: tuple[int, int], progressive: bool
) -> None:
    photos.scene(size=size).save(folder / "large.jpg", progressive=progressive)
    found = prepare(folder, (folder / "large.jpg").read_bytes(), "JPEG", 6_000)
    assert found.size == served
    assert brightest_quarter(found) == (False, False)


def test_a_photo_beyond_all_bounds_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.scene(size=(1000, 1000)).save(folder / "large.jpg", progressive=True)
    data = (folder / "large.jpg").read_bytes()
    with pytest.raises(UnfitFileError, match="too large: 1000 by 1000 pixels"):
        prepare(folder, data, "JPEG", 10_000)
    assert prepare(folder, data, "JPEG", 20_000).size == (125, 125)
    # Of a progressive one, all parts are in memory before it can be scaled: 4:2:0 has 3 bytes each.
    monkeypatch.setattr(pictures, "_MAX_WAITING_BYTES", 2_999_999)
    with pytest.raises(UnfitFileError, match="too large"):
        prepare(folder, data, "JPEG", 20_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what Linux says")
def test_a_large_photo_takes_memory_for_what_is_left_of_it(folder: Path) -> None:
    """200 million pixels, as some telephones take, in a process that may have 700 MB."""
    large = folder / "large.jpg"
    photos.write_large_jpeg(large, 16_320, 12_240)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700_000_000,) * 2)\n"
        "from poutama.features.evidence.pictures import prepare_picture\n"
        "source, target, small = map(Path, sys.argv[1:])\n"
        "prepare_picture(source, target, small, picture='JPEG', max_pixels=50_000_000)\n"
    )
    arguments = [str(large), str(folder / "file"), str(folder / "thumbnail")]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, timeout=120)
    with Image.open(folder / "file") as served:
        assert served.size == (8160, 6120)


@pytest.mark.parametrize("picture", ["GIF", "JPEG", "PNG", "WEBP"])
def test_the_same_upload_gives_the_same_objects(folder: Path, picture: str) -> None:
    taken = photos.photo(picture, orientation=6)
    prepare(folder, taken, picture)
    first = [(folder / name).read_bytes() for name in ("file", "thumbnail")]
    prepare(folder, taken, picture)
    assert [(folder / name).read_bytes() for name in ("file", "thumbnail")] == first


def test_a_thumbnail_has_no_side_over_400_pixels(folder: Path) -> None:
    photos.scene(size=(1200, 300)).save(folder / "large.jpg")
    prepare(folder, (folder / "large.jpg").read_bytes(), "JPEG")
    assert thumbnail(folder).size == (400, 100)


def test_a_transparent_picture_has_a_transparent_thumbnail(folder: Path) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 10, 10))
    for mode in ("RGBA", "P"):
        clear.convert(mode).save(folder / "clear.png")
        prepare(folder, (folder / "clear.png").read_bytes(), "PNG")
        assert thumbnail(folder).mode == "RGBA"
        assert thumbnail(folder).getpixel((15, 15))[3] == 0  # type: ignore[index]


def test_what_hangs_behind_the_picture_is_cut_off(folder: Path) -> None:
    for picture in ("GIF", "JPEG", "PNG", "WEBP"):
        prepare(folder, photos.photo(picture) + photos.PLACE, picture)
        assert photos.PLACE not in (folder / "file").read_bytes()


@pytest.mark.parametrize("picture", ["GIF", "JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.9])
def test_a_cut_off_picture_is_refused(folder: Path, picture: str, part: float) -> None:
    taken = photos.animation("GIF") if picture == "GIF" else photos.photo(picture)
    with pytest.raises(UnfitFileError, match="damaged or incomplete"):
        prepare(folder, taken[: int(len(taken) * part)], picture)


def test_a_bomb_is_refused_before_it_goes_off(folder: Path) -> None:
    packed = photos.bomb()
    assert len(packed) < 200_000
    with pytest.raises(
        UnfitFileError, match=r"too large: 30000 by 30000 pixels\. Make it smaller, to 50 million"
    ):
        prepare(folder, packed, "PNG")


def test_a_long_animation_is_refused(folder: Path) -> None:
    moving = photos.animation("GIF", frames=50)
    # A quarter of these for each frame, and ten times that for all together.
    most = 64 * 48 * 4
    prepare(folder, photos.animation("GIF", frames=10), "GIF", most)
    with pytest.raises(UnfitFileError, match="too long"):
        prepare(folder, moving, "GIF", most)
    with pytest.raises(UnfitFileError, match="too large"):
        prepare(folder, moving, "GIF", most - 4)


def test_a_jpeg_of_endless_scans_is_refused(folder: Path) -> None:
    with pytest.raises(UnfitFileError):
        prepare(folder, photos.photo() + b"\xff\xda\0\x08" * 101, "JPEG")


def test_one_format_is_not_opened_as_another(folder: Path) -> None:
    for picture in ("GIF", "PNG", "WEBP"):
        with pytest.raises(UnfitFileError):
            prepare(folder, photos.photo("JPEG"), picture)


def test_broken_metadata_makes_no_broken_picture(folder: Path) -> None:
    taken = (
        photos.photo()
        .replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\0?")
        .replace(b"Exif\0\0II*\0", b"Exif\0\0II?\0")
    )
    assert prepare(folder, taken, "JPEG").size == (64, 48)
