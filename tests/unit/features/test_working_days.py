"""The legal clock counts the working days of the Privacy Act 2020."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from poutama.features.privacy.working_days import find_due, find_easter, is_working_day

AUCKLAND, BERLIN = "Pacific/Auckland", "Europe/Berlin"


@pytest.mark.parametrize(
    ("zone", "begun", "due"),
    [
        # Monday to Monday, four weeks on; a Saturday's clock starts on the Monday.
        (AUCKLAND, "2026-08-03T00:00:00+00:00", "2026-08-31T00:00:00+00:00"),
        (AUCKLAND, "2026-08-01T00:00:00+00:00", "2026-08-28T00:00:00+00:00"),
        # Friday in UTC is Saturday in Auckland already; and summer time begins meanwhile.
        (AUCKLAND, "2026-09-04T20:00:00+00:00", "2026-10-01T19:00:00+00:00"),
        # Good Friday, Easter Monday, Anzac Day on the Monday after, and the end of summer time.
        (AUCKLAND, "2026-03-30T00:00:00+00:00", "2026-04-30T01:00:00+00:00"),
        (AUCKLAND, "2026-07-06T00:00:00+00:00", "2026-08-04T00:00:00+00:00"),
        # No day from 25 December to 15 January counts; elsewhere all weekdays do.
        (AUCKLAND, "2026-12-14T00:00:00+00:00", "2027-02-02T00:00:00+00:00"),
        ("Pacific/Chatham", "2026-12-14T00:00:00+00:00", "2027-02-02T00:00:00+00:00"),
        (BERLIN, "2026-12-14T12:00:00+00:00", "2027-01-11T12:00:00+00:00"),
    ],
)
def test_a_request_is_due_twenty_working_days_later(zone: str, begun: str, due: str) -> None:
    assert find_due(datetime.fromisoformat(begun), zone).isoformat() == due


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        ("2026-02-05", True),
        ("2026-02-06", False),  # Waitangi Day
        ("2027-02-08", False),  # after one on a Saturday
        ("2028-02-07", False),  # after one on a Sunday
        ("2026-04-03", False),  # Good Friday
        ("2026-04-06", False),  # Easter Monday
        ("2027-04-26", False),  # after an Anzac Day on a Sunday
        ("2028-04-25", False),
        ("2026-06-01", False),  # the Sovereign's birthday
        ("2026-06-08", True),
        ("2026-07-10", False),  # Matariki
        ("2026-10-26", False),  # Labour Day
        ("2026-10-19", True),
        ("2026-12-24", True),
        ("2026-12-25", False),
        ("2027-01-15", False),
        ("2027-01-18", True),
        ("2027-01-25", True),  # a region's anniversary counts
    ],
)
def test_holidays_do_not_count_in_new_zealand(day: str, counts: bool) -> None:
    found = date.fromisoformat(day)
    assert is_working_day(found, in_new_zealand=True) == counts
    assert is_working_day(found, in_new_zealand=False)


def test_every_matariki_is_a_friday_in_winter() -> None:
    for year in range(2026, 2053):
        days = [date(year, 6, 15) + timedelta(days=n) for n in range(40)]
        (holiday,) = (
            day
            for day in days
            if day.weekday() < 5 and not is_working_day(day, in_new_zealand=True)
        )
        assert holiday.weekday() == 4


def test_easter() -> None:
    found = [find_easter(year).isoformat()[5:] for year in (2000, 2024, 2026, 2027, 2038)]
    assert found == ["04-23", "03-31", "04-05", "03-28", "04-25"]
