"""Clearing away evidence that was never finished, or that nobody can see any more.

The schedule calls it; `store.deletion` deletes the objects. Evidence of a goal that is gone is
deleted here, for whoever deletes a goal knows nothing of files; so is what nobody uploaded within
a day; and what its job gave up on is refused, so that nothing is PENDING for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from poutama.db.transaction import Transaction, run_transaction
from poutama.features.evidence.keys import every_key
from poutama.features.evidence.rejection import reject
from poutama.features.evidence.usage import Holder, give_room_back
from poutama.schedule import TaskContext
from poutama.store.deletion import doom_objects

# Time to come home with a device that was offline; the form itself works for minutes, and whoever
# asks for the evidence gets another.
UNFINISHED = "1 day"
GAVE_UP = "The file could not be looked at. Add it again, or another one instead."

_BATCH = 100
_HOMELESS = f"SELECT id FROM evidence WHERE goal_id IS NULL LIMIT {_BATCH}"  # noqa: S608
_UNFINISHED = f"""
SELECT id FROM evidence
WHERE state = 'PENDING' AND job_id IS NULL AND created_at < now() - interval '{UNFINISHED}'
LIMIT {_BATCH}
"""  # noqa: S608
_GIVEN_UP = f"""
SELECT e.id FROM evidence AS e JOIN job AS j ON j.id = e.job_id
WHERE e.state = 'PENDING' AND j.state IN ('FAILED', 'CANCELLED') LIMIT {_BATCH}
"""  # noqa: S608
# Looked at once more: somebody may have finished or deleted it, or had it looked at anew.
_LOOK = f"""
SELECT e.stem, e.state, e.bytes, e.uploader_id, e.organisation_id,
    e.goal_id IS NULL AS homeless,
    e.job_id IS NULL AND e.created_at < now() - interval '{UNFINISHED}' AS unfinished,
    j.state IN ('FAILED', 'CANCELLED') AS given_up
FROM evidence AS e LEFT JOIN job AS j ON j.id = e.job_id WHERE e.id = $1::uuid
"""  # noqa: S608


async def forget_unfinished_uploads(context: TaskContext) -> int:
    """Clear away what is left over, and doom its objects; returns how many rows it changed.

    May be cut off at any point, and run twice at once.

    Raises:
        UnavailableError, DeadlineExceededError: the rest is done next time.
    """
    changed, database, deadline = 0, context.database, context.deadline
    for query in (_HOMELESS, _UNFINISHED, _GIVEN_UP):
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
    for row in await transaction.fetch(_LOOK, evidence):
        pending = row["state"] == "PENDING"
        if row["homeless"] or (pending and row["unfinished"]):
            await changes.delete("Evidence", evidence)
            if row["state"] != "REJECTED":
                holder = Holder(row["uploader_id"], row["organisation_id"])
                await give_room_back(transaction, holder, row["bytes"])
            await doom_objects(transaction, every_key(row["stem"]))
        elif pending and row["given_up"]:
            await reject(transaction, changes, evidence, GAVE_UP, row)
