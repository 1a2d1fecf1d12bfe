"""HEIC pictures: what is served is a JPEG that stands upright, and tells nothing besides."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from poutama.features.evidence import heif
from poutama.features.evidence.documents import Cleaned
from poutama.features.evidence.heif import decode_heif
from poutama.features.evidence.isolation import clean_apart
from poutama.features.evidence.types import HEIC, JPEG, UnfitFileError
from tests.unit.features import photos
from tests.unit.features.heic import heic
from tests.unit.features.test_evidence_pictures import brightest_quarter


def decode(folder: Path, data: bytes) -> Image.Image:
    (folder / "upload").write_bytes(data)
    decode_heif(folder / "upload", folder / "file")
    with Image.open(folder / "file", formats=["JPEG"]) as image:
        image.load()
        return image


def test_nothing_of_the_place_is_left(tmp_path: Path) -> None:
    taken = heic()
    assert taken.count(photos.PLACE) == 2
    served = decode(tmp_path, taken)
    assert served.info["icc_profile"] == photos.profile()
    assert not served.getexif()
    assert photos.PLACE not in (tmp_path / "file").read_bytes()


@pytest.mark.parametrize(
    ("turn", "mirror", "quarter"),
    [
        (0, None, (False, False)),
        (1, None, (False, True)),
        (2, None, (True, True)),
        (3, None, (True, False)),
        (0, 0, (False, True)),
        (0, 1, (True, False)),
    ],
)
def test_a_picture_stands_upright(
    tmp_path: Path, turn: int, mirror: int | None, quarter: tuple[bool, bool]
) -> None:
    assert brightest_quarter(decode(tmp_path, heic(turn=turn, mirror=mirror))) == quarter


def test_tiles_are_put_together(tmp_path: Path) -> None:
    assert decode(tmp_path, heic(rows=3, columns=2)).size == (128, 192)


def test_the_same_upload_gives_the_same_picture(tmp_path: Path) -> None:
    decode(tmp_path, heic(turn=1))
    first = (tmp_path / "file").read_bytes()
    decode(tmp_path, heic(turn=1))
    assert (tmp_path / "file").read_bytes() == first


def test_too_many_pixels_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heif, "MAX_PIXELS", 2 * 64 * 64)
    assert decode(tmp_path, heic(columns=2)).size == (128, 64)
    with pytest.raises(UnfitFileError, match="too large: 192 by 64 pixels"):
        decode(tmp_path, heic(columns=3))
    with pytest.raises(UnfitFileError):
        decode(tmp_path, heic(size=(60_000, 60_000)))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_off_picture_is_refused(tmp_path: Path, part: float) -> None:
    taken = heic()
    with pytest.raises(UnfitFileError, match="damaged or incomplete"):
        decode(tmp_path, taken[: int(len(taken) * part)])


APART = """
import os, random, resource, sys
import pi_heif
from pathlib import Path
from poutama.features.evidence.heif import decode_heif
from poutama.features.evidence.types import UnfitFileError

source, folder = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])
for seed in range(int(sys.argv[3])):
    random.seed(seed)
    changed = bytearray(source)
    for _ in range(random.randint(1, 4)):
        at, new = random.randrange(len(source)), random.randbytes(random.randint(1, 4))
        changed[at : at + len(new)] = new
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status))
        continue
    resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    (folder / "changed").write_bytes(changed)
    try:
        decode_heif(folder / "changed", folder / "decoded")
    except UnfitFileError:
        os._exit(3)
    os._exit(0)
"""
"""Decodes changed pictures, each in a process of its own, and prints how these end."""


def test_a_changed_picture_gives_a_picture_or_ends_its_process(tmp_path: Path) -> None:
    """The library crashes on some of them: nothing decodes HEIC but the process for one document.

    None takes more memory than that may have, or runs for ever.
    """
    (tmp_path / "upload").write_bytes(heic())
    words = [sys.executable, "-c", APART, str(tmp_path / "upload"), str(tmp_path), "60"]
    done = subprocess.run(words, check=True, capture_output=True, timeout=120)
    ends = [int(line) for line in done.stdout.split()]
    assert len(ends) == 60
    assert set(ends) - {-signal.SIGSEGV, -signal.SIGABRT} == {0, 3}


def test_a_picture_is_decoded_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(heic(turn=1))
    assert clean_apart(tmp_path / "upload", tmp_path / "file", HEIC.media_type) == Cleaned(
        JPEG.media_type
    )
