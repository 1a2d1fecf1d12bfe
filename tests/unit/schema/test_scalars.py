"""`UUID` and `DateTime`: what is read, what is refused and in which words, what is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from poutama.schema.scalars import parse_date_time, parse_uuid, print_date_time

ID = "0b4f0c1e-8d0c-4c56-9c2e-6a4b3f1f9a11"

READ = {
    "2026-02-03T21:30:00Z": datetime(2026, 2, 3, 21, 30, tzinfo=UTC),
    "2026-02-03t21:30:00z": datetime(2026, 2, 3, 21, 30, tzinfo=UTC),
    "2026-02-03 21:30:00Z": datetime(2026, 2, 3, 21, 30, tzinfo=UTC),
    "2026-02-03T21:30:00+13:45": datetime(2026, 2, 3, 7, 45, tzinfo=UTC),
    "2026-02-03T21:30:00-00:00": datetime(2026, 2, 3, 21, 30, tzinfo=UTC),
    "2026-02-03T21:30:00.1Z": datetime(2026, 2, 3, 21, 30, 0, 100_000, tzinfo=UTC),
    "2026-02-03T21:30:00.123456789Z": datetime(2026, 2, 3, 21, 30, 0, 123_456, tzinfo=UTC),
    "0001-01-01T00:00:00Z": datetime(1, 1, 1, tzinfo=UTC),
    "0001-01-01T00:00:00-14:00": datetime(1, 1, 1, 14, tzinfo=UTC),
    "9999-12-31T23:59:59.999999Z": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "2024-02-29T00:00:00Z": datetime(2024, 2, 29, tzinfo=UTC),
}


@pytest.mark.parametrize("text", READ)
def test_a_moment_is_read(text: str) -> None:
    found = parse_date_time(text)
    assert found == READ[text]
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "99999-01-01T00:00:00Z",
        "+2026-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "2026-02-03",
        "2026-02-03T21:30:00",
        "2026-02-03T21:30Z",
        "2026-02-03T21:30:00.Z",
        "2026-02-03T21:30:00.1234567890Z",
        "2026-02-03T21:30:00,5Z",
        "2026-02-03T21:30:00+1300",
        "2026-02-03T21:30:00+13",
        "2026-W06-2T21:30:00Z",
        "20260203T213000Z",
        "2026-02-03T21:30:00Z\n",
        " 2026-02-03T21:30:00Z",
        "٢٠٢٦-02-03T21:30:00Z",
        "now",
        "infinity",
        "",
        1770154200,
        True,
        None,
        ["2026-02-03T21:30:00Z"],
    ],
)
def test_what_is_no_rfc_3339_moment_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(GraphQLError, match='such as "2026-02-03T21:30:00Z"'):
        parse_date_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "2016-12-31T23:59:60Z",
        "2026-02-30T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-03T24:00:00Z",
        "2026-02-03T21:30:00+24:00",
        "2026-02-03T21:30:00+13:60",
        "2026-02-03T21:30:00-13:99",
        "2026-02-03T21:60:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_a_moment_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(GraphQLError, match="Expected a date and time that exists"):
        parse_date_time(text)


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001  the strategy wants bounds without a zone
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_every_moment_survives_being_written_and_read(moment: datetime) -> None:
    written = print_date_time(moment)
    assert written.endswith("Z")
    assert parse_date_time(written) == parse_date_time(moment.isoformat()) == moment


def test_a_moment_is_written_in_utc_without_needless_digits() -> None:
    zone = timezone(timedelta(hours=13))
    assert print_date_time(datetime(2026, 2, 3, 9, tzinfo=zone)) == "2026-02-02T20:00:00Z"
    half = datetime(2026, 2, 3, 9, 0, 0, 500_000, tzinfo=UTC)
    assert print_date_time(half) == "2026-02-03T09:00:00.5Z"
    assert print_date_time(datetime(33, 4, 3, 15, tzinfo=UTC)) == "0033-04-03T15:00:00Z"


@pytest.mark.parametrize("text", [ID, ID.upper(), "00000000-0000-0000-0000-000000000000"])
def test_a_uuid_is_read(text: str) -> None:
    assert parse_uuid(text) == UUID(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        f"{ID}\n",
        f"{ID[:-1]}g",
        f"{ID[:-1]}١",
        1,
        None,
        [ID],
        UUID(ID).bytes,
    ],
)
def test_what_is_no_uuid_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(GraphQLError, match="Expected a UUID such as"):
        parse_uuid(text)
