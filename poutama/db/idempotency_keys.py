"""Deletion of expired idempotency keys. Called by the schedule and by `poutama up`."""

from __future__ import annotations

from poutama.db.connection import Database

BATCH = 1_000
_PURGE = """
DELETE FROM idempotency_key WHERE (person_id, key) IN (
    SELECT person_id, key FROM idempotency_key
    WHERE expires_at <= now() ORDER BY expires_at LIMIT $1::int8
) RETURNING 1
"""


async def purge_expired_keys(database: Database, *, deadline: float) -> int:
    """Delete the rows of expired keys, a batch at a time; returns how many there were.

    Raises:
        DeadlineExceededError, UnavailableError, AmbiguousCommit: as `Database.write`; running it
            again is always safe.
    """
    total = 0
    while True:
        deleted = len(await database.write(_PURGE, [BATCH], deadline=deadline, name="purge_keys"))
        total += deleted
        if deleted < BATCH:
            return total
