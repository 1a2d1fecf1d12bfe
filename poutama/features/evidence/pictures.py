"""Pictures made fit to be shown: opened once, freed of what they tell besides, and made small.

The job calls it, in a thread: it takes seconds, and memory for two copies of the pixels. Pictures
are distinguished from bombs by their size, frames and scans before anything is decoded. A JPEG is
written anew with its own quantisation, and smaller where it has too many pixels; other formats keep
every pixel, and are written anew only to be turned upright. It never fetches, and says nothing of
what a picture shows or holds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poutama.features.evidence.metadata import STRIPPERS, damaged_picture
from poutama.features.evidence.types import UnfitFileError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile
    from PIL.JpegImagePlugin import JpegImageFile

THUMBNAIL_SIDE = 400
THUMBNAIL_TYPE = "image/webp"

# Their decoders keep the picture several times over: see docs/evidence.md for the figures.
_HUNGRY = frozenset({"GIF", "WEBP"})
_HUNGRY_SHARE = 4
_SCALES = (2, 4, 8)
"""By how much a JPEG can be scaled while it is decoded, which takes memory for the result alone."""
_MAX_WAITING_BYTES = 400_000_000
"""Of a progressive JPEG, whose parts are all in memory before there is a picture."""
_MAX_FRAMES = 2_000
_MAX_FRAME_PIXELS = 10
"""How many times the pixels of the largest picture all frames together may have."""
# A camera makes one scan, a progressive picture about ten; each costs a pass over all pixels.
_MAX_SCANS = 100
_SCAN = b"\xff\xda"
_CHUNK = 1 << 20
_LONGEST_PROFILE = 1_000_000
_LONGEST_THUMBNAIL_PROFILE = 20_000
_ORIENTATION = 0x0112
_one_at_a_time = threading.Lock()


def prepare_picture(
    source: Path, target: Path, thumbnail: Path, *, picture: str, max_pixels: int
) -> None:
    """Write the picture as it is served, and its thumbnail in WebP.

    The same source gives the same bytes. Pictures are prepared one at a time in a process.

    Args:
        source: what was uploaded.
        target: upright, without metadata, with its colour profile.
        thumbnail: no side longer than `THUMBNAIL_SIDE`.
        picture: Pillow's name of the format that it must have.
        max_pixels: a JPEG with more is scaled; others are refused before they are decoded.

    Raises:
        UnfitFileError: it is damaged, or too large.
    """
    with _one_at_a_time, _refusing_what_is_broken():
        if picture == "JPEG":
            _refuse_many_scans(source)
        with _open(source, picture) as image:
            if picture in _HUNGRY or _is_animated(image):
                max_pixels //= _HUNGRY_SHARE
            if picture == "JPEG":
                _scale_large(image, max_pixels)
            _refuse_large(image.size, max_pixels)
            image.load()
            turn, profile = _turn_of(image), _profile_of(image)
            if picture == "JPEG" or (turn is not None and not _is_animated(image)):
                upright = _write_anew(image, target, picture, turn, profile)
            else:
                with source.open("rb") as read, target.open("wb") as written:
                    STRIPPERS[picture](read, written)
                upright = image.copy() if _is_animated(image) else image
                _decode_frames(image, max_pixels)
            _write_thumbnail(upright, thumbnail, profile)


@contextmanager
def _refusing_what_is_broken() -> Iterator[None]:
    try:
        yield
    except (UnfitFileError, MemoryError):
        raise
    except Exception:  # decoders raise anything when fed with anything
        raise damaged_picture() from None


def _open(source: Path, picture: str) -> ImageFile:
    """Read the header by the one decoder it may be for; no other is asked."""
    # heavy: an extra that only workers have
    from PIL.GifImagePlugin import GifImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    decoders: dict[str, type[ImageFile]] = {
        "GIF": GifImageFile,
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "WEBP": WebPImageFile,
    }
    return decoders[picture](source)


def _refuse_large(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise UnfitFileError(
            f"The picture is too large: {width} by {height} pixels. Make it smaller, to"
            f" {max_pixels / 1_000_000:.3g} million pixels at most, and add it again."
        )


def _scale_large(image: ImageFile, max_pixels: int) -> None:
    """Have a JPEG decoded smaller, if it has too many pixels and that can be done."""
    from PIL.JpegImagePlugin import JpegImageFile  # heavy: an extra of workers

    assert isinstance(image, JpegImageFile)
    width, height = image.size
    is_progressive = "progressive" in image.info or "progression" in image.info
    if is_progressive and _measure_coefficients(image) > _MAX_WAITING_BYTES:
        return
    for scale in _SCALES if width * height > max_pixels else ():
        if -(-width // scale) * -(-height // scale) <= max_pixels:
            image.draft(None, (width // scale, height // scale))
            return


def _measure_coefficients(image: JpegImageFile) -> int:
    """How many bytes a decoder keeps of a progressive picture: two for each of its coefficients."""
    width, height = image.size
    across = max(layer[1] for layer in image.layer)
    down = max(layer[2] for layer in image.layer)
    samples = sum(layer[1] * layer[2] for layer in image.layer)
    return 2 * width * height * samples // (across * down)


def _refuse_many_scans(source: Path) -> None:
    scans, last = 0, b""
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            scans += (last + chunk).count(_SCAN)
            last = chunk[-1:]
    if scans > _MAX_SCANS:
        raise damaged_picture()


def _decode_frames(image: ImageFile, max_pixels: int) -> None:
    """Decode what comes after the first frame, so that all of it is known to be sound."""
    left = max_pixels * _MAX_FRAME_PIXELS
    for frame in range(1, _MAX_FRAMES + 1):
        try:
            image.seek(frame)
        except EOFError:
            return
        _refuse_large(image.size, max_pixels)
        left -= image.width * image.height
        if left < 0:
            break
        image.load()
    raise UnfitFileError("The animation is too long. Add a shorter or smaller one.")


def _is_animated(image: ImageFile) -> bool:
    return bool(getattr(image, "is_animated", False))


def _turn_of(image: Image) -> Any:
    """How the camera was held, as the turn that sets the picture upright; None where none does."""
    from PIL.Image import Transpose  # heavy: an extra that only workers have

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        return turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken metadata makes no broken picture
        return None


def _profile_of(image: Image) -> bytes | None:
    """The colour profile, where it is one: https://www.color.org/specification/ICC.1-2022-05.pdf."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= _LONGEST_PROFILE:
        return None
    is_profile = profile[36:40] == b"acsp" and int.from_bytes(profile[:4], "big") == len(profile)
    return profile if is_profile else None


