"""The printable journey: an A4 document with a cover, a timeline, and every goal with all it has.

`steps` calls it for some goals at a time: a long journey is printed in volumes. Pure but for
reading the font: the same goals give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from poutama.features.exports.dates import name_place, print_day
from poutama.features.exports.journey import (
    GOAL_TYPES,
    Heading,
    JourneyGoal,
    PlainSection,
    Totals,
    count_goals,
    has_notes_for_staff,
)
from poutama.features.exports.pdf_canvas import HAIR, LEFT, RIGHT, WASH, WIDTH, Canvas
from poutama.features.exports.pdf_goal import write_goal
from poutama.features.exports.pdf_layout import PageLayout, break_lines
from poutama.features.exports.pdf_section import write_section
from poutama.features.exports.theme import (
    ASIDE,
    FIGURE,
    FOR_STAFF,
    NAME,
    NIGHT,
    OVERLINE,
    QUIET,
    SECTION,
    UNDER_NAME,
    label_goal_type,
    tint,
)
from poutama.features.exports.timeline import draw_timeline

_STEP = 6.0
_CHECK_AUDIENCES = "Each goal and note says who it is for. Before you hand it to others, look."
_WITH_NOTES_FOR_STAFF = "With notes for staff: not to be handed to the student or to caregivers."


@dataclass(frozen=True, slots=True)
class Volume:
    """A part of the journey that is printed: its number from 1, of how many, its first goal's."""

    number: int
    count: int
    first_goal: int


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
    name = f"Learning journey of {heading.name}"
    if volume.count > 1:
        name += f", part {volume.number} of {volume.count}"
    canvas = Canvas(name, heading.name, heading.as_of)
    layout = PageLayout(canvas, name, _describe_foot(heading, goals))
    layout.add_page()
    _write_cover(layout, heading, volume)
    _write_totals(layout, count_goals(goals))
    _write_audience(layout, goals)
    if goals:
        _write_types(layout, goals)
        _write_timeline(layout, goals, heading)
        layout.add_page()
        _write_section(layout, "Goals")
        for number, goal in enumerate(goals, volume.first_goal):
            write_goal(layout, number, goal, heading, pictures)
    else:
        layout.skip(6)
        layout.paragraph("No goals have been set yet.", QUIET)
    if volume.number == volume.count:
        for section in sections:
            write_section(layout, section, heading.time_zone)
    if canvas.replaced:
        _write_remark(layout)
    layout.finish()
    return canvas.finish()


def _describe_foot(heading: Heading, goals: Sequence[JourneyGoal]) -> str:
    foot = f"As it was on {print_day(heading.as_of, heading.time_zone)}"
    return f"{foot} · With notes for staff" if has_notes_for_staff(goals) else foot


def _write_audience(layout: PageLayout, goals: Sequence[JourneyGoal]) -> None:
    """Say that not all of it is for all readers."""
    if has_notes_for_staff(goals):
        layout.paragraph(_WITH_NOTES_FOR_STAFF, FOR_STAFF, after=4)
    if goals:
        layout.paragraph(_CHECK_AUDIENCES, ASIDE, after=4)


def _write_remark(layout: PageLayout) -> None:
    """Explain what could not be printed."""
    layout.skip(6)
    layout.need(20)
    layout.paragraph(
        "What stands in [brackets] may have been written in signs that cannot be printed here."
        " The file journey.json has every text as it was written.",
        ASIDE,
    )


def _write_cover(layout: PageLayout, heading: Heading, volume: Volume) -> None:
    canvas = layout.canvas
    lines = break_lines(canvas, heading.name, NAME, RIGHT - LEFT - 38)
    height = 45 + len(lines) * NAME.height
    with canvas.artifact():
        canvas.fill(0, 0, WIDTH, height, NIGHT)
        _draw_steps(canvas, height)
    layout.y = 20
    part = f" · PART {volume.number} OF {volume.count}" if volume.count > 1 else ""
    canvas.bookmark(f"Learning journey of {heading.name}", 0, layout.y)
    layout.paragraph(f"LEARNING JOURNEY{part}", OVERLINE, after=1)
    with canvas.tagged("H1"):
        for line in lines:
            canvas.write(LEFT, layout.y + NAME.rise, line, NAME)
            layout.y += NAME.height
    layout.y += 1.5
    day = print_day(heading.as_of, heading.time_zone)
    zone = name_place(heading.time_zone)
    layout.paragraph(f"As it was on {day}. Dates are those of {zone}.", UNDER_NAME)
    layout.y = height + 9


