"""The fonts that a journey is printed in, and which signs they have.

`pdf_document` asks. The fonts are of the Noto family, from packages that hold nothing else; those
of Chinese, Japanese and Korean are the extra `cjk`, without which such writing becomes words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from poutama.unicode_data import category

# Symbols have the frame of 1️⃣ without the digit.
_FIRST = ("Noto Sans", "Noto Emoji")
_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
# The template names the language of Japanese and Korean, which have other forms in this font too.
_LAST = ("Noto Sans CJK SC", "Noto Sans Symbols")
_OTHER_CJK = "Noto Sans CJK "
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Typeface:
    """Fonts that stand in for each other.

    Attributes:
        fonts: as typst takes them.
        families: their names, those that are tried first in front.
        has_glyph: whether any of them has a sign.
    """

    fonts: Any
    families: tuple[str, ...]
    has_glyph: Callable[[str], bool]


@cache
def load_typeface(packages: tuple[str, ...] = _PACKAGES) -> Typeface:
    """Open the fonts of these packages, as far as they are installed; once in a process."""
    # heavy: typst and the fonts belong to the extra `jobs`, and only workers print.
    import typst

    folders = [folder for name in packages if (folder := _find_folder(name)) is not None]
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=folders
    )
    return Typeface(fonts, _order(fonts.families()), _make_has_glyph(folders))


def _find_folder(package: str) -> Path | None:
    spec = find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _order(families: list[str]) -> tuple[str, ...]:
    scripts = [
        name
        for name in sorted(families)
        if name not in (*_FIRST, *_LAST) and not name.startswith(_OTHER_CJK)
    ]
    return (*_FIRST, *scripts, *(name for name in _LAST if name in families))


def _make_has_glyph(folders: list[Path]) -> Callable[[str], bool]:
    import uharfbuzz as hb  # type: ignore[import-untyped]  # heavy: as above

    # A collection's first face has the signs of all its languages.
    files = [file for folder in folders for file in sorted(folder.glob("*.tt[cf]"))]
    fonts = [hb.Font(hb.Face(hb.Blob.from_file_path(str(file)))) for file in files]

    @lru_cache(maxsize=4096)
    def has_glyph(sign: str) -> bool:
        if category(sign)[0] == "C" and sign not in _JOINERS:
            return False  # fonts have some, and an override would turn our own words around
        return any(font.get_nominal_glyph(ord(sign)) for font in fonts)

    return has_glyph