def _write_anew(
    image: ImageFile, target: Path, picture: str, turn: Any, profile: bytes | None
) -> Image:
    """Write the picture upright and with nothing but its colours; returns it."""
    options = _encoding(image, picture)
    upright = image if turn is None else image.transpose(turn)
    # Some of what is there would be written without being asked for.
    upright.info = {name: image.info[name] for name in ("transparency",) if name in image.info}
    if profile is not None:
        options["icc_profile"] = profile
    upright.save(target, picture, **options)
    return upright


def _encoding(image: ImageFile, picture: str) -> dict[str, Any]:
    """How the picture is encoded, to lose as little as can be."""
    from PIL.JpegImagePlugin import JpegImageFile, get_sampling  # heavy: an extra of workers

    if isinstance(image, JpegImageFile):
        return {"qtables": image.quantization, "subsampling": get_sampling(image)}
    if picture == "WEBP":
        assert isinstance(image.filename, str | Path)
        with Path(image.filename).open("rb") as file:
            lossless = b"VP8L" in file.read(_CHUNK)
        return {"lossless": True} if lossless else {"quality": 90}
    return {}


def _write_thumbnail(image: Image, thumbnail: Path, profile: bytes | None) -> None:
    from PIL.Image import Resampling  # heavy: an extra that only workers have

    small = _in_colours(image)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Resampling.LANCZOS, reducing_gap=2.0)
    options: dict[str, Any] = {}
    if profile is not None and profile[16:20] == b"RGB " and image.mode not in ("L", "I;16"):
        options = {"icc_profile": profile} if len(profile) <= _LONGEST_THUMBNAIL_PROFILE else {}
    small.info = {}
    small.save(thumbnail, "WEBP", quality=80, **options)


def _in_colours(image: Image) -> Image:
    """The picture in red, green, blue and perhaps transparency, as WebP has them."""
    if image.mode in ("RGB", "RGBA"):
        return image
    if image.mode.startswith("I"):
        # Sixteen bits of grey, of which eight are enough here.
        return image.point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    transparent = image.mode in ("LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")
