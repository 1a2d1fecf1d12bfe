"""The timeline: goals as bars over time, between the turns of the school year.

`pdf_document` calls it; the template draws what it describes. A bar begins when a goal was set. It
ends when the goal was completed (where that is not known, when it was last changed), else when it
is due, else now. Places are shares of the chart's width, 0 to 1. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from poutama.export_section import JsonObject
from poutama.features.exports.dates import MONTHS, find_terms, in_zone, print_day
from poutama.features.exports.journey import Heading, JourneyGoal
from poutama.features.exports.theme import label_goal_type

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
        """Where a moment is; at an edge where it is beyond."""
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0), 5)

    def place_day(self, day: date) -> float:
        """Where a day begins there; exact to the hour is exact enough here."""
        return self.place(datetime(day.year, day.month, day.day, tzinfo=self.start.tzinfo))


def choose_axis(goals: Sequence[JourneyGoal], heading: Heading) -> Axis:
    """The time that these goals span, with now in it."""
    latest = heading.as_of + _AHEAD
    ends = [min(goal.due_at, latest) for goal in goals if goal.due_at is not None]
    ends += [_find_end(goal, heading) for goal in goals if goal.complete]
    start = min([heading.as_of - _SHORTEST, *(goal.created_at for goal in goals)])
    end = max([heading.as_of, *ends])
    margin = max(end - start, _SHORTEST) / 40
    zone = heading.time_zone
    return Axis(in_zone(start - margin, zone), in_zone(end + margin, zone), zone)


def describe_timeline(goals: Sequence[JourneyGoal], heading: Heading) -> JsonObject:
    """What the template draws, and the picture in words for those who do not see it."""
    axis = choose_axis(goals, heading)
    return {
        "words": _describe_in_words(goals, heading),
        "terms": _place_terms(axis),
        "ticks": [{"at": axis.place_day(day), "name": name} for day, name in _ticks(axis)],
        "now": axis.place(heading.as_of),
        "rows": [_place_goal(axis, goal, heading) for goal in goals],
    }


def _describe_in_words(goals: Sequence[JourneyGoal], heading: Heading) -> str:
    complete = sum(goal.complete for goal in goals)
    first = min(goal.created_at for goal in goals)
    return (
        f"Timeline of {len(goals)} {'goal' if len(goals) == 1 else 'goals'} since"
        f" {print_day(first, heading.time_zone)}: {complete} complete, {len(goals) - complete}"
        " under way. Every goal's dates stand with it below."
    )


def _place_terms(axis: Axis) -> list[JsonObject]:
    return [
        {
            "name": term.name,
            "start": axis.place_day(term.start),
            "end": axis.place_day(term.end + timedelta(days=1)),
        }
        for term in find_terms(axis.start.date(), axis.end.date(), axis.zone)
    ]


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


def _place_goal(axis: Axis, goal: JourneyGoal, heading: Heading) -> JsonObject:
    kind = label_goal_type(goal.goal_type)
    return {
        "title": " ".join(goal.title.split()),
        "type": kind.name,
        "color": kind.color,
        "start": axis.place(goal.created_at),
        "end": axis.place(_find_end(goal, heading)),
        "complete": goal.complete,
        "due": None if goal.due_at is None else axis.place(goal.due_at),
    }


def _find_end(goal: JourneyGoal, heading: Heading) -> datetime:
    if goal.complete:
        return goal.completed_at or goal.updated_at
    return goal.due_at or heading.as_of
