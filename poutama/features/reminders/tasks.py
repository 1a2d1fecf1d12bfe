"""The scheduled task of reminders."""

from __future__ import annotations

from poutama.features.reminders.reminders import remind
from poutama.schedule import TaskContext


async def make_reminders(context: TaskContext) -> int:
    """Remind students of what is due soon, or was due lately."""
    return await remind(context.database, deadline=context.deadline)
