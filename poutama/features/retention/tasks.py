"""The scheduled task of retention."""

from __future__ import annotations

from poutama.features import load_features
from poutama.features.retention.retention import purge_departed_people
from poutama.schedule import TaskContext


async def end_keeping(context: TaskContext) -> int:
    """Delete people who left longer ago than their organisations keep data."""
    return await purge_departed_people(
        context.database, load_features().personal_data, deadline=context.deadline
    )
