"""Text that flows down pages: paragraphs broken into lines, lines into pages, with running heads.

`printed` fills it from top to bottom. Beside what belongs together a coloured rail can run, over
page breaks too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from poutama.features.exports.pdf_canvas import (
    HAIR,
    HEIGHT,
    LEFT,
    RIGHT,
    SOFT,
    Canvas,
    Color,
    TextStyle,
)

TOP, BOTTOM = 26.0, HEIGHT - 24.0
RUNNING = TextStyle(8, 11, color=SOFT)
_RAIL = 1.1


@dataclass(slots=True)
class Rail:
    """The coloured bar beside what belongs together, as far as it is on this page."""

    color: Color
    start: float


class PageLayout:
    """Where the next line goes. `y` is its top."""

    def __init__(self, canvas: Canvas, running: str, foot: str) -> None:
        """`running` stands at the head of every page but the first, `foot` at each one's foot."""
        self.canvas = canvas
        self.y = TOP
        self._running = canvas.printable(running)
        self._foot = canvas.printable(foot)
        self._rail: Rail | None = None

    def add_page(self) -> None:
        """Go on at the top of a new page."""
        self._draw_rail()
        self.canvas.add_page()
        self.y = TOP
        if self._rail is not None:
            self._rail.start = TOP

    def finish(self) -> None:
        """Give every page its head and its foot, now that it is known how many there are."""
        last = self.canvas.page
        for page in range(1, last + 1):
            self.canvas.go_back(page)
            with self.canvas.artifact():
                self._draw_margins(page, last)

    def need(self, height: float) -> None:
        """Begin a new page unless this much fits on this one."""
        if self.y + height > BOTTOM:
            self.add_page()

    def skip(self, height: float) -> None:
        """Leave space, though none at the top of a page."""
        if self.y > TOP:
            self.y += height

    @contextmanager
    def rail(self, color: Color) -> Iterator[None]:
        """A rail of that colour runs beside what is written."""
        self._rail = Rail(color, self.y)
        yield
        self._draw_rail()
        self._rail = None

    def _draw_rail(self) -> None:
        rail = self._rail
        if rail is not None and min(self.y, BOTTOM) > rail.start:
            with self.canvas.artifact():
                height = min(self.y, BOTTOM) - rail.start
                self.canvas.fill(LEFT, rail.start, _RAIL, height, rail.color, round_=_RAIL / 2)

    def paragraph(
        self, text: str, style: TextStyle, *, indent: float = 0, tag: str = "P", after: float = 0
    ) -> None:
        """Write a text, whose line breaks are kept, and leave space after it."""
        x = LEFT + indent
        for lines in self.columns(text, style, RIGHT - x):
            with self.canvas.tagged(tag):
                for line in lines:
                    self.canvas.write(x, self.y + style.rise, line, style)
                    self.y += style.height
        self.y += after

    def columns(self, text: str, style: TextStyle, width: float) -> Iterator[list[str]]:
        """The lines of a text, as many at a time as fit on the page where they go."""
        lines = break_lines(self.canvas, text, style, width)
        while lines:
            self.need(style.height)
            fitting = max(1, int((BOTTOM - self.y) / style.height + 1e-6))
            yield lines[:fitting]
            lines = lines[fitting:]

    def _draw_margins(self, page: int, last: int) -> None:
        canvas = self.canvas
        if page > 1:
            shown = shorten(canvas, self._running, RUNNING, RIGHT - LEFT)
            canvas.write(LEFT, 16, shown, RUNNING)
            canvas.line([(LEFT, 18.5), (RIGHT, 18.5)], HAIR, 0.2)
        number = f"Page {page} of {last}"
        baseline = HEIGHT - 12
        canvas.write(LEFT, baseline, self._foot, RUNNING)
        canvas.write(RIGHT - canvas.measure(number, RUNNING), baseline, number, RUNNING)


def break_lines(canvas: Canvas, text: str, style: TextStyle, width: float) -> list[str]:
    """The text in lines no wider than that; a word that is wider itself is broken."""
    lines: list[str] = []
    for paragraph in canvas.printable(text).split("\n"):
        line, used = "", 0.0
        for word in _words(paragraph):
            word_width = canvas.measure(word.rstrip(), style)
            if line and used + word_width > width:
                lines.append(line.rstrip())
                line, used = "", 0.0
            while word_width > width:
                head = _fitting(canvas, word, style, width)
                lines.append(word[:head])
                word = word[head:]
                word_width = canvas.measure(word.rstrip(), style)
            line += word
            used += canvas.measure(word, style)
        lines.append(line.rstrip())
    return lines


def shorten(canvas: Canvas, text: str, style: TextStyle, width: float) -> str:
    """A printable text on one line, with an ellipsis where it had to be cut."""
    text = " ".join(text.split())
    if canvas.measure(text, style) <= width:
        return text
    available = width - canvas.measure("…", style)
    return text[: _fitting(canvas, text, style, available, least=0)].rstrip() + "…"


def _words(paragraph: str) -> Iterator[str]:
    """Words, each with the spaces behind it."""
    word = ""
    for sign in paragraph:
        if word.endswith(" ") and sign != " ":
            yield word
            word = ""
        word += sign
    if word:
        yield word


def _fitting(canvas: Canvas, text: str, style: TextStyle, width: float, *, least: int = 1) -> int:
    """How many of the text's first characters are no wider than that."""
    used = 0.0
    for count, sign in enumerate(text):
        used += canvas.measure(sign, style)
        if used > width:
            return max(count, least)
    return len(text)
