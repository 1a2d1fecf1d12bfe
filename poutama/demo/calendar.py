"""The demo school's calendar: when its goals were made, edited and are due.

Called by `demo.school`. The year is fixed, and it is part of the data: no clock is read. Times of
day are New Zealand's, because a goal is due at the end of a day there; values are in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple


class Term(NamedTuple):
    """A school term: its first and its last day."""

    start: date
    end: date


# New Zealand's school year 2026, and the term after it.
TERMS = (
    Term(date(2026, 2, 2), date(2026, 4, 2)),
    Term(date(2026, 4, 20), date(2026, 7, 3)),
    Term(date(2026, 7, 20), date(2026, 9, 25)),
    Term(date(2026, 10, 12), date(2026, 12, 18)),
    Term(date(2027, 2, 1), date(2027, 4, 9)),
)
YEAR = 4  # the terms in which goals are made

# Daylight saving time is UTC+13 and ends, and begins again, on these Sundays. (The system's time
# zone data may be missing, and must not change the data.)
WINTER = (date(2026, 4, 5), date(2026, 9, 27))

FIRST_LESSON, LAST_LESSON, LAST_MINUTE = time(9), time(15), time(23, 59)


def in_new_zealand(day: date, clock: time) -> datetime:
    """That time of that day there, in UTC."""
    hours = 12 if WINTER[0] <= day < WINTER[1] else 13
    return datetime.combine(day, clock, UTC) - timedelta(hours=hours)


OPENED = in_new_zealand(date(2026, 1, 28), FIRST_LESSON)
_FIRST_LESSONS = tuple(in_new_zealand(term.start, FIRST_LESSON) for term in TERMS)
# Goals are made in a term's first weeks, so that none is due before it is made.
_CREATION_DAYS, _EDIT_DAYS = 21, 3


def choose_creation(random: Random, term: int) -> datetime:
    """A moment early in the term; often its very first lesson, shared by a whole class."""
    if random.random() < 0.3:
        return _FIRST_LESSONS[term]
    return _FIRST_LESSONS[term] + timedelta(days=random.random() * _CREATION_DAYS)


def choose_edits(random: Random, created: datetime) -> tuple[int, datetime]:
    """The row's version and the moment of its last change; most rows were never changed."""
    if random.random() < 0.6:
        return 1, created
    edits = 1 + int(random.random() * 4)
    return 1 + edits, created + timedelta(days=random.random() * _EDIT_DAYS * edits)


def choose_due(random: Random, term: int) -> datetime | None:
    """Mostly the last days of the term, else the first ones of the next, or no date at all."""
    share = random.random()
    if share < 0.2:
        return None
    if share < 0.8:
        day = TERMS[term].end - timedelta(days=int(random.random() * random.random() * 14))
    else:
        day = TERMS[term + 1].start + timedelta(days=int(random.random() * 12))
    return in_new_zealand(day, LAST_MINUTE if share < 0.5 else LAST_LESSON)
