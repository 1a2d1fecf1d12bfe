"""The dates of school terms: in order, known for long enough, and the demo school's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from poutama.demo.calendar import TERMS, in_new_zealand
from poutama.demo.terms import load_terms

HALF_A_YEAR = timedelta(days=183)


def test_term_dates_are_known_for_half_a_year_at_least() -> None:
    left = load_terms().last_day - datetime.now(UTC).date()
    assert left > HALF_A_YEAR, (
        f"term dates end in {left.days} days: add years to poutama/demo/terms.toml,"
        " and think about moving its school_year"
    )


def test_years_and_terms_follow_each_other() -> None:
    years = load_terms().years
    assert [each.year for each in years] == list(range(years[0].year, years[-1].year + 1))
    days = [day for each in years for term in each.terms for day in term]
    assert all(before < after for before, after in pairwise(days))
    for each in years:
        assert {day.year for term in each.terms for day in term} == {each.year}


def test_terms_last_eight_to_eleven_weeks_and_begin_early_in_the_week() -> None:
    for year in load_terms().years:
        for term in year.terms:
            assert timedelta(weeks=8) <= term.end - term.start <= timedelta(weeks=11)
            assert term.start.weekday() <= 1
            assert term.end.weekday() <= 4


def test_the_demo_school_needs_the_year_after_its_own() -> None:
    dates = load_terms()
    assert TERMS[0].start.year == dates.school_year
    with pytest.raises(ValueError, match=f"expected dates of {dates.last_day.year} and"):
        dates.terms_from(dates.last_day.year)


@pytest.mark.parametrize("year", [each.year for each in load_terms().years])
def test_clocks_change_as_they_do_in_new_zealand(year: int) -> None:
    there = ZoneInfo("Pacific/Auckland")
    day = date(year, 1, 1)
    while day.year == year:
        noon = in_new_zealand(day, time(12))
        assert noon.astimezone(there).time() == time(12), day
        day += timedelta(days=1)
