"""/healthz, and what an error of the database is explained by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from poutama.edge.http import Request
from poutama.errors import ConfigurationError, DatabaseError
from tests.unit.edge.test_http import RecordingEngine, error_of, healthy, make_api, post


async def test_health_is_what_the_database_says(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise OSError("password=secret")

    request = Request("GET", "/healthz", "", {}, b"")
    well = await make_api().handle(request)
    unwell = await make_api(health=broken).handle(request)

    assert (well.status, well.body) == (200, b'{"status":"ok"}')
    assert (unwell.status, unwell.body) == (503, b'{"status":"unavailable"}')
    assert "secret" not in caplog.text


async def lacking() -> None:
    raise ConfigurationError("The database lacks the migration 7 of the feature 'harvest'.")


async def test_health_names_a_migration_that_is_missing_in_the_log_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unwell = await make_api(health=lacking).handle(Request("GET", "/healthz", "", {}, b""))

    assert (unwell.status, unwell.body) == (503, b'{"status":"unavailable"}')
    assert "lacks the migration 7 of the feature 'harvest'" in caplog.text


@pytest.mark.parametrize(
    ("sqlstate", "health", "logged"),
    [
        ("42P01", lacking, True),
        ("42703", lacking, True),
        ("42P01", healthy, False),
        ("23505", lacking, False),
    ],
)
async def test_a_table_that_is_not_there_is_explained_by_the_migration_that_is_missing(
    sqlstate: str,
    health: Callable[[], Awaitable[None]],
    logged: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = RecordingEngine(error=DatabaseError(sqlstate=sqlstate))

    response = await make_api(engine, health=health).handle(post({"query": "{ a }"}))

    assert (response.status, error_of(response)[0]) == (500, "INTERNAL")
    assert b"migration" not in response.body
    assert ("lacks the migration 7" in caplog.text) is logged
    assert f"SQLSTATE {sqlstate}" in caplog.text
