"""How long memberships by rosters last: as long as any of the rows that stand for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.db.roster_importer import Importer, counts, small
from tests.unit.features.rosters import Table, enrolments

TODAY = datetime.now(UTC).date()


def day(days: int) -> str:
    """So many days from today."""
    return (TODAY + timedelta(days=days)).isoformat()


def term(number: int, begins: int | None, ends: int | None, **more: str) -> Any:
    """An enrolment of the same student in the same class, for a term."""
    (row,) = enrolments(("c1", "u1", "student"))
    dates = {
        "beginDate": "" if begins is None else day(begins),
        "endDate": "" if ends is None else day(ends),
    }
    return {**row, "sourcedId": f"term-{number}", **dates, **more}


def school(*rows: Any, mode: str = "bulk") -> bytes:
    if mode == "delta":
        rows = tuple({"status": "active", **row} for row in rows)
        return small("delta", classes=[], users=[], enrollments=list(rows))
    return small(mode, enrollments=list(rows))


async def spans(importer: Importer, *, zone: str = "Pacific/Auckland") -> list[tuple[Any, Any]]:
    """The days of the beginning and of the end of all memberships by rosters, ended or not."""
    rows = await importer.rows(
        "SELECT m.begins_at AT TIME ZONE $1 AS begins, m.ends_at AT TIME ZONE $1 AS ends"
        " FROM membership AS m WHERE m.source = 'ROSTER' ORDER BY m.begins_at, m.ends_at",
        zone,
    )
    return [(_day_of(row["begins"]), _day_of(row["ends"])) for row in rows]


def _day_of(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


async def is_member(importer: Importer) -> bool:
    return bool(
        await importer.rows(
            "SELECT 1 FROM membership AS m WHERE m.source = 'ROSTER' AND m.begins_at <= now()"
            " AND (m.ends_at IS NULL OR m.ends_at > now())"
        )
    )


async def test_a_membership_lasts_from_the_first_term_to_the_last(importer: Importer) -> None:
    first, second = term(1, -100, 30), term(2, 40, 100)
    for rows in ([first, second], [second, first]):
        await importer.set_up()
        applied = await importer.import_(school(*rows))
        assert counts(applied)["membershipsAdded"] == 1
        assert await spans(importer) == [(day(-100), day(100))]
        assert await importer.rows("SELECT 1 FROM membership WHERE version = 1 AND source='ROSTER'")
        assert counts(await importer.import_(school(*rows))) == {}


async def test_a_term_that_is_added_or_removed_changes_how_long_it_lasts(
    importer: Importer,
) -> None:
    first, second = term(1, -100, 30), term(2, 40, 100)
    await importer.import_(school(first))
    applied = await importer.import_(school(first, second))
    assert counts(applied) == {"membershipsChanged": 1}
    assert await spans(importer) == [(day(-100), day(100))]
    assert counts(await importer.import_(school(first))) == {"membershipsChanged": 1}
    assert await spans(importer) == [(day(-100), day(30))]


async def test_a_term_that_is_over_ends_nothing_while_another_comes(importer: Importer) -> None:
    first, second = term(1, -100, 30), term(2, 40, 100)
    await importer.import_(school(first, second))
    over = {**first, "endDate": day(-5)}
    assert "membershipsEnded" not in counts(await importer.import_(school(over, second)))
    assert await spans(importer) == [(day(-100), day(100))]
    assert await is_member(importer)


async def test_rows_of_which_a_delta_has_but_some_count_as_they_were(importer: Importer) -> None:
    first, second = term(1, -100, 30), term(2, 40, 100)
    await importer.import_(school(first, second))
    await importer.import_(school({**second, "endDate": day(60)}, mode="delta"))
    assert await spans(importer) == [(day(-100), day(60))]
    await importer.import_(school({**second, "status": "tobedeleted"}, mode="delta"))
    assert await spans(importer) == [(day(-100), day(30))]
    assert await is_member(importer)
    # The last row moves to another group: the membership here is no longer any row's.
    applied = await importer.import_(school({**first, "role": "teacher"}, mode="delta"))
    assert counts(applied) == {"membershipsAdded": 1, "membershipsEnded": 1}


async def test_a_row_without_dates_goes_on_and_begins_at_once(importer: Importer) -> None:
    await importer.import_(school(term(1, 10, 30)))
    assert not await is_member(importer)
    await importer.import_(school(term(1, 10, 30), term(2, None, None)))
    assert await is_member(importer)
    (span,) = await spans(importer)
    assert span[1] is None


async def test_a_membership_that_ended_comes_back_when_a_row_says_so(importer: Importer) -> None:
    first, second = term(1, -100, 30), term(2, -10, 100)
    await importer.import_(school(first))
    # Time passes: the membership is over by its date, and so is the row.
    await importer.write(
        "UPDATE membership SET ends_at = now() - interval '1 day' WHERE source = 'ROSTER'"
    )
    over = {**first, "endDate": day(-3)}
    applied = await importer.import_(school(over, second))
    assert counts(applied) == {"membershipsAdded": 1}
    assert await is_member(importer)
    assert counts(await importer.import_(school(over, second))) == {}
    # A row that ended, and whose end was moved.
    assert counts(await importer.import_(school({**second, "endDate": day(-2)})))[
        "membershipsEnded"
    ]
    assert not await is_member(importer)
    assert counts(await importer.import_(school(second))) == {"membershipsAdded": 1}
    assert await is_member(importer)


async def test_rows_that_all_end_end_the_membership_and_are_counted(importer: Importer) -> None:
    rows: Table = [term(1, -100, 30), term(2, -50, 40)]
    await importer.import_(school(*rows))
    checked = await importer.check(school(*({**row, "endDate": day(-2)} for row in rows)))
    assert (checked["membershipsEnded"], checked["endingPercent"]) == (1, 100)
    await importer.apply(checked, 100)
    assert not await is_member(importer)


async def test_an_enrolment_that_ends_on_the_day_it_begins_is_none(importer: Importer) -> None:
    assert "membershipsAdded" not in counts(await importer.import_(school(term(1, 10, 10))))
    await importer.import_(school(term(1, 10, 30)))
    applied = await importer.import_(school(term(1, 10, 10)))
    assert counts(applied) == {"membershipsEnded": 1}
