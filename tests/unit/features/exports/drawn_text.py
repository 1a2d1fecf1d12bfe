"""What is drawn on a page, glyph by glyph, and the text that it stands for, in reading order.

Extraction by pypdf leaves out what a PDF says of itself: the text of a cluster whose glyphs are not
one for each letter (`ActualText`, ISO 32000-1, 14.9.4), and that glyphs stand from right to left.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pypdf import PageObject
from pypdf.generic import ContentStream, DictionaryObject

_PAIR = re.compile(rb"<([0-9A-F]+)>\s*<([0-9A-F]+)>")


@dataclass(slots=True)
class Font:
    """The texts and the widths of a font's glyphs, by their numbers."""

    texts: dict[int, str] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    width: float = 1000

    def read(self, glyph: int) -> str:
        """What a glyph stands for. A mark has no width, and adds nothing to its letter's text."""
        text = self.texts.get(glyph, "\ufffd")
        is_mark = all(unicodedata.category(sign)[0] == "M" for sign in text)
        return text if self.widths.get(glyph, self.width) or is_mark else ""


@dataclass(slots=True)
class DrawnText:
    """The text of a page, and the numbers of the glyphs that it is drawn by."""

    pieces: list[str] = field(default_factory=list)
    glyphs: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        """Pieces that stand from right to left are drawn from left to right."""
        runs = groupby(filter(str.strip, self.pieces), key=_is_right_to_left)
        return "".join(
            "".join(reversed(list(run)) if backwards else run) for backwards, run in runs
        )


def read_drawn(page: PageObject) -> DrawnText:
    """Everything that the page draws as text."""
    drawn, font = DrawnText(), Font()
    fonts: Any = page["/Resources"]["/Font"]  # type: ignore[index]
    read = {name: _read_font(fonts[name].get_object()) for name in fonts}
    marked: list[str | None] = []
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        match operator:
            case b"Tf":
                font = read[operands[0]]
            case b"BDC" | b"BMC":
                marked.append(_find_actual_text(operands))
            case b"EMC":
                actual = marked.pop()
                if actual is not None:
                    drawn.pieces.append(actual)
            case b"Tj" | b"TJ":
                glyphs = list(_list_glyphs(operands[0]))
                drawn.glyphs.update(glyphs)
                if not any(marked):
                    drawn.pieces += [font.read(glyph) for glyph in glyphs]
    return drawn


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)


def _find_actual_text(operands: list[Any]) -> str | None:
    if len(operands) > 1 and isinstance(operands[1], DictionaryObject):
        actual = operands[1].get("/ActualText")
        return None if actual is None else str(actual)
    return None


def _list_glyphs(shown: Any) -> Iterator[int]:
    for each in shown if isinstance(shown, list) else [shown]:
        if not isinstance(each, int | float):
            content = each.original_bytes
            yield from (
                int.from_bytes(content[place : place + 2]) for place in range(0, len(content), 2)
            )


def _read_font(font: Any) -> Font:
    content = font["/ToUnicode"].get_object().get_data()
    read = Font()
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", content, re.S):
        for glyph, text in _PAIR.findall(block):
            read.texts[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    assert b"beginbfrange" not in content
    descendant = font["/DescendantFonts"][0].get_object()
    read.width = float(descendant.get("/DW", 1000))
    read.widths = dict(_list_widths(descendant["/W"]))
    return read


def _list_widths(entries: Any) -> Iterator[tuple[int, float]]:
    """ISO 32000-1, 9.7.4.3: a first glyph with the widths from there, or a range with one width."""
    rest = iter(entries)
    for first in rest:
        second = next(rest)
        if isinstance(second, list):
            yield from ((first + place, float(width)) for place, width in enumerate(second))
        else:
            width = float(next(rest))
            yield from ((glyph, width) for glyph in range(first, second + 1))
