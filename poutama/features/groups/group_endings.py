"""Putting a group away: what it was is kept, and no person belongs to it.

Who may call the mutation is declared beside it in `groups.graphql`.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.features.groups.endings import end_all
from poutama.features.groups.procedures import GroupPayload
from poutama.procedure import ProcedureContext

_FIND = "SELECT ended_at IS NOT NULL AS ended, now() AS now FROM learning_group WHERE id = $1::uuid"
_FIND_LASTING = """
SELECT id FROM membership WHERE group_id = $1::uuid AND (ends_at IS NULL OR ends_at > now())
ORDER BY id
"""


class EndGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which group."""

    group_id: UUID


async def end_group(context: ProcedureContext, input: EndGroupInput) -> GroupPayload:
    """End a group with its memberships and offers; ending it again changes nothing.

    Its join code is void. What people consented to, declined and left is kept with it.
    """
    group = input.group_id
    (row,) = await context.transaction.fetch(_FIND, group)
    if not row["ended"]:
        lasting = await context.transaction.fetch(_FIND_LASTING, group)
        await end_all(context, [each["id"] for each in lasting], row["now"])
        # The same moment as the memberships': who leaves with the group was not removed from it.
        ended = {"endedAt": row["now"], "joinCode": None, "joinCodeExpiresAt": row["now"]}
        await context.changes.update("Group", group, ended)
    return GroupPayload(group)
