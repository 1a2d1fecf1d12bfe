"""The scheduled task of requests for access and erasure."""

from __future__ import annotations

from poutama.features.privacy.deadlines import remind_of_requests
from poutama.schedule import TaskContext


async def remind_deciders(context: TaskContext) -> int:
    """Mark and log requests for access and erasure that are due soon, or late."""
    return await remind_of_requests(context.database, deadline=context.deadline)
