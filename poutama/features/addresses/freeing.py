"""The addresses of people who left, which their schools have given to others.

The schedule calls it. A person who has left, with every membership ended for as long as the setting
`address_days` says, loses their address once a roster has it for another row. They keep their data,
and sign in as before; see `docs/identity.md`.
"""

from __future__ import annotations

import logging
import time

from poutama.db.transaction import Transaction, run_transaction
from poutama.features.addresses.decision_statements import FIND_FREE, RESOLVE_FREED
from poutama.schedule import TaskContext

logger = logging.getLogger(__name__)

BATCH = 50
# A batch begins only if it may well end in time.
_MARGIN_SECONDS = 5.0


async def free_addresses(context: TaskContext) -> int:
    """Take the addresses that schools have given away from those who left; returns how many.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """

    async def free(transaction: Transaction) -> int:
        rows = await transaction.fetch(FIND_FREE, context.settings.address_days, BATCH)
        for row in rows:
            await context.changes(transaction).update("Person", row["id"], {"email": None})
            await transaction.execute(RESOLVE_FREED, row["id"])
        return len(rows)

    freed = 0
    while time.monotonic() < context.deadline - _MARGIN_SECONDS:
        some = await run_transaction(
            context.database, free, deadline=context.deadline, name="addresses/free"
        )
        freed += some
        if some < BATCH:
            break
    if freed:
        logger.info("addresses: freed %d addresses of people who left", freed)
    return freed
