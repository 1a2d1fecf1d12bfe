"""Brings a database's schema to the newest revision, on PostgreSQL and CockroachDB.

Called by `make up`, `poutama migrate`, the deployment and the tests' fixtures; never imported by a
function, because Alembic and SQLAlchemy are an extra (`poutama[migrations]`).

Any number of processes may migrate one database at once: one does the work, the others wait and
then find nothing to do. The lock is an uncommitted UPDATE of the only row of `migration_lock`,
held by a connection of its own. Both engines make a second writer of that row wait, and both let
go when the holder's connection is gone, so a killed migration leaves nothing to clean up.
(CockroachDB has no advisory locks.)
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from poutama.db.dialect import Dialect
from poutama.db.hosts import Hosts
from poutama.db.link import dialect_of
from poutama.db.sqlstate import Failure, public_error
from poutama.errors import ConfigurationError, UnavailableError
from poutama.settings import Settings

SCRIPTS = Path(__file__).parent / "migrations"
APPLICATION_NAME = "poutama-migrate"

_CREATE_LOCK = (
    "create table if not exists migration_lock (id int8 primary key, taken int8 not null)"
)
_FILL_LOCK = "insert into migration_lock (id, taken) values (1, 0) on conflict (id) do nothing"
_TAKE_LOCK = "update migration_lock set taken = taken + 1 where id = 1"

# What two sessions that create the same table in the same moment are told, and what CockroachDB
# (or a database that is SERIALIZABLE by default) answers when they meet in the row.
_LOST_RACE = (
    asyncpg.UniqueViolationError,
    asyncpg.DuplicateTableError,
    asyncpg.SerializationError,
)
_RACES = 10

# Alembic keeps the migration that runs in module globals.
_one_in_this_process = threading.Lock()

Echo = Callable[[str], None]
Connect = Callable[[], Awaitable[asyncpg.Connection]]


def migrate(url: str, *, echo: Echo | None = None, settings: Settings | None = None) -> list[str]:
    """Upgrade to the newest revision and return the revisions that were applied, oldest first.

    For callers without a running event loop; others await `upgrade_schema`.

    Args:
        url: a libpq URL (`postgresql://...`, TLS parameters and `?host=/socket/folder` included).
        echo: told each revision as it has been applied.
        settings: how to connect (TLS, time limits); the defaults if None.

    Raises:
        ConfigurationError: there is no connecting like this, or the database is at a revision
            that this code does not know.
        UnavailableError: the database cannot be reached.
    """
    return _move_schema(url, partial(command.upgrade, revision="head"), echo, settings)


async def upgrade_schema(
    url: str, *, echo: Echo | None = None, settings: Settings | None = None
) -> list[str]:
    """What `migrate` does, for callers on an event loop; `echo` is called in another thread."""
    return await asyncio.to_thread(migrate, url, echo=echo, settings=settings)


def downgrade(
    url: str, revision: str, *, echo: Echo | None = None, settings: Settings | None = None
) -> list[str]:
    """Go back to `revision` (`"base"`: before the first); return the revisions taken away.

    Deletes whatever the later revisions made, rows included. Errors as `migrate`.
    """
    return _move_schema(url, partial(command.downgrade, revision=revision), echo, settings)


def _move_schema(
    url: str, move: Callable[[Config], None], echo: Echo | None, settings: Settings | None
) -> list[str]:
    url = re.sub(r"^(postgres(ql)?|cockroach(db)?)(\+\w+)?:", "postgresql:", url)
    steps: list[str] = []

    def note(*, step: Any, **_: object) -> None:
        revision = step.up_revision_id
        steps.append(revision)
        if echo is not None:
            echo(revision)

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        config.attributes["on_version_apply"] = note
        move(config)

    try:
        with _one_in_this_process:
            asyncio.run(_run_locked(partial(_connect, settings or Settings(), url), run))
    except CommandError as error:
        raise ConfigurationError(f"The database cannot be migrated: {error}") from error
    return steps


async def _run_locked(connect: Connect, run: Callable[[Connection], None]) -> None:
    async with (
        _migration_lock(connect) as dialect,
        _engine(connect, dialect) as engine,
        engine.connect() as connection,
    ):
        await connection.run_sync(run)


@asynccontextmanager
async def _migration_lock(connect: Connect) -> AsyncIterator[Dialect]:
    """Hold the lock while the block runs; yields the dialect of the server that was reached."""
    connection = await connect()
    try:
        transaction = await _take_lock(connection)
        try:
            yield dialect_of(connection)
        finally:
            # Rolled back, so that a waiter at SERIALIZABLE has no conflict with it.
            await transaction.rollback()
    finally:
        await connection.close()


async def _take_lock(connection: asyncpg.Connection) -> asyncpg.transaction.Transaction:
    for attempt in range(_RACES):
        transaction = None
        try:
            await connection.execute(_CREATE_LOCK)
            await connection.execute(_FILL_LOCK)
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(_TAKE_LOCK)
        except _LOST_RACE as error:
            if transaction is not None:
                await transaction.rollback()
            if attempt + 1 == _RACES:
                raise UnavailableError("The migration lock could not be taken.") from error
        else:
            return transaction
    raise AssertionError("unreachable")


@asynccontextmanager
async def _engine(connect: Connect, dialect: Dialect) -> AsyncIterator[AsyncEngine]:
    # CockroachDB changes schemas outside transactions (since v25.1 DDL commits the open one), so
    # there every statement commits by itself; PostgreSQL has one transaction a revision.
    isolation = {"isolation_level": "AUTOCOMMIT"} if dialect is Dialect.COCKROACHDB else {}
    engine = create_async_engine(
        f"{dialect}+asyncpg://",
        async_creator=connect,
        poolclass=NullPool,
        **isolation,
    )
    try:
        yield engine
    finally:
        await engine.dispose()


async def _connect(settings: Settings, url: str) -> asyncpg.Connection:
    hosts = Hosts(settings, url, {"application_name": APPLICATION_NAME})
    try:
        return await hosts.open(time.monotonic() + settings.request_seconds)
    except Failure as failure:
        raise public_error(failure) from failure.__cause__
