"""One goal on paper: its type, title and dates, what it is about, tasks, notes and evidence.

`printed` calls `write_goal` for each. Headings stay with what follows them; a long goal runs over
as many pages as it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from uuid import UUID

from poutama.features.exports.audience_words import (
    describe_file_audience,
    describe_goal_audience,
    describe_note_audience,
)
from poutama.features.exports.dates import print_day
from poutama.features.exports.journey import Evidence, GoalTask, Heading, JourneyGoal, Note
from poutama.features.exports.pdf_canvas import (
    LEFT,
    RIGHT,
    WASH,
    WHITE,
    Canvas,
    Color,
    Face,
    TextStyle,
)
from poutama.features.exports.pdf_layout import BOTTOM, PageLayout, break_lines, shorten
from poutama.features.exports.pdf_section import INDENT, write_heading, write_section
from poutama.features.exports.theme import (
    ASIDE,
    BODY,
    DONE,
    FOR_STAFF,
    LATE,
    PILL,
    TITLE,
    label_goal_type,
)
from poutama.media_types import EXTENSIONS, extension_of

_BETWEEN = 10.0
_BOX = 3.1
_PICTURE_WIDTH, _PICTURE_HEIGHT, _IN_A_ROW = 37.0, 28.0, 4


def write_goal(
    layout: PageLayout,
    number: int,
    goal: JourneyGoal,
    heading: Heading,
    pictures: Mapping[UUID, bytes],
) -> None:
    """Write the goal with that number, and all it has."""
    kind = label_goal_type(goal.goal_type)
    title = break_lines(layout.canvas, goal.title, TITLE, RIGHT - LEFT - INDENT)
    layout.need(26 + min(len(title), 4) * TITLE.height)
    with layout.rail(kind.color):
        _write_label(layout, number, goal, heading)
        layout.canvas.bookmark(goal.title, 2, layout.y)
        layout.paragraph(goal.title, TITLE, indent=INDENT, tag="H3", after=0.5)
        layout.paragraph(_describe_dates(goal, heading), ASIDE, indent=INDENT)
        layout.paragraph(describe_goal_audience(goal), ASIDE, indent=INDENT, after=1.5)
        if goal.information.strip():
            layout.paragraph(goal.information, BODY, indent=INDENT, after=1)
        _write_tasks(layout, goal.tasks, goal.tasks_done)
        _write_notes(layout, goal, heading)
        _write_evidence(layout, _list_evidence(goal), pictures)
        for section in goal.sections:
            write_section(layout, section, heading.time_zone)
    layout.skip(_BETWEEN)


def _write_label(layout: PageLayout, number: int, goal: JourneyGoal, heading: Heading) -> None:
    """The type on its colour, the goal's number, and how it stands."""
    canvas, kind = layout.canvas, label_goal_type(goal.goal_type)
    text, color = _describe_state(goal, heading)
    state = TextStyle(8.5, 12, face=Face.MEDIUM, color=color)
    name = kind.name.upper()
    width = canvas.measure(name, PILL) + 5
    left = LEFT + INDENT
    with canvas.artifact():
        canvas.fill(left, layout.y, width, 4.8, kind.color, round_=1.2)
        if goal.complete:
            _draw_check(canvas, RIGHT - canvas.measure(text, state) - 4.4, layout.y + 2.4, color)
    with canvas.tagged("P"):
        canvas.write(left + 2.5, layout.y + 3.35, name, PILL)
        canvas.write(left + width + 3, layout.y + 3.4, f"Goal {number}", ASIDE)
        canvas.write(RIGHT - canvas.measure(text, state), layout.y + 3.5, text, state)
    if goal.color is not None:
        with canvas.artifact():
            x = left + width + 3 + canvas.measure(f"Goal {number}", ASIDE) + 4
            canvas.dot(x, layout.y + 2.4, 1.6, _read_color(goal.color))
    layout.y += 6.6


def _describe_state(goal: JourneyGoal, heading: Heading) -> tuple[str, Color]:
    if goal.complete:
        return "Complete", DONE
    if goal.due_at is None:
        return "Under way", ASIDE.color
    day = print_day(goal.due_at, heading.time_zone)
    if goal.due_at < heading.as_of:
        return f"Under way, was due {day}", LATE
    return f"Under way, due {day}", ASIDE.color


def _describe_dates(goal: JourneyGoal, heading: Heading) -> str:
    parts = [f"Set {print_day(goal.created_at, heading.time_zone)}"]
    if goal.complete and goal.due_at is not None:
        parts.append(f"due {print_day(goal.due_at, heading.time_zone)}")
    if goal.updated_at != goal.created_at:
        parts.append(f"last changed {print_day(goal.updated_at, heading.time_zone)}")
    return " · ".join(parts)


def _read_color(text: str) -> Color:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _write_tasks(layout: PageLayout, tasks: Sequence[GoalTask], done: int) -> None:
    if not tasks:
        return
    write_heading(layout, "Tasks", f"{done} of {len(tasks)} done")
    for task in tasks:
        indent = INDENT + _BOX + 2.6
        layout.need(BODY.height)
        with layout.canvas.artifact():
            _draw_box(
                layout.canvas, LEFT + INDENT, layout.y + (BODY.height - _BOX) / 2, task.complete
            )
        # In words as well: a screen reader does not read the box.
        text = f"{task.information} (done)" if task.complete else task.information
        layout.paragraph(text, BODY, indent=indent, tag="P", after=0.7)


