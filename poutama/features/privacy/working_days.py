"""The legal clock: working days, in New Zealand as its Privacy Act 2020 counts them.

Called when a request for access or erasure is made. Outside New Zealand only weekends are left out:
20 such days are 28, which is within a month (GDPR, article 12) and 45 days (FERPA). Pure.

Source: Privacy Act 2020, section 7 ("working day") and sections 44 and 63 (20 working days);
Te Kāhui o Matariki Public Holiday Act 2022, schedule 1. https://www.legislation.govt.nz
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

WORKING_DAYS = 20
"""Within which a request has to be decided."""

_NEW_ZEALAND = frozenset(
    (
        "Pacific/Auckland",
        "Pacific/Chatham",
        "Antarctica/McMurdo",
        "Antarctica/South_Pole",
        "NZ",
        "NZ-CHAT",
    )
)
_SATURDAY, _SUNDAY, _MONDAY = 5, 6, 0
_MATARIKI = frozenset(
    date.fromisoformat(day)
    for day in (
        "2026-07-10", "2027-06-25", "2028-07-14", "2029-07-06", "2030-06-21", "2031-07-11",
        "2032-07-02", "2033-06-24", "2034-07-07", "2035-06-29", "2036-07-18", "2037-07-10",
        "2038-06-25", "2039-07-15", "2040-07-06", "2041-07-19", "2042-07-11", "2043-07-03",
        "2044-06-24", "2045-07-07", "2046-06-29", "2047-07-19", "2048-07-03", "2049-06-25",
        "2050-07-15", "2051-06-30", "2052-06-21",
    )
)  # fmt: skip
"""As far as the Act has them. Afterwards it counts as a working day: due a day too early."""
_SUMMER = ((12, 25), (1, 15))
"""The first and the last day of the summer that has no working day, as month and day."""


def find_due(now: datetime, time_zone: str) -> datetime:
    """The same time of day, `WORKING_DAYS` working days later in that zone.

    The day of the request does not count.
    """
    due = now.astimezone(ZoneInfo(time_zone))
    in_new_zealand = time_zone in _NEW_ZEALAND
    left = WORKING_DAYS
    while left:
        due += timedelta(days=1)
        left -= is_working_day(due.date(), in_new_zealand=in_new_zealand)
    return due.astimezone(now.tzinfo)


def is_working_day(day: date, *, in_new_zealand: bool) -> bool:
    """Whether the day counts."""
    if day.weekday() in (_SATURDAY, _SUNDAY):
        return False
    return not (in_new_zealand and _is_holiday(day))


def _is_holiday(day: date) -> bool:
    """Whether a day from Monday to Friday is none that counts in New Zealand."""
    first, last = _SUMMER
    if (day.month, day.day) >= first or (day.month, day.day) <= last:
        return True
    easter = find_easter(day.year)
    return (
        day in (easter - timedelta(days=2), easter + timedelta(days=1))
        or day in _MATARIKI
        or _is_observed(day, 2, 6)  # Waitangi Day
        or _is_observed(day, 4, 25)  # Anzac Day
        or _is_monday_of(day, 6, 1)  # the Sovereign's birthday
        or _is_monday_of(day, 10, 4)  # Labour Day
    )


def _is_observed(day: date, month: int, of_month: int) -> bool:
    """Whether it is that day, or the Monday after one at a weekend."""
    holiday = date(day.year, month, of_month)
    weekday = holiday.weekday()
    observed = holiday + timedelta(days=7 - weekday) if weekday in (5, 6) else holiday
    return day == observed


def _is_monday_of(day: date, month: int, number: int) -> bool:
    """Whether it is the month's first Monday, or its fourth, and so on."""
    return day.month == month and day.weekday() == _MONDAY and (day.day - 1) // 7 == number - 1


def find_easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, 8)."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap, remainder = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - moon + 15) % 30
    quarter, fourth = divmod(rest, 4)
    weekday = (32 + 2 * remainder + 2 * quarter - epact - fourth) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)
