"""When a suggestion without an answer expires, and the scheduled task that deletes it then."""

from __future__ import annotations

from datetime import datetime, timedelta

from poutama.db.transaction import Transaction, run_transaction
from poutama.schedule import TaskContext
from poutama.schema.scalars import print_date_time

DAYS = 30

_EXPIRED = """
SELECT id FROM suggestion
WHERE state = 'OPEN' AND created_at < now() - $1::int8 * interval '1 day' LIMIT 100
"""


def find_expiry(created_at: str) -> str:
    """The field `expiresAt`, of the column `created_at`."""
    return print_date_time(datetime.fromisoformat(created_at) + timedelta(days=DAYS))


async def expire_suggestions(context: TaskContext) -> int:
    """Delete what has had no answer for so long; returns how many."""

    async def expire(transaction: Transaction) -> int:
        rows = await transaction.fetch(_EXPIRED, DAYS)
        for row in rows:
            await context.changes(transaction).delete("Suggestion", row["id"])
        return len(rows)

    expired = 0
    while some := await run_transaction(
        context.database, expire, deadline=context.deadline, name="suggestions/expire"
    ):
        expired += some
    return expired
