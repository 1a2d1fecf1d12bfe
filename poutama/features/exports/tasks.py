"""The scheduled task of exports."""

from __future__ import annotations

from poutama.features.exports.sweep import purge_expired_exports
from poutama.schedule import TaskContext


async def clear_exports(context: TaskContext) -> int:
    """Delete exports that are old enough, and what unfinished ones left."""
    return await purge_expired_exports(
        context.database, context.store, context.settings, deadline=context.deadline
    )
