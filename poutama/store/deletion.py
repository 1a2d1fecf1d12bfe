"""Objects that nobody needs any more: written down in the change that made them so, gone later.

An object must go neither before the commit of the change nor never: so what a transaction takes
leave of it puts into the table `doomed_object`, and the schedule deletes it from the store. Each
object goes twice: at once, and again when neither a form that was signed nor a worker that was
held up can have put it there anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.store.objects import ObjectStore

_BATCH = 500
# Longer than any upload form works, and than any worker can be held up.
_AGAIN = "2 days"
_DOOM = f"""
INSERT INTO doomed_object (due_at, key)
SELECT d.due_at, k.key
FROM jsonb_array_elements_text($1::jsonb) AS k (key),
    (VALUES (now()), (now() + interval '{_AGAIN}')) AS d (due_at)
ON CONFLICT DO NOTHING
"""  # noqa: S608  a constant
_DUE = f"""
SELECT due_at, key FROM doomed_object WHERE due_at <= now() ORDER BY due_at, key LIMIT {_BATCH}
"""  # noqa: S608
_FORGET = """
DELETE FROM doomed_object
WHERE due_at <= $1::timestamptz AND key IN (SELECT jsonb_array_elements_text($2::jsonb))
"""


async def doom_objects(transaction: Transaction, keys: Iterable[str]) -> None:
    """Have objects deleted once the transaction is committed; some may not be there at all."""
    await transaction.execute(_DOOM, dumps(sorted(keys)))


async def delete_doomed_objects(database: Database, store: ObjectStore, *, deadline: float) -> int:
    """Delete every object whose time has come; returns how many. Two may do it at once.

    Raises:
        UnavailableError: the store or the database cannot be reached; the rest is done next time.
        DeadlineExceededError: so, too.
    """
    deleted = 0
    while rows := await database.read(_DUE, deadline=deadline, name="doomed/due"):
        keys = sorted({row["key"] for row in rows})
        await store.delete(keys)
        await database.write(
            _FORGET, (rows[-1]["due_at"], dumps(keys)), deadline=deadline, name="doomed/forget"
        )
        deleted += len(keys)
    return deleted
