"""Caregivers whose child has been away from the organisation since they were confirmed.

Their confirmation counts no longer, from the moment at which the child was away and however that
came about: `sql.relationship` reads it from the memberships. Here they are marked as
waiting, so that those who may confirm them see it: by `endings` at once, by the schedule once a
day.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from poutama.changes import Changes, ColumnValue
from poutama.db.transaction import Transaction, run_transaction
from poutama.schedule import TaskContext
from poutama.sql.relationship import (
    render_confirmation,
    render_has_left_since,
    render_is_current,
)

BATCH = 200
# A batch begins only if it may well end in time.
_MARGIN_SECONDS = 5.0

_CONFIRMATION = render_confirmation("m")
HAS_LAPSED = (
    "(m.role = 'CAREGIVER'"
    f" AND {render_has_left_since('m.child_id', 'm.organisation_id', _CONFIRMATION)})"
)
"""The SQL condition that the confirmation of the membership called `m` counts no longer."""

_FIND = f"""
SELECT m.id, p.name FROM membership AS m JOIN person AS p ON p.id = m.person_id
WHERE {HAS_LAPSED} AND {render_is_current("m")}
"""  # noqa: S608  constants
_FIND_SOME = f"{_FIND} ORDER BY m.id LIMIT $1::int8"
_FIND_OF_ENDED = f"""
{_FIND} AND EXISTS (
    SELECT 1 FROM membership AS e WHERE e.person_id = m.child_id AND e.role = 'STUDENT'
        AND e.organisation_id = m.organisation_id AND e.accepted_at IS NOT NULL
        AND e.id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
)
"""  # noqa: S608


async def find_lapsed(transaction: Transaction, ended: str) -> Sequence[Record]:
    """Return the caregivers who wait again because of memberships that have ended, or wait.

    Args:
        transaction: in which they have ended.
        ended: the ids of those memberships, as a list in JSON.
    """
    return await transaction.fetch(_FIND_OF_ENDED, ended)


async def let_wait(changes: Changes, memberships: Sequence[Record]) -> None:
    """Let memberships wait to be confirmed again.

    Args:
        changes: of the transaction.
        memberships: their ids, and the names of their people.
    """
    waits: dict[str, ColumnValue] = {"confirmed": False, "confirmedAt": None, "confirmedBy": None}
    rows: dict[UUID, dict[str, ColumnValue]] = {
        each["id"]: {**waits, "applicantName": each["name"]} for each in memberships
    }
    await changes.update_many("Membership", rows)


async def let_caregivers_wait(context: TaskContext) -> int:
    """Let caregivers whose child has left the organisation wait to be confirmed again.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """

    async def work(transaction: Transaction) -> int:
        rows = await transaction.fetch(_FIND_SOME, BATCH)
        await let_wait(context.changes(transaction), rows)
        return len(rows)

    marked = 0
    while time.monotonic() < context.deadline - _MARGIN_SECONDS:
        some = await run_transaction(
            context.database, work, deadline=context.deadline, name="groups/letCaregiversWait"
        )
        marked += some
        if some < BATCH:
            break
    return marked
