"""Migrations, on a real database."""

from __future__ import annotations

import asyncio
import sys

import asyncpg
import pytest

from poutama.db.dialect import Dialect
from poutama.db.migrate import downgrade, migrate, upgrade_schema
from poutama.errors import ConfigurationError, UnavailableError

FIRST = "0001_goals"
TABLES = ["goal", "goal_note", "goal_task", "person"]
BOOKKEEPING = ["alembic_version", "applied_revision", "migration_lock"]


async def read(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def table_names(url: str) -> list[str]:
    rows = await read(
        url,
        "select table_name from information_schema.tables"
        " where table_schema = 'public' order by table_name",
    )
    return [row["table_name"] for row in rows]


async def test_an_empty_database_gets_its_tables(postgres_url: str) -> None:
    said: list[str] = []
    applied = await upgrade_schema(postgres_url, echo=said.append)
    assert applied[0] == FIRST
    assert said == applied
    assert set(TABLES + BOOKKEEPING) <= set(await table_names(postgres_url))


async def test_migrating_again_does_nothing(postgres_url: str) -> None:
    await upgrade_schema(postgres_url)
    assert await upgrade_schema(postgres_url) == []


async def test_down_and_up_again(postgres_url: str) -> None:
    applied = await upgrade_schema(postgres_url)
    taken_away = await asyncio.to_thread(downgrade, postgres_url, "base")
    assert taken_away == applied[::-1]
    assert await table_names(postgres_url) == BOOKKEEPING
    assert await upgrade_schema(postgres_url) == applied


async def test_a_migration_that_was_cut_off_between_statements_is_taken_up_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On CockroachDB every statement commits by itself, so half a migration can be left.
    monkeypatch.setattr("poutama.db.migrate.dialect_of", lambda _: Dialect.COCKROACHDB)
    applied = await upgrade_schema(postgres_url)
    await read(postgres_url, "delete from alembic_version")
    await read(postgres_url, "drop table goal_task")
    assert await upgrade_schema(postgres_url) == applied
    assert set(TABLES) <= set(await table_names(postgres_url))


async def test_the_columns_are_what_the_schema_files_map_onto(database_url: str) -> None:
    rows = await read(
        database_url,
        "select column_name, is_nullable from information_schema.columns"
        " where table_schema = 'public' and table_name = 'goal' order by ordinal_position",
    )
    nullable = [row["column_name"] for row in rows if row["is_nullable"] == "YES"]
    assert [row["column_name"] for row in rows] == [
        *("id", "person_id", "goal_type", "title", "title_search", "information"),
        *("information_search", "complete", "due_at", "color", "version"),
        *("created_at", "updated_at", "audience", "organisation_ids", "completed_at"),
    ]
    assert nullable == ["due_at", "color", "organisation_ids", "completed_at"]


async def test_every_foreign_key_has_an_index_that_begins_with_it(
    database_url: str, database_engine: str
) -> None:
    """Else whatever it refers to cannot be deleted without reading the whole table."""
    if database_engine != "postgresql":
        pytest.skip("skipped: asks PostgreSQL's own catalogue; the migrations are the same")
    rows = await read(
        database_url,
        """
        select conrelid::regclass::text as name, conname from pg_constraint where contype = 'f'
        and not exists (
            select 1 from pg_index where indrelid = conrelid and indkey[0] = conkey[1]
        )
        """,
    )
    assert [tuple(row) for row in rows] == []


async def test_a_person_takes_goals_tasks_and_notes_along(fresh_database_url: str) -> None:
    counts = await read(fresh_database_url, "select 1 from goal_task union all select 2 from goal")
    assert counts == []
    await read(
        fresh_database_url,
        """
        with p as (insert into person (id, email, name)
                   values (gen_random_uuid(), 'a@demo.example', 'A') returning id)
        insert into goal
            (id, person_id, goal_type, title, title_search, information, information_search)
        select gen_random_uuid(), id, 'SPORTS', 't', 't', 'i', 'i' from p
        """,
    )
    await read(
        fresh_database_url,
        "insert into goal_task (id, goal_id, information, information_search, position)"
        " select gen_random_uuid(), id, 'i', 'i', 0 from goal",
    )
    assert len(await read(fresh_database_url, "select version from goal_task")) == 1
    await read(fresh_database_url, "delete from person where email = 'a@demo.example'")
    assert await read(fresh_database_url, "select 1 from goal_task") == []


async def test_an_unknown_goal_type_is_refused(database_url: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await read(
            database_url,
            "insert into goal (id, person_id, goal_type, title, title_search, information,"
            " information_search) values"
            " (gen_random_uuid(), gen_random_uuid(), 'OTHER', '', '', '', '')",
        )


async def test_of_several_processes_at_once_one_migrates(postgres_url: str) -> None:
    code = "import sys; from poutama.db.migrate import migrate; print(migrate(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, postgres_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    answers = [await process.communicate() for process in processes]
    assert [error.decode() for _, error in answers] == ["", "", ""]
    assert sorted(output.decode().strip() != "[]" for output, _ in answers) == [False, False, True]


async def test_a_migrator_waits_for_another_and_outlives_it(
    postgres_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("only PostgreSQL shows who waits")
    await upgrade_schema(postgres_url)
    other = await asyncpg.connect(postgres_url)
    await other.execute("begin")
    await other.execute("update migration_lock set taken = taken + 1 where id = 1")
    waiter = asyncio.create_task(upgrade_schema(postgres_url))
    waiting = (
        "select 1 from pg_stat_activity where datname = current_database()"
        " and application_name = 'poutama-migrate' and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while not await read(postgres_url, waiting):
            assert not waiter.done()
    other.terminate()
    assert await waiter == []


async def test_a_database_from_the_future_is_left_alone(fresh_database_url: str) -> None:
    await read(fresh_database_url, "update alembic_version set version_num = '9999_tomorrow'")
    with pytest.raises(ConfigurationError, match="9999_tomorrow"):
        await upgrade_schema(fresh_database_url)


def test_an_address_without_a_server_is_reported() -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        migrate("postgresql://postgres@127.0.0.1:1/poutama")


async def test_no_secret_in_the_message_about_a_bad_address(postgres_url: str) -> None:
    url = postgres_url.replace("poutama_test_", "absent_").replace("postgres@", "postgres:s3cret@")
    assert "s3cret" in url
    with pytest.raises(ConfigurationError) as caught:
        await upgrade_schema(url)
    assert "s3cret" not in caught.value.message


async def test_names_that_are_there_are_folded(fresh_database_url: str) -> None:
    await read(
        fresh_database_url,
        "insert into person (id, email, name) values"
        " (gen_random_uuid(), 'a@demo.example', 'T\u016b\u012b'),"
        " (gen_random_uuid(), 'b@demo.example', 'Ana')",
    )
    await read(fresh_database_url, "update alembic_version set version_num = '0045_searched_names'")
    await upgrade_schema(fresh_database_url)
    rows = await read(fresh_database_url, "select name_search from person order by email")
    assert [row[0] for row in rows] == ["tui", "ana"]
