"""Staff whose memberships wait again, and the administrator whom an organisation keeps.

Called where memberships begin and end. What needs a second adult is in `db.second_adults`.
"""

from __future__ import annotations

from uuid import UUID

from poutama.db.second_adults import render_waits_again
from poutama.errors import ConflictError
from poutama.features.groups.lapses import let_wait
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current

_FIND_ADMIN = f"""
SELECT 1 FROM membership WHERE organisation_id = $1::uuid AND role = 'ADMIN'
    AND {render_is_current("membership")} LIMIT 1
"""  # noqa: S608  constants
_FIND_WAITING = f"""
SELECT m.id, m.role, p.name FROM membership AS m JOIN person AS p ON p.id = m.person_id
WHERE m.person_id = $1::uuid AND (m.organisation_id = $2::uuid) IS TRUE
    AND {render_waits_again("m")}
ORDER BY m.id
"""  # noqa: S608


async def let_staff_wait(context: ProcedureContext, person: UUID, organisation: UUID) -> None:
    """Let the person's memberships as staff wait that need a second adult and have none.

    Raises:
        ConflictError: the organisation would be left without an administrator.
    """
    waiting = await context.transaction.fetch(_FIND_WAITING, person, organisation)
    await let_wait(context.changes, waiting)
    if any(each["role"] == "ADMIN" for each in waiting):
        await require_administrator(context, organisation)


async def require_administrator(context: ProcedureContext, organisation: UUID) -> None:
    """Refuse a change that leaves the organisation without an administrator.

    Raises:
        ConflictError: it does.
    """
    if not await context.transaction.fetch(_FIND_ADMIN, organisation):
        raise ConflictError("An organisation keeps an administrator.")
