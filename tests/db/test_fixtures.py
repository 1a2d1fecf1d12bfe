"""What every other test stands on: databases that are empty, migrated, shared, or one's own."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import pytest

from tests.database_reset import empty, read_schema


async def tables_of(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'public'"
        )
        return {row["table_name"] for row in rows}
    finally:
        await connection.close()


async def test_the_empty_database_is_empty(postgres_url: str) -> None:
    assert await tables_of(postgres_url) == set()


async def test_the_migrated_database_has_the_tables(database_url: str) -> None:
    assert {"person", "goal"} <= await tables_of(database_url)


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_fresh_database_is_fresh_each_time(fresh_database_url: str, turn: int) -> None:
    assert "mark" not in await tables_of(fresh_database_url)
    connection = await asyncpg.connect(fresh_database_url)
    await connection.execute(f"create table mark as select {turn} as turn")
    # Left open on purpose: the fixture drops the database all the same.
    connection.terminate()


async def test_a_test_may_have_as_many_as_it_wants(make_database: Callable[..., str]) -> None:
    first, second = make_database(), make_database(migrated=False)
    assert await tables_of(first) > await tables_of(second)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_database_that_is_used_again_has_nothing_of_the_test_before(
    fresh_database_url: str,
) -> None:
    schema = await read_schema(fresh_database_url)
    await execute(
        fresh_database_url,
        "insert into person (id, email, name) values (gen_random_uuid(), 'a@demo.example', 'A')",
        "create table extra as select 1 as n",
    )
    assert await empty(fresh_database_url, schema)
    connection = await asyncpg.connect(fresh_database_url)
    assert await connection.fetch("select 1 from person") == []
    await connection.close()
    assert await read_schema(fresh_database_url) == schema


@pytest.mark.parametrize(
    "change",
    [
        "alter table goal add column more text",
        "alter table person alter column name drop not null",
        "drop table job_row_error",
        "update alembic_version set version_num = '9999_tomorrow'",
    ],
)
async def test_a_database_whose_schema_was_changed_is_not_used_again(
    make_database: Callable[..., str], change: str
) -> None:
    url = make_database()
    schema = await read_schema(url)
    await execute(url, change)
    assert not await empty(url, schema)
