"""When a suggestion without an answer expires, and the scheduled task that deletes it then."""

from __future__ import annotations

from datetime import datetime, timedelta

from poutama.schedule import TaskContext
from poutama.schema.scalars import print_date_time

DAYS = 30

_EXPIRE = """
DELETE FROM suggestion WHERE id IN (
    SELECT id FROM suggestion
    WHERE state = 'OPEN' AND created_at < now() - $1::int8 * interval '1 day' LIMIT 500
) RETURNING id
"""


def find_expiry(created_at: str) -> str:
    """The field `expiresAt`, of the column `created_at`."""
    return print_date_time(datetime.fromisoformat(created_at) + timedelta(days=DAYS))


async def expire_suggestions(context: TaskContext) -> int:
    """Delete what has had no answer for so long; returns how many."""
    expired = 0
    while rows := await context.database.write(
        _EXPIRE, [DAYS], deadline=context.deadline, name="suggestions/expire"
    ):
        expired += len(rows)
    return expired
