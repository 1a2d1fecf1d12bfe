"""A section on paper that has no layout of its own: its rows, as labels and values.

`pdf_goal` calls it for sections of a goal, `pdf_document` for those of the person. Pure.
"""

from __future__ import annotations

import re
from datetime import datetime

from poutama.export_section import JsonObject
from poutama.features.exports.dates import print_day
from poutama.features.exports.journey import PlainSection

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def describe_section(section: PlainSection, time_zone: str) -> JsonObject:
    """All rows: the first value as text, the others with their labels below it."""
    rows = []
    for row in section.rows:
        shown = [(label, print_value(value, time_zone)) for label, value in row]
        texts = [(label, text) for label, text in shown if text]
        if texts:
            rest = " · ".join(f"{label}: {text}" for label, text in texts[1:])
            rows.append({"first": texts[0][1].splitlines(), "rest": rest})
    return {"title": section.title.upper(), "rows": rows}


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
