"""Deletion of unfinished imports, and of old reports. Called by the schedule.

`features.schedule` calls it. What was staged names many children, and so does a report: neither
stays longer than it is of use. The counts of an import stay, and so does what came of it.
"""

from __future__ import annotations

import time
from json import dumps
from uuid import UUID

from asyncpg import Record

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction, run_transaction
from poutama.features.roster.records import EXPIRE
from poutama.features.roster.staged_tables import DROP_SOME, StagedTable
from poutama.store.deletion import schedule_deletion

UNFINISHED_DAYS = 7
REPORT_DAYS = 30

_BATCH = 4_000
_SQL = load_sql(__package__, "sweep.sql")


async def purge_expired_rosters(database: Database, *, deadline: float) -> int:
    """Forget what is old; returns how many imports. What it does not get done it does next time.

    Raises:
        PoutamaError: the database cannot be reached.
    """
    count = 0
    for row in await database.read(
        _SQL["find_expired"], [UNFINISHED_DAYS], deadline=deadline, name="roster/expired"
    ):
        if not await _clean(database, row["id"], deadline):
            return count
        await _expire(database, row, deadline)
        count += 1
    reports = await database.read(
        _SQL["find_old_reports"], [REPORT_DAYS], deadline=deadline, name="roster/reports"
    )
    if reports:
        await _purge_reports(database, reports, deadline)
    return count + len(reports)


async def _clean(database: Database, import_id: UUID, deadline: float) -> bool:
    """Delete what is staged; False when the time is up before."""
    for table in StagedTable:
        deleted = True
        while deleted:
            if time.monotonic() > deadline - 1:
                return False
            deleted = bool(
                await database.write(DROP_SOME[table], [import_id, _BATCH], deadline=deadline)
            )
    return True


async def _expire(database: Database, row: Record, deadline: float) -> None:
    keys = [key for key in (row["object_key"], row["report_key"]) if key]

    async def work(transaction: Transaction) -> None:
        await schedule_deletion(transaction, keys)
        ids = dumps([str(row["id"])])
        await transaction.execute(_SQL["drop_results"], dumps(keys), ids)
        await transaction.execute(_SQL["drop_changes"], ids)
        await transaction.execute(_SQL["drop_row_errors"], ids)
        await EXPIRE.apply(transaction, None, row["id"])

    await run_transaction(database, work, deadline=deadline, name="roster/expire")


async def _purge_reports(database: Database, rows: list[Record], deadline: float) -> None:
    async def work(transaction: Transaction) -> None:
        ids, keys = dumps([str(row["id"]) for row in rows]), [row["report_key"] for row in rows]
        await schedule_deletion(transaction, keys)
        await transaction.execute(_SQL["drop_results"], dumps(keys), ids)
        await transaction.execute(_SQL["drop_changes"], ids)
        await transaction.execute(_SQL["drop_row_errors"], ids)
        await transaction.execute(_SQL["drop_reports"], ids)

    await run_transaction(database, work, deadline=deadline, name="roster/reports")
