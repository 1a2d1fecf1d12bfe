"""Deletion of evidence that was never finished, or whose goal was deleted.

The schedule calls it; `store.deletion` deletes the objects. Evidence of a goal that is gone is
deleted here, because the mutation that deletes a goal knows nothing of files; so is what was not
uploaded within a day; and what its job gave up on is refused, so that nothing is PENDING for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction, run_transaction
from poutama.features.evidence.keys import every_key
from poutama.features.evidence.rejection import reject
from poutama.features.evidence.usage import Holder, release_quota
from poutama.schedule import TaskContext
from poutama.store.deletion import schedule_deletion

# Time to come home with a device that was offline; the form itself works for minutes, and reading
# the evidence again signs another.
UNFINISHED = "1 day"
GAVE_UP = "The file could not be looked at. Add it again, or another one instead."

_BATCH = 100
_SQL = load_sql(__package__, "sweep.sql", {"batch": str(_BATCH), "unfinished": UNFINISHED})


async def purge_unfinished_uploads(context: TaskContext) -> int:
    """Delete unfinished uploads and evidence without a goal, and schedule their files for deletion.

    Returns how many rows it changed. May be cut off at any point, and run twice at once.

    Raises:
        UnavailableError, DeadlineExceededError: the rest is done next time.
    """
    changed, database, deadline = 0, context.database, context.deadline
    for query in (
        _SQL["find_without_goal"],
        _SQL["find_unfinished"],
        _SQL["find_given_up"],
    ):
        while rows := await database.read(query, deadline=deadline, name="evidence/sweep"):
            for row in rows:
                work = _clearing(context, row["id"])
                await run_transaction(database, work, deadline=deadline, name="evidence/sweep")
            changed += len(rows)
    return changed


def _clearing(context: TaskContext, evidence: UUID) -> Callable[[Transaction], Awaitable[None]]:
    return partial(_clear, context=context, evidence=evidence)


async def _clear(transaction: Transaction, *, context: TaskContext, evidence: UUID) -> None:
    changes = context.changes(transaction)
    for row in await transaction.fetch(_SQL["look"], evidence):
        pending = row["state"] == "PENDING"
        if row["without_goal"] or (pending and row["unfinished"]):
            await changes.delete("Evidence", evidence)
            if row["state"] != "REJECTED":
                holder = Holder(row["uploader_id"], row["organisation_id"])
                await release_quota(transaction, holder, row["bytes"])
            await schedule_deletion(transaction, every_key(row["stem"]))
        elif pending and row["given_up"]:
            await reject(transaction, changes, evidence, GAVE_UP, row)
