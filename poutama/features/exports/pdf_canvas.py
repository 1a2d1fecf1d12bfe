"""The one place that knows fpdf2: an A4 document on which text, shapes and pictures are put.

`flow`, `timeline` and `printed` draw through it. Everything is either tagged (headings,
paragraphs, figures with a description), in the order in which it is to be read, or marked as an
artifact that readers skip. Lengths are millimetres from the top left corner. It breaks no lines
and no pages by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, cast

from poutama.features.exports.glyphs import make_printable
from poutama.unicode_data import category

WIDTH, HEIGHT = 210.0, 297.0
LEFT, RIGHT = 20.0, 190.0
POINT = 25.4 / 72

Color = tuple[int, int, int]

INK: Color = (28, 36, 42)
SOFT: Color = (92, 103, 112)
HAIR: Color = (214, 220, 224)
WASH: Color = (244, 246, 247)
WHITE: Color = (255, 255, 255)


class Face(Enum):
    """The cuts of the typeface that are used."""

    REGULAR = "Roboto"
    MEDIUM = "RobotoMedium"
    BOLD = "RobotoBold"
    ITALIC = "RobotoItalic"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a text looks; size and leading in points."""

    size: float
    leading: float
    face: Face = Face.REGULAR
    color: Color = INK

    @property
    def height(self) -> float:
        """Of a line, in millimetres."""
        return self.leading * POINT

    @property
    def rise(self) -> float:
        """From the top of a line to its baseline, in millimetres."""
        return (self.leading / 2 + self.size * 0.36) * POINT


class Canvas:
    """A document being drawn."""

    def __init__(self, title: str, author: str, created: datetime) -> None:
        # heavy: fpdf2 and the font belong to the extra `jobs`, and only workers print.
        import font_roboto  # type: ignore[import-untyped]
        from fpdf import FPDF
        from fpdf.prefs import ViewerPreferences

        self._pdf: Any = cast(Any, FPDF(format="A4"))
        self._widths: dict[tuple[Face, str], float] = {}
        self._current: tuple[Face, float] | None = None
        self.replaced = False
        """Whether some text could not be printed as it was written."""
        for face in Face:
            self._pdf.add_font(face.value, fname=font_roboto.font_files[face.value])
        self._glyphs = frozenset(
            chr(code)
            for code in self._pdf.fonts[Face.REGULAR.value.lower()].cmap
            if category(chr(code))[0] != "C"
        )
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.set_title(self.printable(title))
        self._pdf.set_author(self.printable(author))
        self._pdf.set_creator("Poutama")
        self._pdf.set_lang("en-NZ")
        self._pdf.set_creation_date(created)
        self._pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._pdf.alias_nb_pages("")  # else that text would turn into a number in a student's goal

    @property
    def page(self) -> int:
        return int(self._pdf.page)

    def add_page(self) -> None:
        self._pdf.add_page()
        self._current = None

    def go_back(self, page: int) -> None:
        """Draw on a page that is there already, from 1; nothing is known of its state."""
        self._pdf.page = page
        self._pdf.current_font_is_set_on_page = False
        self._pdf.set_fill_color(*WHITE)
        self._current = None

    def finish(self) -> bytes:
        """The document; nothing can be drawn after this."""
        return bytes(self._pdf.output())

    def printable(self, text: str) -> str:
        """The text in signs that the font has."""
        printable = make_printable(text, self._glyphs.__contains__)
        self.replaced = self.replaced or printable != text
        return printable

    def measure(self, text: str, style: TextStyle) -> float:
        """How wide a printable text is."""
        return sum(self._advance(style.face, sign) for sign in text) * style.size * POINT

    def _advance(self, face: Face, sign: str) -> float:
        """The width of a sign in ems; fpdf2 kerns nothing, so they add up."""
        width = self._widths.get((face, sign))
        if width is None:
            self._pdf.set_font(face.value, size=100)
            self._current = None
            width = float(self._pdf.get_string_width(sign)) / POINT / 100
            self._widths[face, sign] = width
        return width

    def write(self, x: float, baseline: float, text: str, style: TextStyle) -> None:
        """Put one line of printable text there."""
        if (style.face, style.size) != self._current:
            self._pdf.set_font(style.face.value, size=style.size)
            self._current = (style.face, style.size)
        self._pdf.set_text_color(*style.color)
        self._pdf.text(x, baseline, text)

    def fill(
        self, x: float, y: float, width: float, height: float, color: Color, *, round_: float = 0
    ) -> None:
        """A filled rectangle; `round_` is the radius of its corners."""
        self._pdf.set_fill_color(*color)
        corners = {"round_corners": True, "corner_radius": round_} if round_ else {}
        self._pdf.rect(x, y, width, height, style="F", **corners)

    def frame(
        self, x: float, y: float, width: float, height: float, color: Color, fill: Color,
        *, round_: float,
    ) -> None:  # fmt: skip
        """A filled rectangle with round corners and an outline."""
        self._pdf.set_draw_color(*color)
        self._pdf.set_fill_color(*fill)
        self._pdf.set_line_width(0.3)
        self._pdf.rect(x, y, width, height, style="DF", round_corners=True, corner_radius=round_)

    def line(
        self, points: list[tuple[float, float]], color: Color, width: float, *, dashes: float = 0
    ) -> None:
        """A line through the points."""
        self._pdf.set_draw_color(*color)
        self._pdf.set_line_width(width)
        self._pdf.set_dash_pattern(dash=dashes, gap=dashes)
        self._pdf.polyline(points)
        self._pdf.set_dash_pattern()

    def shape(self, points: list[tuple[float, float]], color: Color) -> None:
        """A filled polygon."""
        self._pdf.set_fill_color(*color)
        self._pdf.polygon(points, style="F")

    def dot(self, x: float, y: float, radius: float, color: Color) -> None:
        self._pdf.set_fill_color(*color)
        self._pdf.circle(x, y, radius, style="F")

    def picture(self, content: Any, x: float, y: float, width: float, height: float) -> None:
        """A raster picture, scaled into that box; inside `figure`, which describes it."""
        self._pdf.image(content, x=x, y=y, w=width, h=height, keep_aspect_ratio=True)

    def bookmark(self, name: str, level: int, y: float) -> None:
        """An entry of the document's outline that leads to this place."""
        self._pdf.set_y(y)
        self._pdf.start_section(self.printable(name), level=level, strict=False)

    @contextmanager
    def tagged(self, kind: str, description: str = "") -> Iterator[None]:
        """What is drawn is one element: H1 to H6, P, LI, Caption; or Figure, described in words.

        ISO 32000-1, 14.7 and 14.8. fpdf2 itself tags pictures only, by these same means.
        """
        pdf = self._pdf
        number = pdf.struct_builder.next_mcid_for_page(pdf.page)
        more = {"alt_text": self.printable(description)} if description else {}
        pdf._add_marked_content(struct_type=f"/{kind}", mcid=number, **more)
        pdf._out(f"/{kind} <</MCID {number}>> BDC")
        yield
        pdf._out("EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """What is drawn is decoration, or repeats on every page: readers pass over it."""
        self._pdf._out("/Artifact BMC")
        yield
        self._pdf._out("EMC")
