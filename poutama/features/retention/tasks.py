"""The scheduled task of retention."""

from __future__ import annotations

from poutama.features import load_features
from poutama.features.retention.retention import forget_the_departed
from poutama.schedule import TaskContext


async def end_keeping(context: TaskContext) -> int:
    """Delete people who left longer ago than their organisations keep data."""
    return await forget_the_departed(
        context.database, load_features().personal_data, deadline=context.deadline
    )
