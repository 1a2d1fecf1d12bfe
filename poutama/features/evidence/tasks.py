"""The scheduled task of evidence."""

from __future__ import annotations

from poutama.features.evidence.sweep import forget_unfinished_uploads
from poutama.schedule import TaskContext


async def clear_uploads(context: TaskContext) -> int:
    """Delete uploads that were never finished, and evidence whose goal is gone."""
    return await forget_unfinished_uploads(context.database, deadline=context.deadline)
