"""The mutation about reminders."""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.changes import NOW
from poutama.procedure import ProcedureContext

_FIND = "SELECT goal_id, dismissed_at FROM reminder WHERE id = $1::uuid"


class DismissReminderInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which reminder."""

    reminder_id: UUID


class DismissReminderPayload(msgspec.Struct, frozen=True):
    """The goal that it was about."""

    goal: UUID


async def dismiss_reminder(
    context: ProcedureContext, input: DismissReminderInput
) -> DismissReminderPayload:
    """Stop showing a reminder; again changes nothing."""
    (row,) = await context.transaction.fetch(_FIND, input.reminder_id)
    if row["dismissed_at"] is None:
        await context.changes.update(
            "Reminder", input.reminder_id, {}, columns={"dismissed_at": NOW}
        )
    return DismissReminderPayload(row["goal_id"])
