"""Brings a database's schema to the newest revision, on PostgreSQL and CockroachDB.

Called by `make up`, `poutama migrate`, the deployment and the tests' fixtures; never imported by a
function, because Alembic and SQLAlchemy are an extra (`poutama[migrations]`).

Any number of processes may migrate one database at once: one does the work, the others wait and
then find nothing to do. The lock is an uncommitted UPDATE of the only row of `migration_lock`,
held by a connection of its own. Both engines make a second writer of that row wait, and both let
go when the holder's connection is gone, so a killed migration leaves nothing to clean up.
(CockroachDB has no advisory locks.)

A feature of another package has a history and a version table of its own
(`alembic_version_<feature>`), upgraded after the core's. One table for all would lose the core's
revision as soon as a feature's depends on it, and fail for good once a feature is uninstalled:
`docs/decisions/migrations-of-features.md`. What is applied is also kept in `applied_revision`, for
`db.revisions`.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from traceback import extract_tb

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from poutama.db.dialect import Dialect
from poutama.db.hosts import Hosts
from poutama.db.pooled_connection import dialect_of
from poutama.db.revisions import CORE, CORE_HISTORY, SCRIPTS, FeatureMigrations
from poutama.db.sqlstate import Failure, public_error
from poutama.errors import ConfigurationError, PoutamaError, UnavailableError
from poutama.settings import Settings

APPLICATION_NAME = "poutama-migrate"

_CREATE_LOCK = (
    "create table if not exists migration_lock (id int8 primary key, taken int8 not null)"
)
_FILL_LOCK = "insert into migration_lock (id, taken) values (1, 0) on conflict (id) do nothing"
_TAKE_LOCK = "update migration_lock set taken = taken + 1 where id = 1"

_CREATE_APPLIED = text(
    "create table if not exists applied_revision"
    " (feature text not null, revision text not null, primary key (feature, revision))"
)
_APPLIED = text("select revision from applied_revision where feature = :feature")
_FEATURES = text("select distinct feature from applied_revision order by feature")
_ADD_APPLIED = text("insert into applied_revision (feature, revision) values (:feature, :revision)")
_DELETE_APPLIED = text(
    "delete from applied_revision where feature = :feature and revision = :revision"
)

# The errors of two sessions that create the same table at the same moment, and what CockroachDB
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


def migrate(
    url: str,
    *,
    echo: Echo | None = None,
    settings: Settings | None = None,
    histories: Sequence[FeatureMigrations] = (),
) -> list[str]:
    """Upgrade to the newest revisions and return those that were applied, oldest first.

    For callers without a running event loop; others await `upgrade_schema`.

    Args:
        url: a libpq URL (`postgresql://...`, TLS parameters and `?host=/socket/folder` included).
        echo: called with each revision that has been applied, and with a sentence for each feature
            that the database has migrations of and that is not among `histories`.
        settings: how to connect (TLS, time limits); the defaults if None.
        histories: of the features with migrations of their own; a revision of theirs is returned as
            `feature/revision`.

    Raises:
        ConfigurationError: there is no connecting like this, the database is at a revision that
            this code does not know, or a feature's migration fails; what came before it stays.
        UnavailableError: the database cannot be reached.
    """
    upgrade = partial(command.upgrade, revision="head")
    return _move_schema(url, upgrade, echo, settings, (CORE_HISTORY, *histories))


async def upgrade_schema(
    url: str,
    *,
    echo: Echo | None = None,
    settings: Settings | None = None,
    histories: Sequence[FeatureMigrations] = (),
) -> list[str]:
    """What `migrate` does, for callers on an event loop; `echo` is called in another thread."""
    return await asyncio.to_thread(migrate, url, echo=echo, settings=settings, histories=histories)


def downgrade(
    url: str,
    revision: str,
    *,
    echo: Echo | None = None,
    settings: Settings | None = None,
    history: FeatureMigrations = CORE_HISTORY,
) -> list[str]:
    """Go back to `revision` (`"base"`: before the first); return the revisions taken away.

    Deletes whatever the later revisions made, rows included. Errors as `migrate`.
    """
    down = partial(command.downgrade, revision=revision)
    return _move_schema(url, down, echo, settings, (history,))


def _move_schema(
    url: str,
    move: Callable[[Config], None],
    echo: Echo | None,
    settings: Settings | None,
    histories: Sequence[FeatureMigrations],
) -> list[str]:
    url = re.sub(r"^(postgres(ql)?|cockroach(db)?)(\+\w+)?:", "postgresql:", url)
    steps: list[str] = []

    def note(step: str) -> None:
        steps.append(step)
        if echo is not None:
            echo(step)

    def run(connection: Connection) -> None:
        connection.execute(_CREATE_APPLIED)
        connection.commit()
        for history in histories:
            _run_history(connection, history, move, note)
        if echo is not None:
            _echo_uninstalled(connection, histories, echo)

    with _one_in_this_process:
        asyncio.run(_run_locked(partial(_connect, settings or Settings(), url), run))
    return steps


def _run_history(
    connection: Connection, history: FeatureMigrations, move: Callable[[Config], None], note: Echo
) -> None:
    prefix = "" if history.feature == CORE else f"{history.feature}/"
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(history.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = table = _version_table(history)
    config.attributes["on_version_apply"] = lambda step, **_: note(prefix + step.up_revision_id)
    try:
        move(config)
        _write_down(connection, history, ScriptDirectory.from_config(config), table)
    except PoutamaError:
        raise
    except CommandError as error:
        raise ConfigurationError(
            f"The database cannot be migrated ({history.feature}): {error}"
        ) from error
    except Exception as error:
        if history.feature == CORE:
            raise
        raise _failed(history, error) from error


def _write_down(
    connection: Connection, history: FeatureMigrations, script: ScriptDirectory, table: str
) -> None:
    """Make `applied_revision` say what Alembic's table does, ancestors included."""
    context = MigrationContext.configure(connection, opts={"version_table": table})
    heads = context.get_current_heads()
    there = {each.revision for each in script.iterate_revisions(heads, "base")} if heads else set()
    rows = connection.execute(_APPLIED, {"feature": history.feature})
    known = {row.revision for row in rows}
    for statement, revisions in ((_ADD_APPLIED, there - known), (_DELETE_APPLIED, known - there)):
        for revision in sorted(revisions):
            connection.execute(statement, {"feature": history.feature, "revision": revision})
    connection.commit()


def _echo_uninstalled(
    connection: Connection, histories: Sequence[FeatureMigrations], echo: Echo
) -> None:
    installed = {CORE, *(history.feature for history in histories)}
    for row in connection.execute(_FEATURES):
        if row.feature not in installed:
            echo(
                f"the database has the tables of the feature {row.feature!r}, which is not"
                " installed: they stay as they are"
            )


def _version_table(history: FeatureMigrations) -> str:
    return "alembic_version" + ("" if history.feature == CORE else f"_{history.feature}")


def _failed(history: FeatureMigrations, error: Exception) -> ConfigurationError:
    """One line that names the feature, its file and what the database, or Python, objects to."""
    frames = extract_tb(error.__traceback__)
    files = [frame.filename for frame in frames if frame.filename.startswith(str(history.folder))]
    reason: object = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        # SQLAlchemy's own text repeats the statement.
        reason = error.orig.__cause__ or error.orig
    return ConfigurationError(
        f"feature {history.feature!r}: the migration {files[-1] if files else history.folder}"
        f" fails: {' '.join(f'{type(reason).__name__}: {reason}'.split())}"
    )


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
                raise UnavailableError(
                    "The migration lock was not acquired: other migrations run; try again."
                ) from error
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
