"""Moments as people of a place read them, and the terms of the school years there.

Pure, save that the names of time zones come from the system; one that is not known there is UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
NEW_ZEALAND = frozenset({"Pacific/Auckland", "Pacific/Chatham", "Antarctica/McMurdo", "NZ"})


class NamedTerm(NamedTuple):
    """A school term: its name, its first and its last day."""

    name: str
    start: date
    end: date


# Of New Zealand's state schools, from the earliest day to the latest that a school may choose:
# https://www.education.govt.nz/school/school-terms-and-holiday-dates/
_TERMS = (
    NamedTerm("Term 1", date(2024, 1, 29), date(2024, 4, 12)),
    NamedTerm("Term 2", date(2024, 4, 29), date(2024, 7, 5)),
    NamedTerm("Term 3", date(2024, 7, 22), date(2024, 9, 27)),
    NamedTerm("Term 4", date(2024, 10, 14), date(2024, 12, 20)),
    NamedTerm("Term 1", date(2025, 1, 27), date(2025, 4, 11)),
    NamedTerm("Term 2", date(2025, 4, 28), date(2025, 6, 27)),
    NamedTerm("Term 3", date(2025, 7, 14), date(2025, 9, 19)),
    NamedTerm("Term 4", date(2025, 10, 6), date(2025, 12, 19)),
    NamedTerm("Term 1", date(2026, 1, 26), date(2026, 4, 2)),
    NamedTerm("Term 2", date(2026, 4, 20), date(2026, 7, 3)),
    NamedTerm("Term 3", date(2026, 7, 20), date(2026, 9, 25)),
    NamedTerm("Term 4", date(2026, 10, 12), date(2026, 12, 18)),
)


@lru_cache(maxsize=64)
def find_zone(name: str) -> tzinfo:
    """The zone of that name, or UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def in_zone(moment: datetime, time_zone: str) -> datetime:
    """The moment as the clocks there show it; at the ends of time, as those of UTC do."""
    try:
        return moment.astimezone(find_zone(time_zone))
    except OverflowError:
        return moment


def print_day(moment: datetime, time_zone: str) -> str:
    """The day it is there, such as `3 April 2026`."""
    there = in_zone(moment, time_zone)
    return f"{there.day} {MONTHS[there.month - 1]} {there.year}"


def name_place(time_zone: str) -> str:
    """What people call the zone, such as `Auckland`."""
    return time_zone.rpartition("/")[2].replace("_", " ")


def find_terms(start: date, end: date, time_zone: str) -> list[NamedTerm]:
    """The school terms there between two days; none where they are not known."""
    if time_zone not in NEW_ZEALAND:
        return []
    return [term for term in _TERMS if term.start <= end and term.end >= start]
