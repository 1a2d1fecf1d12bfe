"""A section on paper that has no layout of its own: its rows, as labels and values.

`pdf_goal` calls it for sections of a goal, `pdf_document` for those of the person.
"""

from __future__ import annotations

import re
from datetime import datetime

from poutama.features.exports.dates import print_day
from poutama.features.exports.journey import PlainSection
from poutama.features.exports.pdf_canvas import LEFT
from poutama.features.exports.pdf_layout import PageLayout
from poutama.features.exports.theme import ASIDE, BODY, PART

INDENT = 6.0
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def write_section(layout: PageLayout, section: PlainSection, time_zone: str) -> None:
    """Write all rows: the first value as text, the others with their labels below it."""
    write_heading(layout, section.title)
    for row in section.rows:
        shown = [(label, print_value(value, time_zone)) for label, value in row]
        texts = [(label, text) for label, text in shown if text]
        if not texts:
            continue
        layout.need(BODY.height + ASIDE.height)
        layout.paragraph(texts[0][1], BODY, indent=INDENT)
        rest = " · ".join(f"{label}: {text}" for label, text in texts[1:])
        if rest:
            layout.paragraph(rest, ASIDE, indent=INDENT)
        layout.skip(2.2)


def write_heading(layout: PageLayout, name: str, remark: str = "") -> None:
    """A small heading within a goal, kept with the line after it."""
    layout.need(PART.height + BODY.height * 2 + 5)
    layout.skip(2.5)
    with layout.canvas.tagged("H4"):
        baseline = layout.y + PART.rise
        layout.canvas.write(LEFT + INDENT, baseline, name.upper(), PART)
        x = LEFT + INDENT + layout.canvas.measure(name.upper(), PART) + 2.5
        layout.canvas.write(x, baseline, remark, ASIDE)
    layout.y += PART.height + 0.8


def print_value(value: object, time_zone: str) -> str:
    """A value as people read it; empty for one that is not there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() if _DATE_TIME.fullmatch(value):
            return print_day(datetime.fromisoformat(value), time_zone)
        case list():
            return ", ".join(filter(None, (print_value(each, time_zone) for each in value)))
        case dict():
            return print_value(list(value.values()), time_zone)
        case _:
            return str(value).strip()
