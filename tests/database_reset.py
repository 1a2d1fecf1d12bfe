"""Emptying a migrated database for the next test, where making another would take seconds.

`tests.conftest` does so on CockroachDB. What a test has added goes; where it has changed anything
else, the database is not fit to be used again.
"""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

HANG_SECONDS = 60.0
_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY table_name, column_name
"""
_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_REVISIONS = "SELECT version_num FROM alembic_version"
KEPT = frozenset({"alembic_version", "applied_revision", "migration_lock"})


@dataclass(frozen=True, slots=True)
class Schema:
    """What the migrations have left: tables and columns, and their own mark."""

    tables: frozenset[str]
    columns: tuple[tuple[str, ...], ...]
    revisions: tuple[str, ...]


async def read_schema(url: str) -> Schema:
    """The schema of a database, as it is now."""
    connection = await asyncpg.connect(url)
    try:
        return await _read_schema(connection)
    finally:
        await connection.close()


async def empty(url: str, schema: Schema) -> bool:
    """Delete all rows, and the tables that are not of `schema`; say whether nothing else differs.

    False, too, where it takes too long, as when a session that a test has left holds a row.
    """
    try:
        connection = await asyncpg.connect(url, command_timeout=HANG_SECONDS)
        try:
            return await _empty(connection, schema)
        finally:
            await connection.close(timeout=HANG_SECONDS)
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


async def _empty(connection: asyncpg.Connection, schema: Schema) -> bool:
    for row in await connection.fetch(_TABLES):
        if row["table_name"] not in schema.tables:
            await connection.execute(f'DROP TABLE "{row["table_name"]}"')
    if await _read_schema(connection) != schema:
        return False
    # One after the other: a row may go with another's, and statements of one batch are one
    # transaction on newer servers.
    for table in sorted(schema.tables - KEPT):
        await connection.execute(f'DELETE FROM "{table}"')
    return True


async def _read_schema(connection: asyncpg.Connection) -> Schema:
    return Schema(
        tables=frozenset(row["table_name"] for row in await connection.fetch(_TABLES)),
        columns=tuple(tuple(map(str, row)) for row in await connection.fetch(_COLUMNS)),
        revisions=tuple(row["version_num"] for row in await connection.fetch(_REVISIONS)),
    )
