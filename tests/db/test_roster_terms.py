"""How long memberships by rosters last: as long as any of the rows that stand for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.db.roster_importer import Importer, counts, errors, small
from tests.unit.features.rosters import Table, classes, enrolments, terms

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


def year(
    *rows: Any,
    of: str = "t1,t2",
    second: tuple[int, int] = (40, 100),
    mode: str = "bulk",
    **more: Table,
) -> bytes:
    """A class of two terms, with these enrolments."""
    return small(
        mode,
        **{
            "academicSessions": terms(
                ("t1", day(-100), day(30)), ("t2", day(second[0]), day(second[1]))
            ),
            "classes": classes(("c1", "Art"), termSourcedIds=of),
            "enrollments": list(rows),
            **more,
        },
    )


async def test_terms_bound_an_enrolment_without_dates_of_its_own(importer: Importer) -> None:
    applied = await importer.import_(year(term(1, None, None)))
    assert (errors(applied), await spans(importer)) == ([], [(day(-100), day(100))])
    # One date of its own counts, and the terms bound the other side.
    await importer.import_(year(term(1, 10, None)))
    assert await spans(importer) == [(day(10), day(100))]
    await importer.import_(year(term(1, 5, 20)))
    assert await spans(importer) == [(day(5), day(20))]


async def test_what_a_membership_was_in_the_past_stays(importer: Importer) -> None:
    """It keeps its beginning, and one that has not begun begins now at the earliest."""
    await importer.import_(school(term(1, -100, 30)))
    for begins in (-10, -200, None):
        await importer.import_(school(term(1, begins, 30)))
        assert await spans(importer) == [(day(-100), day(30))]
    await importer.import_(school(term(1, 10, 30)))
    assert await spans(importer) == [(day(10), day(30))]
    await importer.import_(school(term(1, -100, 30)))
    assert await importer.rows(
        "SELECT 1 FROM membership WHERE source = 'ROSTER'"
        " AND begins_at > now() - interval '5 minutes' AND begins_at <= now()"
    )
    assert counts(await importer.import_(school(term(1, -100, 30)))) == {}


async def test_a_term_that_moves_moves_the_memberships_of_its_classes(importer: Importer) -> None:
    await importer.import_(year(term(1, None, None)))
    applied = await importer.import_(year(term(1, None, None), second=(40, 120)))
    assert counts(applied) == {"groupsChanged": 1, "membershipsChanged": 1}
    assert await spans(importer) == [(day(-100), day(120))]
    assert counts(await importer.import_(year(term(1, None, None), second=(40, 120)))) == {}
    # What a person ended stays ended, whatever becomes of the terms.
    await importer.write(
        "UPDATE membership SET ends_at = now(), ended_by_id = person_id WHERE source = 'ROSTER'"
    )
    await importer.import_(year(term(1, None, None), second=(40, 140)))
    assert not await is_member(importer)


async def test_a_delta_without_terms_is_bounded_by_those_that_were_known(
    importer: Importer,
) -> None:
    await importer.import_(year(term(1, None, None)))
    row = {**term(2, None, None), "userSourcedId": "u2", "status": "active"}
    again = classes(("c1", "Art and craft"), termSourcedIds="t1,t2", status="active")
    delta = small("delta", classes=again, users=[], enrollments=[row])
    assert errors(await importer.import_(delta)) == []
    assert await spans(importer) == [(day(-100), day(100))] * 2


async def test_what_is_over_adds_nothing_and_is_reported(importer: Importer) -> None:
    over = terms(("t1", day(-100), day(-50)))
    classes_ = classes(("c1", "Art"), termSourcedIds="t1")
    content = year(term(1, None, None), academicSessions=over, classes=classes_)
    checked = await importer.check(content)
    assert errors(checked) == [("enrollments.csv", 2, "endDate", "PAST")]
    assert (checked["rowsRefused"], checked["membershipsAdded"]) == (0, 0)


async def test_a_class_of_an_unknown_term_is_not_bounded_and_reported(importer: Importer) -> None:
    applied = await importer.import_(year(term(1, None, None), of="t1,t9"))
    assert errors(applied) == [("classes.csv", 2, "termSourcedIds", "ODD_REFERENCE")]
    (span,) = await spans(importer)
    assert span[1] is None
    bad = [*terms(("t1", day(5), day(1))), *terms(("t2", "soon", day(9)))]
    applied = await importer.import_(year(term(1, None, None), academicSessions=bad))
    assert errors(applied)[:2] == [
        ("academicSessions.csv", 2, "endDate", "BAD_DATE"),
        ("academicSessions.csv", 3, "startDate", "BAD_DATE"),
    ]
