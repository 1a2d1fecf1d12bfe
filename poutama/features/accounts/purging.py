"""Deletion of codes that were never used, and of the attempts of accounts that are not people.

The schedule calls it, every hour.
"""

from __future__ import annotations

from poutama.db.transaction import Transaction, run_transaction
from poutama.features.accounts.code_statements import PURGE
from poutama.schedule import TaskContext


async def purge_account_codes(context: TaskContext) -> int:
    """Delete what has been of no use for a day; returns how many statements ran.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """

    async def purge(transaction: Transaction) -> int:
        for statement in PURGE:
            await transaction.execute(statement)
        return 0

    return await run_transaction(
        context.database, purge, deadline=context.deadline, name="accounts/purge"
    )
