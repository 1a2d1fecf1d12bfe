"""Deletion of exports that are old, and of what unfinished jobs left. Called by the schedule.

Every export writes into a folder of its own, which stands in `export_folder` before the first file
is there. It goes when the export is old enough, when its job failed or was cancelled, or when the
job is gone, as with an erased person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

_KEYS = 500
_SQL = load_sql(__package__, "sweep.sql")


async def register_folder(transaction: Transaction, folder: str, job: UUID) -> None:
    """Write down that the job will put files there; before it puts the first."""
    await transaction.execute(_SQL["register"], folder, job)


async def purge_expired_exports(
    database: Database, store: ObjectStore, settings: Settings, *, deadline: float
) -> int:
    """Delete exports `export_days` after they were made, and what others left; returns how many.

    The job stays, without its result. Two may do it at once.

    Raises:
        UnavailableError: the store or the database cannot be reached; the rest is done next time.
        DeadlineExceededError: likewise.
    """
    forgotten = 0
    grace = settings.job_seconds
    while rows := await database.read(
        _SQL["find_due"],
        [float(settings.export_days), grace],
        deadline=deadline,
        name="exports/due",
    ):
        for row in rows:
            await delete_folder(store, row["folder"])
            await database.write(
                _SQL["purge"], [row["folder"]], deadline=deadline, name="exports/purge"
            )
            forgotten += 1
    return forgotten


async def delete_folder(store: ObjectStore, folder: str) -> None:
    """Delete everything in a folder; nothing may be there."""
    async for keys in _batches(store, f"{folder}/"):
        await store.delete(keys)


async def _batches(store: ObjectStore, prefix: str) -> AsyncIterator[Iterable[str]]:
    keys: list[str] = []
    async for each in store.list(prefix):
        keys.append(each.key)
        if len(keys) == _KEYS:
            yield keys
            keys = []
    if keys:
        yield keys
