"""Loads many rows fast: COPY on PostgreSQL, statements of many rows on CockroachDB.

For the demo school and other tools that fill tables; requests never come here. Each load is one
transaction. What only one engine understands stays inside: callers see a `Loader`.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

import asyncpg

from poutama.db.connection import Database
from poutama.db.dialect import Dialect
from poutama.db.hosts import Hosts
from poutama.db.sqlstate import ConnectionPhase, Failure, failure_of, public_error
from poutama.db.transaction import Transaction, run_transaction
from poutama.settings import Settings

LOAD_SECONDS = 300.0
"""Longest time for one load."""
# A statement's parameters are counted in 16 bits; far fewer keep CockroachDB's planning short.
MAX_PARAMETERS = 3_000


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows for one table, as tuples in the order of `columns`; names are trusted, not quoted."""

    table: str
    columns: Sequence[str]
    rows: Sequence[tuple[object, ...]]


class Loader(Protocol):
    """Adds rows, a transaction at a time."""

    @property
    def batch_rows(self) -> int:
        """About how many rows one load had best have."""

    async def load(self, tables: Sequence[TableRows]) -> None:
        """Add all the rows, in the order given, or none of them.

        Raises:
            AmbiguousCommit: the connection was lost while committing.
            DatabaseError: the database refused a row; nothing was added.
            DeadlineExceededError, UnavailableError: nothing was added.
        """

    async def finish(self) -> None:
        """Bring the planner's statistics up to date with what was loaded."""


@asynccontextmanager
async def open_loader(settings: Settings, url: str) -> AsyncIterator[Loader]:
    """Whichever way of loading the server at `url` takes best; closed with the block.

    Raises:
        ConfigurationError, UnavailableError: there is no connecting to it.
    """
    patient = replace(settings, request_seconds=LOAD_SECONDS, pool_size=1)
    database = Database(patient, url=url)
    try:
        if await database.dialect() is Dialect.COCKROACHDB:
            yield InsertLoader(database)
            return
        connection = await _open_connection(patient, url)
        try:
            yield CopyLoader(connection)
        finally:
            connection.terminate()
    finally:
        await database.close()


class CopyLoader:
    """COPY, over a connection of its own."""

    batch_rows = 20_000

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def load(self, tables: Sequence[TableRows]) -> None:
        phase = ConnectionPhase.STATEMENT
        try:
            await self._connection.execute("begin")
            for table in tables:
                await self._connection.copy_records_to_table(
                    table.table, columns=list(table.columns), records=table.rows
                )
            phase = ConnectionPhase.COMMIT
            await self._connection.execute("commit")
        except Exception as error:
            closed = self._connection.is_closed()
            if not closed:
                with suppress(Exception):  # the first error is the one to tell
                    await self._connection.execute("rollback")
            raise public_error(failure_of(error, phase, closed=closed)) from error

    async def finish(self) -> None:
        try:
            await self._connection.execute("analyze")
        except Exception as error:
            closed = self._connection.is_closed()
            raise public_error(failure_of(error, ConnectionPhase.READ, closed=closed)) from error


class InsertLoader:
    """INSERT with many rows a statement, in transactions that are retried."""

    batch_rows = 2_000

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, tables: Sequence[TableRows]) -> None:
        async def insert(transaction: Transaction) -> None:
            for table in tables:
                for statement, values in split_inserts(table):
                    await transaction.execute(statement, *values)

        deadline = time.monotonic() + LOAD_SECONDS
        await run_transaction(self._database, insert, deadline=deadline, name="load")

    async def finish(self) -> None:
        """CockroachDB refreshes its statistics by itself."""


def split_inserts(table: TableRows) -> Iterator[tuple[str, list[object]]]:
    """The statements, with their parameters, that insert the table's rows."""
    width = len(table.columns)
    limit = MAX_PARAMETERS // width
    for start in range(0, len(table.rows), limit):
        rows = table.rows[start : start + limit]
        groups = ", ".join(
            "(" + ", ".join(f"${row * width + column}" for column in range(1, width + 1)) + ")"
            for row in range(len(rows))
        )
        statement = f"insert into {table.table} ({', '.join(table.columns)}) values {groups}"  # noqa: S608
        yield statement, list(chain.from_iterable(rows))


async def _open_connection(settings: Settings, url: str) -> asyncpg.Connection:
    session = {
        "application_name": "poutama-load",
        "statement_timeout": str(math.ceil(LOAD_SECONDS * 1000)),
    }
    try:
        deadline = time.monotonic() + settings.request_seconds
        return await Hosts(settings, url, session).open(deadline)
    except Failure as failure:
        raise public_error(failure) from failure.__cause__
