"""Reports about invitations, for the operator of the system.

`declineInvitation` writes them, and `poutama organisations reports` lists them. No organisation
sees them.
"""

from __future__ import annotations

from poutama.db.connection import Database
from poutama.db.pooled_connection import Records

MAX_LISTED = 200
"""How many the list has, the newest first."""

_LIST = """
SELECT r.created_at, r.organisation_id, o.name AS organisation, o.verified, r.role,
    inviter.email AS inviter, reporter.email AS reporter, r.reason
FROM invitation_report AS r JOIN organisation AS o ON o.id = r.organisation_id
    LEFT JOIN person AS inviter ON inviter.id = r.inviter_id
    JOIN person AS reporter ON reporter.id = r.reporter_id
ORDER BY r.created_at DESC, r.id LIMIT $1::int8
"""


async def list_reports(database: Database, *, deadline: float) -> Records:
    """The newest reports; `inviter` is null once that person was erased.

    Raises:
        UnavailableError, DeadlineExceededError: as every read.
    """
    return await database.read(_LIST, [MAX_LISTED], deadline=deadline, name="invitationReports")
