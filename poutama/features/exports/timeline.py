"""The timeline: goals as bars over time, between the turns of the school year; drawn as vectors.

`printed` calls it. A bar begins when a goal was set. It ends when the goal was last changed if it
is complete, else when it is due, else now. Goals are distinguished by the text beside them, not by
colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from poutama.features.exports.dates import MONTHS, find_terms, in_zone, print_day
from poutama.features.exports.journey import Heading, JourneyGoal
from poutama.features.exports.pdf_canvas import (
    HAIR,
    INK,
    LEFT,
    RIGHT,
    SOFT,
    WASH,
    WHITE,
    Canvas,
    Face,
    TextStyle,
)
from poutama.features.exports.pdf_layout import BOTTOM, PageLayout, shorten
from poutama.features.exports.theme import label_goal_type, tint

_ROW, _BAR = 5.4, 2.6
_HEAD = 11.0
_CHART = LEFT + 66.0
_TYPE = _CHART - 18.0
_FEWEST_ROWS = 4
_LABEL = TextStyle(8, 10)
_SMALL = TextStyle(7, 9, color=SOFT)
_TERM = TextStyle(7, 9, face=Face.MEDIUM, color=SOFT)
# Beyond it a due date is shown at the edge: one in the year 9999 would squeeze all others.
_AHEAD = timedelta(days=400)
_SHORTEST = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from left to right."""

    start: datetime
    end: datetime
    zone: str

    def place(self, moment: datetime) -> float:
        """Where a moment is on the page; at an edge where it is beyond."""
        share = (moment - self.start) / (self.end - self.start)
        return _CHART + (RIGHT - _CHART) * min(max(share, 0.0), 1.0)

    def shows(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end

    def midnight(self, day: date) -> datetime:
        """Where a day begins there; exact to the hour is exact enough here."""
        return datetime(day.year, day.month, day.day, tzinfo=self.start.tzinfo)


def choose_axis(goals: Sequence[JourneyGoal], heading: Heading) -> Axis:
    """The time that these goals span, with now in it."""
    latest = heading.as_of + _AHEAD
    ends = [min(goal.due_at, latest) for goal in goals if goal.due_at is not None]
    ends += [goal.updated_at for goal in goals if goal.complete]
    start = min([heading.as_of - _SHORTEST, *(goal.created_at for goal in goals)])
    end = max([heading.as_of, *ends])
    margin = max(end - start, _SHORTEST) / 40
    zone = heading.time_zone
    return Axis(in_zone(start - margin, zone), in_zone(end + margin, zone), zone)


def describe_timeline(goals: Sequence[JourneyGoal], heading: Heading) -> str:
    """The picture in words, for those who do not see it."""
    complete = sum(goal.complete for goal in goals)
    first = min(goal.created_at for goal in goals)
    return (
        f"Timeline of {len(goals)} {'goal' if len(goals) == 1 else 'goals'} since"
        f" {print_day(first, heading.time_zone)}: {complete} complete, {len(goals) - complete}"
        " under way. Every goal's dates stand with it below."
    )


def draw_timeline(layout: PageLayout, goals: Sequence[JourneyGoal], heading: Heading) -> None:
    """Draw all of these goals, over as many pages as it takes."""
    axis = choose_axis(goals, heading)
    rest = list(goals)
    while rest:
        layout.need(_HEAD + min(len(rest), _FEWEST_ROWS) * _ROW + 8)
        rows = max(1, int((BOTTOM - 8 - layout.y - _HEAD) / _ROW))
        shown, rest = rest[:rows], rest[rows:]
        with layout.canvas.tagged("Figure", describe_timeline(shown, heading)):
            _draw_axis(layout.canvas, axis, layout.y, len(shown), heading)
            for row, goal in enumerate(shown):
                _draw_goal(layout.canvas, axis, layout.y + _HEAD + row * _ROW, goal, heading)
            layout.y += _HEAD + len(shown) * _ROW + 2.5
            _draw_legend(layout.canvas, layout.y)
        layout.y += 6


def _draw_axis(canvas: Canvas, axis: Axis, y: float, rows: int, heading: Heading) -> None:
    bottom = y + _HEAD + rows * _ROW
    canvas.line([(_CHART, y + _HEAD), (RIGHT, y + _HEAD)], HAIR, 0.2)
    for term in find_terms(axis.start.date(), axis.end.date(), axis.zone):
        left = axis.place(axis.midnight(term.start))
        right = axis.place(axis.midnight(term.end + timedelta(days=1)))
        canvas.fill(left, y + 4.6, right - left, bottom - y - 4.6, WASH)
        name = term.name if right - left > 11 else term.name.replace("Term ", "T")
        if right - left > 4.5:
            middle = (left + right - canvas.measure(name, _TERM)) / 2
            canvas.write(middle, y + 8.4, name, _TERM)
    free = _CHART
    for day, name in _ticks(axis):
        x = axis.place(axis.midnight(day))
        canvas.line([(x, y + 3.8), (x, y + 4.8)], HAIR, 0.15)
        canvas.line([(x, y + _HEAD), (x, bottom)], HAIR, 0.15)
        if x >= free and x + canvas.measure(name, _SMALL) <= RIGHT:
            canvas.write(x, y + 3, name, _SMALL)
            free = x + canvas.measure(name, _SMALL) + 2
    now = axis.place(heading.as_of)
    canvas.line([(now, y + _HEAD), (now, bottom)], INK, 0.25, dashes=0.9)


def _ticks(axis: Axis) -> list[tuple[date, str]]:
    """The first days of months, or of years where there are many, and what they are called."""
    first, last = axis.start.date(), axis.end.date()
    months = (last.year - first.year) * 12 + last.month - first.month
    every = next((step for step in (1, 2, 3, 6) if months / step <= 10), 12)
    ticks = []
    for number in range(first.year * 12 + first.month, last.year * 12 + last.month):
        year, month = divmod(number, 12)
        if month % every == 0:
            name = MONTHS[month][:3]
            ticks.append((date(year, month + 1, 1), f"{year}" if month == 0 else name))
    return ticks


def _draw_goal(canvas: Canvas, axis: Axis, y: float, goal: JourneyGoal, heading: Heading) -> None:
    kind = label_goal_type(goal.goal_type)
    title = shorten(canvas, canvas.printable(goal.title), _LABEL, _TYPE - LEFT - 2)
    canvas.write(LEFT, y + 3.7, title, _LABEL)
    canvas.write(_TYPE, y + 3.7, kind.name, TextStyle(7, 9, color=kind.color))
    left, top = axis.place(goal.created_at), y + (_ROW - _BAR) / 2
    if goal.complete:
        right = max(axis.place(goal.updated_at), left + _BAR)
        canvas.fill(left, top, right - left, _BAR, kind.color, round_=_BAR / 2)
        _draw_tick(canvas, right - _BAR / 2, top + _BAR / 2)
    else:
        right = max(axis.place(goal.due_at or heading.as_of), left + _BAR)
        light = tint(kind.color, 0.75)
        canvas.frame(left, top, right - left, _BAR, kind.color, light, round_=_BAR / 2)
    if goal.due_at is not None:
        _draw_due(canvas, axis.place(goal.due_at), top + _BAR / 2, kind.color)


def _draw_tick(canvas: Canvas, x: float, y: float) -> None:
    canvas.line([(x - 0.7, y), (x - 0.15, y + 0.55), (x + 0.75, y - 0.6)], WHITE, 0.35)


def _draw_due(canvas: Canvas, x: float, y: float, color: tuple[int, int, int]) -> None:
    for size, shade in ((1.75, WHITE), (1.3, color)):
        canvas.shape([(x - size, y), (x, y - size), (x + size, y), (x, y + size)], shade)


def _draw_legend(canvas: Canvas, y: float) -> None:
    x, middle = _CHART, y + 1.6
    canvas.fill(x, middle - _BAR / 2, 7, _BAR, SOFT, round_=_BAR / 2)
    _draw_tick(canvas, x + 7 - _BAR / 2, middle)
    canvas.write(x + 8.5, y + 2.6, "complete", _SMALL)
    canvas.frame(x + 26, middle - _BAR / 2, 7, _BAR, SOFT, WASH, round_=_BAR / 2)
    canvas.write(x + 34.5, y + 2.6, "under way", _SMALL)
    _draw_due(canvas, x + 55.5, middle, SOFT)
    canvas.write(x + 58, y + 2.6, "due", _SMALL)
    canvas.line([(x + 69, middle - 1.8), (x + 69, middle + 1.8)], INK, 0.25, dashes=0.9)
    canvas.write(x + 71, y + 2.6, "when this was made", _SMALL)
