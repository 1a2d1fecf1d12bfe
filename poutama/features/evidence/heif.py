"""HEIC pictures, as telephones take them, become JPEG: what browsers show.

`documents` calls it, in a process with limits: a library in C decodes what strangers wrote. It
has decoders alone (libheif and libde265, LGPL). The picture is turned as it says; thumbnails,
depth, places and all else that lies beside the pixels are not read. The colour profile stays.
"""

from __future__ import annotations

from pathlib import Path

from poutama.features.evidence.metadata import damaged_picture
from poutama.features.evidence.types import UnfitFileError

MAX_PIXELS = 70_000_000
"""Of what is decoded: so many take 0.6 GB of address space, those of a telephone 0.5 GB."""
_QUALITY = 90


def decode_heif(source: Path, target: Path) -> None:
    """Write the first picture of the file as JPEG; deterministic.

    Raises:
        UnfitFileError: it is damaged, or too large.
    """
    # heavy: an extra that only workers have
    import pi_heif  # type: ignore[import-untyped]

    options = pi_heif.options
    options.DECODE_THREADS = 1
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    try:
        found = pi_heif.open_heif(source)
        width, height = found.size
        if width * height > MAX_PIXELS:
            raise UnfitFileError(
                f"The picture is too large: {width} by {height} pixels. Make it smaller, to"
                f" {MAX_PIXELS // 1_000_000} million pixels at most, and add it again."
            )
        image = found.to_pillow()
        profile = image.info.get("icc_profile")
        if image.mode not in ("L", "RGB"):
            image = image.convert("RGB")
        image.info = {}
        image.save(target, "JPEG", quality=_QUALITY, icc_profile=profile)
    except (UnfitFileError, MemoryError):
        raise
    except Exception:  # decoders raise anything when fed with anything
        raise damaged_picture() from None
