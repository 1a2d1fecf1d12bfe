"""The printable journey: an A4 document with a cover, a timeline, and every goal with all it has.

`print_process` calls it for some goals at a time: a long journey is printed in volumes. What is
printed is described here and laid out by the template `journey.typ`, which has texts as values and
never as markup. The same goals give the same bytes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from poutama.export_section import JsonObject
from poutama.features.exports.dates import name_place, print_day
from poutama.features.exports.fonts import Typeface, load_typeface
from poutama.features.exports.glyphs import make_printable
from poutama.features.exports.journey import (
    GOAL_TYPES,
    Heading,
    JourneyGoal,
    PlainSection,
    Totals,
    has_notes_for_staff,
)
from poutama.features.exports.pdf_goal import describe_goal
from poutama.features.exports.pdf_section import describe_section
from poutama.features.exports.theme import STEPS, label_goal_type
from poutama.features.exports.timeline import describe_timeline

_TEMPLATE = Path(__file__).with_name("journey.typ")
_CHECK_AUDIENCES = "Each goal and note says who it is for. Before you hand it to others, look."
_WITH_NOTES_FOR_STAFF = "With notes for staff: not to be handed to the student or to caregivers."
_REPLACED = (
    "What stands in [brackets] may have been written in signs that cannot be printed here."
    " The file journey.json has every text as it was written."
)


@dataclass(frozen=True, slots=True)
class Volume:
    """A part of the journey that is printed.

    Attributes:
        number: from 1, of `count`.
        first_goal: the number of its first goal.
        totals: how much there is in the whole journey.
    """

    number: int
    count: int
    first_goal: int
    totals: Totals


def print_journey(
    heading: Heading,
    goals: Sequence[JourneyGoal],
    volume: Volume,
    pictures: Mapping[UUID, bytes],
    sections: Sequence[PlainSection] = (),
) -> bytes:
    """The PDF of these goals.

    `pictures` are small ones of evidence, by its id; `sections` those of the person, which the last
    volume ends with.
    """
    typeface = load_typeface()
    content = _describe_cover(heading, goals, volume)
    content |= {
        "timeline": describe_timeline(goals, heading) if goals else None,
        "goals": [
            describe_goal(number, goal, heading, pictures)
            for number, goal in enumerate(goals, volume.first_goal)
        ],
        "sections": [
            describe_section(section, heading.time_zone)
            for section in (sections if volume.number == volume.count else ())
        ],
    }
    printable = _make_printable(content, typeface)
    printable |= {
        "fonts": typeface.families,
        "steps": STEPS,
        "replaced": _REPLACED if printable != content else "",
    }
    return _lay_out(printable, typeface, pictures, heading)


def _lay_out(
    content: JsonObject, typeface: Typeface, pictures: Mapping[UUID, bytes], heading: Heading
) -> bytes:
    import typst  # heavy: belongs to the extra `jobs`, and only workers print.

    with tempfile.TemporaryDirectory(prefix="poutama-print-") as name:
        folder = Path(name)
        (folder / "journey.json").write_text(json.dumps(content), encoding="utf-8")
        for key, picture in pictures.items():
            (folder / f"{key}.jpg").write_bytes(picture)

        def compile_as(*standards: Any) -> bytes:
            return typst.compile(
                _read_template(),
                root=folder,
                font_paths=typeface.fonts,
                ignore_system_fonts=True,
                pdf_standards=list(standards),
                timestamp=int(heading.as_of.timestamp()),
            )

        try:
            return compile_as("ua-1")
        except typst.TypstError:
            # A text can combine signs that no one font has; it is printed with an empty box.
            return compile_as()


@cache
def _read_template() -> bytes:
    return _TEMPLATE.read_bytes()


def _make_printable(content: JsonObject, typeface: Typeface) -> JsonObject:
    """The same with every text in signs that the fonts have."""

    def convert(value: Any) -> Any:
        match value:
            case str():
                return make_printable(value, typeface.has_glyph)
            case list():
                return [convert(each) for each in value]
            case dict():
                return {key: convert(each) for key, each in value.items()}
            case _:
                return value

    printable: JsonObject = convert(content)
    return printable


def _describe_cover(heading: Heading, goals: Sequence[JourneyGoal], volume: Volume) -> JsonObject:
    title = f"Learning journey of {heading.name}"
    part = ""
    if volume.count > 1:
        title += f", part {volume.number} of {volume.count}"
        part = f" · PART {volume.number} OF {volume.count}"
    day = print_day(heading.as_of, heading.time_zone)
    for_staff = has_notes_for_staff(goals)
    return {
        "title": title,
        "name": heading.name,
        "overline": f"LEARNING JOURNEY{part}",
        "asOf": f"As it was on {day}. Dates are those of {name_place(heading.time_zone)}.",
        "foot": f"As it was on {day}" + (" · With notes for staff" if for_staff else ""),
        "part": _describe_part(goals, volume),
        "forStaff": _WITH_NOTES_FOR_STAFF if for_staff else "",
        "check": _CHECK_AUDIENCES if goals else "",
        "totals": _describe_totals(volume.totals),
        "types": [
            {"name": label.name, "color": label.color, "count": count}
            for kind, count in _order_types(volume.totals.types)
            for label in (label_goal_type(kind),)
        ],
    }


def _describe_part(goals: Sequence[JourneyGoal], volume: Volume) -> str:
    """Which goals are in it, where there are others."""
    if volume.count == 1 or not goals:
        return ""
    last = volume.first_goal + len(goals) - 1
    return f"Goals {volume.first_goal} to {last} are in this part. The numbers are of all parts."


def _describe_totals(totals: Totals) -> list[JsonObject]:
    shown = (
        (totals.goals, "goal" if totals.goals == 1 else "goals"),
        (totals.complete, "complete"),
        (totals.tasks_done, f"of {totals.tasks} {'task' if totals.tasks == 1 else 'tasks'} done"),
        (totals.notes, "note" if totals.notes == 1 else "notes"),
        (totals.evidence, "file" if totals.evidence == 1 else "files"),
    )
    return [{"count": f"{count}", "label": label} for count, label in shown]


def _order_types(types: Mapping[str, int]) -> list[tuple[str, int]]:
    known = [kind for kind in GOAL_TYPES if kind in types]
    return [(kind, types[kind]) for kind in (*known, *sorted(types.keys() - set(known)))]
