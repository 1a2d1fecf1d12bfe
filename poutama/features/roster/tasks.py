"""The scheduled task of rosters."""

from __future__ import annotations

from poutama.features.roster.sweep import purge_expired_rosters
from poutama.schedule import TaskContext


async def clear_rosters(context: TaskContext) -> int:
    """Delete unfinished imports of rosters, and reports that are old enough."""
    return await purge_expired_rosters(context.database, deadline=context.deadline)
