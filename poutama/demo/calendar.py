"""The demo school's calendar: when its goals were made, edited and are due.

Called by `demo.school`. The year is part of the data (`terms.toml`): no clock is read. Times of
day are New Zealand's, because a goal is due at the end of a day there; values are in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random

from poutama.demo.terms import TERMS_A_YEAR, load_terms

YEAR = TERMS_A_YEAR
"""The terms in which goals are made; they may be due in the one after."""
_DATES = load_terms()
TERMS = _DATES.terms_from(_DATES.school_year)
"""The school year's terms, and those after it."""

FIRST_LESSON, LAST_LESSON, LAST_MINUTE = time(9), time(15), time(23, 59)


def in_new_zealand(day: date, clock: time) -> datetime:
    """That time of that day there, in UTC."""
    winter, summer = _clock_changes(day.year)
    hours = 12 if winter <= day < summer else 13
    return datetime.combine(day, clock, UTC) - timedelta(hours=hours)


@cache
def _clock_changes(year: int) -> tuple[date, date]:
    """When daylight saving ends and begins: April's first and September's last Sunday.

    The system's time zone data may be missing, and must not change the data.
    """
    first_of_april, last_of_september = date(year, 4, 1), date(year, 9, 30)
    return (
        first_of_april + timedelta(days=6 - first_of_april.weekday()),
        last_of_september - timedelta(days=(last_of_september.weekday() + 1) % 7),
    )


# The Wednesday before the first term.
OPENED = in_new_zealand(TERMS[0].start - timedelta(days=5), FIRST_LESSON)
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
