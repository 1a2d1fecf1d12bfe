"""Forgetting exports: the schedule deletes what is old, and what jobs left that came to no end.

Every export writes into a folder of its own, which stands in `export_folder` before the first file
is there. It goes when the export is old enough, when its job failed or was cancelled, or when the
job is gone, as with an erased person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

_BATCH = 100
_KEYS = 500
# A worker that lost its job may still be writing for as long as an invocation lasts.
_DUE = f"""
SELECT f.folder, f.job_id FROM export_folder AS f LEFT JOIN job AS j ON j.id = f.job_id
WHERE f.created_at <= now() - $2::float8 * interval '1 second' AND (
    j.id IS NULL
    OR (j.state = 'SUCCEEDED' AND j.finished_at <= now() - $1::float8 * interval '1 day')
    OR (
        j.state IN ('FAILED', 'CANCELLED')
        AND j.finished_at <= now() - $2::float8 * interval '1 second'
    )
) ORDER BY f.created_at, f.folder LIMIT {_BATCH}
"""  # noqa: S608  a constant
# Whoever has a job go on meanwhile keeps the row; its steps begin anew where files are missing.
_FORGET = """
WITH gone AS (
    DELETE FROM export_folder AS f WHERE f.folder = $1::text AND NOT EXISTS (
        SELECT 1 FROM job AS j WHERE j.id = f.job_id AND j.state IN ('QUEUED', 'RUNNING')
    ) RETURNING f.job_id
)
UPDATE job SET
    result_key = NULL, checkpoint = '{}'::jsonb, done = 0, version = version + 1,
    updated_at = now()
WHERE id IN (SELECT job_id FROM gone) AND state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
"""
_REGISTER = """
INSERT INTO export_folder (folder, job_id) VALUES ($1::text, $2::uuid) ON CONFLICT DO NOTHING
"""


async def register_folder(transaction: Transaction, folder: str, job: UUID) -> None:
    """Write down that the job will put files there; before it puts the first."""
    await transaction.execute(_REGISTER, folder, job)


async def forget_old_exports(
    database: Database, store: ObjectStore, settings: Settings, *, deadline: float
) -> int:
    """Delete exports `export_days` after they were made, and what others left; returns how many.

    The job stays, without its result. Two may do it at once.

    Raises:
        UnavailableError: the store or the database cannot be reached; the rest is done next time.
        DeadlineExceededError: so, too.
    """
    forgotten = 0
    grace = settings.job_seconds
    while rows := await database.read(
        _DUE, [float(settings.export_days), grace], deadline=deadline, name="exports/due"
    ):
        for row in rows:
            await delete_folder(store, row["folder"])
            await database.write(_FORGET, [row["folder"]], deadline=deadline, name="exports/forget")
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