def _draw_steps(canvas: Canvas, height: float) -> None:
    """The poutama: steps that climb, the pattern that the journey is named after."""
    colors = [label_goal_type(goal_type).color for goal_type in GOAL_TYPES]
    for column, color in enumerate(colors):
        x = WIDTH - (len(colors) - column) * _STEP
        top = height - (column + 1) * _STEP
        canvas.fill(x, top, _STEP + 0.1, _STEP, tint(color, 0.15))
        canvas.fill(x, top + _STEP, _STEP + 0.1, height - top - _STEP, tint(NIGHT, 0.12))


def _write_totals(layout: PageLayout, totals: Totals) -> None:
    shown = (
        (totals.goals, "goal", "goals"),
        (totals.complete, "complete", "complete"),
        (totals.tasks_done, f"of {totals.tasks} task done", f"of {totals.tasks} tasks done"),
        (totals.notes, "note", "notes"),
        (totals.evidence, "file", "files"),
    )
    canvas = layout.canvas
    width, gap = (RIGHT - LEFT - 4 * 4) / 5, 4
    for place, (count, one, many) in enumerate(shown):
        x = LEFT + place * (width + gap)
        with canvas.artifact():
            canvas.fill(x, layout.y, width, 22, WASH, round_=2)
        with canvas.tagged("P"):
            label = one if (totals.tasks if place == 2 else count) == 1 else many
            canvas.write(x + 4, layout.y + 11.5, f"{count}", FIGURE)
            canvas.write(x + 4, layout.y + 17.5, label, ASIDE)
    layout.y += 30


def _write_types(layout: PageLayout, goals: Sequence[JourneyGoal]) -> None:
    """One bar, divided as the goals are among the types, and what its colours mean."""
    canvas = layout.canvas
    counts = {kind: sum(goal.goal_type == kind for goal in goals) for kind in _types(goals)}
    x, width = LEFT, RIGHT - LEFT
    with canvas.artifact():
        for kind, count in counts.items():
            share = width * count / len(goals)
            canvas.fill(x, layout.y, max(share - 0.6, 0.3), 3.2, label_goal_type(kind).color)
            x += share
    layout.y += 6.5
    x = LEFT
    with canvas.tagged("P"):
        for kind, count in counts.items():
            shown = label_goal_type(kind)
            text = f"{shown.name} {count}"
            canvas.dot(x + 1.2, layout.y + 1.7, 1.2, shown.color)
            canvas.write(x + 3.6, layout.y + ASIDE.rise - 0.4, text, ASIDE)
            x += canvas.measure(text, ASIDE) + 9
    layout.y += 10


def _types(goals: Sequence[JourneyGoal]) -> list[str]:
    found = {goal.goal_type for goal in goals}
    return [kind for kind in GOAL_TYPES if kind in found] + sorted(found - set(GOAL_TYPES))


def _write_timeline(layout: PageLayout, goals: Sequence[JourneyGoal], heading: Heading) -> None:
    _write_section(layout, "Timeline")
    draw_timeline(layout, goals, heading)


def _write_section(layout: PageLayout, name: str) -> None:
    layout.need(40)
    layout.canvas.bookmark(name, 1, layout.y)
    layout.paragraph(name, SECTION, tag="H2", after=1.5)
    with layout.canvas.artifact():
        layout.canvas.line([(LEFT, layout.y), (RIGHT, layout.y)], HAIR, 0.3)
    layout.y += 5
