"""The scheduled task of retention."""

from __future__ import annotations

from poutama.features.retention.retention import forget_the_departed
from poutama.schedule import TaskContext


async def end_keeping(context: TaskContext) -> int:
    """Delete people who left longer ago than their organisations keep data."""
    return await forget_the_departed(context.database, deadline=context.deadline)
