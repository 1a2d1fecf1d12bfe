"""The scheduled tasks that every system needs, whatever its features: see `poutama.schedule`."""

from __future__ import annotations

from poutama.db.idempotency_keys import purge_expired_keys
from poutama.schedule import TaskContext
from poutama.store.deletion import delete_scheduled_objects


async def sweep_jobs(context: TaskContext) -> int:
    """Wake workers for jobs whose message was lost."""
    return await context.sweep(context.deadline)


async def purge_keys(context: TaskContext) -> int:
    """Delete expired idempotency keys."""
    return await purge_expired_keys(context.database, deadline=context.deadline)


async def delete_objects(context: TaskContext) -> int:
    """Delete objects that are scheduled for deletion."""
    return await delete_scheduled_objects(
        context.database, context.store, deadline=context.deadline
    )
