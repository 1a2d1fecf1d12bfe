"""Deletion of stored objects: scheduled by the transaction that stops using them, done later.

An object must not be deleted before that transaction commits, and must not be left behind. So the
transaction inserts its key into the table `doomed_object`, and a scheduled task deletes it from the
store. Each object is deleted twice: at once, and again when no signed upload form and no delayed
worker can write it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.store.objects import ObjectStore

_BATCH = 500
# Longer than any upload form is valid, and than any worker can be delayed.
_AGAIN = "2 days"
_SCHEDULE = f"""
INSERT INTO doomed_object (due_at, key)
SELECT d.due_at, k.key
FROM jsonb_array_elements_text($1::jsonb) AS k (key),
    (VALUES (now()), (now() + interval '{_AGAIN}')) AS d (due_at)
ON CONFLICT DO NOTHING
"""  # noqa: S608  a constant
_DUE = f"""
SELECT due_at, key FROM doomed_object WHERE due_at <= now() ORDER BY due_at, key LIMIT {_BATCH}
"""  # noqa: S608
_PURGE = """
DELETE FROM doomed_object
WHERE due_at <= $1::timestamptz AND key IN (SELECT jsonb_array_elements_text($2::jsonb))
"""


async def schedule_deletion(transaction: Transaction, keys: Iterable[str]) -> None:
    """Schedule objects for deletion after the commit; keys without an object are fine."""
    await transaction.execute(_SCHEDULE, dumps(sorted(keys)))


async def delete_scheduled_objects(
    database: Database, store: ObjectStore, *, deadline: float
) -> int:
    """Delete every object that is due; returns how many. Two runs may overlap.

    Raises:
        UnavailableError: the store or the database cannot be reached; the next run does the rest.
        DeadlineExceededError: as above.
    """
    deleted = 0
    while rows := await database.read(_DUE, deadline=deadline, name="deletion/due"):
        keys = sorted({row["key"] for row in rows})
        await store.delete(keys)
        await database.write(
            _PURGE, (rows[-1]["due_at"], dumps(keys)), deadline=deadline, name="deletion/done"
        )
        deleted += len(keys)
    return deleted
