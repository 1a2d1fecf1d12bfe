"""Forgetting imports that came to no end, and reports that are old enough.

`features.schedule` calls it. What was staged names many children, and so does a report: neither
stays longer than it is of use. The counts of an import stay, and so does what came of it.
"""

from __future__ import annotations

import time
from json import dumps
from uuid import UUID

from asyncpg import Record

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.features.roster.staging import TABLES
from poutama.store.deletion import doom_objects

UNFINISHED_DAYS = 7
REPORT_DAYS = 30

_BATCH = 4_000
_EXPIRED = f"""
SELECT i.id, i.object_key, i.report_key FROM roster_import AS i
    LEFT JOIN job AS j ON j.id = i.job_id
WHERE i.state IN ('UPLOADING', 'CHECKING', 'CHECKED', 'APPLYING')
    AND i.updated_at < now() - interval '{UNFINISHED_DAYS} days'
    AND coalesce(j.state, 'FAILED') NOT IN ('QUEUED', 'RUNNING')
ORDER BY i.updated_at LIMIT 20
"""  # noqa: S608  a constant
_CLEAN = {
    table: f"""
DELETE FROM roster_staged_{table} WHERE import_id = $1::uuid AND place IN (
    SELECT place FROM roster_staged_{table} WHERE import_id = $1::uuid
    ORDER BY place LIMIT {_BATCH}
) RETURNING place
"""  # noqa: S608
    for table in TABLES
}
_EXPIRE = """
UPDATE roster_import SET
    state = 'EXPIRED', upload_key = NULL, report_key = NULL, version = version + 1,
    updated_at = now()
WHERE id = $1::uuid
"""
_DROP_CHANGES = "DELETE FROM roster_change WHERE import_id = $1::uuid"
_OLD_REPORTS = f"""
SELECT id, report_key FROM roster_import
WHERE state = 'APPLIED' AND report_key IS NOT NULL
    AND updated_at < now() - interval '{REPORT_DAYS} days'
ORDER BY updated_at LIMIT 200
"""  # noqa: S608
_FORGET_REPORTS = """
UPDATE roster_import SET report_key = NULL
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
"""
# An address that leads nowhere is worse than none.
_FORGET_RESULTS = """
UPDATE job SET result_key = NULL WHERE result_key IN (SELECT jsonb_array_elements_text($1::jsonb))
    AND id IN (
        SELECT job_id FROM roster_import
        WHERE id IN (SELECT jsonb_array_elements_text($2::jsonb)::uuid)
    )
"""
_DROP_OLD_CHANGES = """
DELETE FROM roster_change
WHERE import_id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
"""


async def forget_old_rosters(database: Database, *, deadline: float) -> int:
    """Forget what is old; returns how many imports. What it does not get done it does next time.

    Raises:
        PoutamaError: the database cannot be reached.
    """
    count = 0
    for row in await database.read(_EXPIRED, deadline=deadline, name="roster/expired"):
        if not await _clean(database, row["id"], deadline):
            return count
        await _expire(database, row, deadline)
        count += 1
    reports = await database.read(_OLD_REPORTS, deadline=deadline, name="roster/reports")
    if reports:
        await _forget_reports(database, reports, deadline)
    return count + len(reports)


async def _clean(database: Database, import_id: UUID, deadline: float) -> bool:
    """Delete what is staged; False when the time is up before."""
    for table in TABLES:
        deleted = True
        while deleted:
            if time.monotonic() > deadline - 1:
                return False
            deleted = bool(await database.write(_CLEAN[table], [import_id], deadline=deadline))
    return True


async def _expire(database: Database, row: Record, deadline: float) -> None:
    keys = [key for key in (row["object_key"], row["report_key"]) if key]

    async def work(transaction: Transaction) -> None:
        await doom_objects(transaction, keys)
        await transaction.execute(_FORGET_RESULTS, dumps(keys), dumps([str(row["id"])]))
        await transaction.execute(_DROP_CHANGES, row["id"])
        await transaction.execute(_EXPIRE, row["id"])

    await run_transaction(database, work, deadline=deadline, name="roster/expire")


async def _forget_reports(database: Database, rows: list[Record], deadline: float) -> None:
    async def work(transaction: Transaction) -> None:
        ids, keys = dumps([str(row["id"]) for row in rows]), [row["report_key"] for row in rows]
        await doom_objects(transaction, keys)
        await transaction.execute(_FORGET_RESULTS, dumps(keys), ids)
        await transaction.execute(_DROP_OLD_CHANGES, ids)
        await transaction.execute(_FORGET_REPORTS, ids)

    await run_transaction(database, work, deadline=deadline, name="roster/reports")