def _write_notes(layout: PageLayout, goal: JourneyGoal, heading: Heading) -> None:
    if not goal.notes:
        return
    write_heading(layout, "Notes")
    for note in goal.notes:
        _write_note(layout, note, goal, heading)


def _write_note(layout: PageLayout, note: Note, goal: JourneyGoal, heading: Heading) -> None:
    layout.need(ASIDE.height * 2 + BODY.height)
    day = print_day(note.created_at, heading.time_zone)
    layout.paragraph(f"{note.author or 'Unknown'} · {day}", ASIDE, indent=INDENT)
    style = FOR_STAFF if note.audience == "STAFF" else ASIDE
    layout.paragraph(describe_note_audience(note, goal), style, indent=INDENT)
    layout.paragraph(note.information, BODY, indent=INDENT, after=2.2)


def _list_evidence(goal: JourneyGoal) -> list[tuple[Evidence, str]]:
    """The goal's own, then that of its notes, each with who it is for if that is fewer people."""
    of_notes = [
        (each, describe_file_audience(note)) for note in goal.notes for each in note.evidence
    ]
    return [*((each, "") for each in goal.evidence), *of_notes]


def _write_evidence(
    layout: PageLayout, evidence: Sequence[tuple[Evidence, str]], pictures: Mapping[UUID, bytes]
) -> None:
    if not evidence:
        return
    layout.need(_PICTURE_HEIGHT + 20)
    write_heading(layout, "Evidence")
    for start in range(0, len(evidence), _IN_A_ROW):
        _write_row(layout, evidence[start : start + _IN_A_ROW], pictures)


def _write_row(
    layout: PageLayout, row: Sequence[tuple[Evidence, str]], pictures: Mapping[UUID, bytes]
) -> None:
    """Pieces of evidence side by side, each with its picture, if there is one, above its title."""
    canvas = layout.canvas
    titles = [_caption(canvas, *each) for each in row]
    seen = any(each.id in pictures for each, _ in row)
    picture_height = _PICTURE_HEIGHT + 1.5 if seen else 0
    height = picture_height + max(map(len, titles)) * ASIDE.height + 2
    if layout.y + height > BOTTOM:
        layout.add_page()
    for place, ((each, _), title) in enumerate(zip(row, titles, strict=True)):
        x = LEFT + INDENT + place * (_PICTURE_WIDTH + 4)
        if seen:
            _draw_picture(canvas, x, layout.y, each, pictures.get(each.id))
        with canvas.tagged("Caption"):
            for line, text in enumerate(title):
                top = layout.y + picture_height + line * ASIDE.height
                canvas.write(x, top + ASIDE.rise, text, ASIDE)
    layout.y += height


def _caption(canvas: Canvas, evidence: Evidence, audience: str) -> list[str]:
    lines = break_lines(canvas, evidence.title or "Untitled", ASIDE, _PICTURE_WIDTH)
    if len(lines) > 3:
        lines = [*lines[:2], shorten(canvas, lines[2] + " …", ASIDE, _PICTURE_WIDTH)]
    kind = f"{_describe_kind(evidence)}, {_describe_size(evidence.size)}"
    return [*lines, kind, *([audience] if audience else [])]


def _describe_kind(evidence: Evidence) -> str:
    """What sort of file it is, such as `JPG`."""
    known = evidence.media_type in EXTENSIONS
    return extension_of(evidence.media_type).upper() if known else "FILE"


def _describe_size(size: int) -> str:
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1_000_000:.1f} MB"


def _draw_picture(
    canvas: Canvas, x: float, y: float, each: Evidence, picture: bytes | None
) -> None:
    with canvas.artifact():
        canvas.fill(x, y, _PICTURE_WIDTH, _PICTURE_HEIGHT, WASH, round_=1.2)
        if picture is None:
            kind = _describe_kind(each)
            left = x + (_PICTURE_WIDTH - canvas.measure(kind, TITLE)) / 2
            canvas.write(left, y + _PICTURE_HEIGHT / 2 + 1.6, kind, TITLE)
    if picture is not None:
        with canvas.tagged("Figure", each.alt_text or each.title or "A picture"):
            canvas.picture(BytesIO(picture), x, y, _PICTURE_WIDTH, _PICTURE_HEIGHT)


def _draw_box(canvas: Canvas, x: float, y: float, done: bool) -> None:
    color = DONE if done else (140, 150, 158)
    canvas.frame(x, y, _BOX, _BOX, color, DONE if done else WHITE, round_=0.7)
    if done:
        _draw_check(canvas, x + _BOX / 2, y + _BOX / 2, WHITE)


def _draw_check(canvas: Canvas, x: float, y: float, color: Color) -> None:
    canvas.line([(x - 0.9, y), (x - 0.25, y + 0.7), (x + 0.95, y - 0.75)], color, 0.5)
