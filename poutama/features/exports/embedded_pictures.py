"""Small pictures of evidence, made fit to be printed: opened, flattened, and small in the file.

`steps` calls it in a thread. What cannot be opened is left out: a damaged picture must not keep
a student from their journey.
"""

from __future__ import annotations

from io import BytesIO

SIDE = 400
_MAX_PIXELS = 4_000_000


def fit_picture(content: bytes) -> bytes | None:
    """The picture as a JPEG of no more than `SIDE` pixels a side; None where it is none."""
    # heavy: Pillow belongs to the extra `jobs`, and only workers print.
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content), formats=("WEBP", "JPEG", "PNG")) as picture:
            # Thumbnails are small; whatever claims to be large is not one of ours.
            if picture.width * picture.height > _MAX_PIXELS:
                return None
            shown = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None
    shown.thumbnail((SIDE, SIDE))
    canvas = Image.new("RGB", shown.size, "white")
    canvas.paste(shown, mask=shown.getchannel("A"))
    fitting = BytesIO()
    canvas.save(fitting, "JPEG", quality=82)
    return fitting.getvalue()
