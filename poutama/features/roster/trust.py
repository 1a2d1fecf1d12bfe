"""Which organisations are the school that they say: decided by those who run the system.

Called by the command line and the demo school, never by the API: anyone may found an
organisation, and call it what they like.
"""

from __future__ import annotations

from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.pooled_connection import Records

NOT_VERIFIED = (
    "This organisation is not verified, and only verified organisations enrol people by rosters."
    " Students can join a group by its join code; ask those who run the service to verify the"
    " organisation."
)

_VERIFY = """
UPDATE organisation SET verified = true, verified_at = now()
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid) AND NOT verified
"""
_DOUBT = """
UPDATE organisation SET verified = false, verified_at = NULL WHERE id = $1::uuid AND verified
"""
_LIST = """
SELECT o.id, o.name, o.created_at, o.verified, o.verified_at FROM organisation AS o
WHERE $1::uuid IS NULL OR o.id = $1::uuid
ORDER BY o.name_search, o.id
"""


async def verify_organisations(database: Database, ids: list[UUID], *, deadline: float) -> None:
    """Let the rosters of these share their own students' profiles without asking each of them."""
    listed = dumps([str(each) for each in ids])
    await database.write(_VERIFY, [listed], deadline=deadline, name="roster/verify")


async def doubt_organisation(database: Database, id_: UUID, *, deadline: float) -> None:
    """Take that back; what was shared so far stays shared."""
    await database.write(_DOUBT, [id_], deadline=deadline, name="roster/doubt")


async def list_organisations(
    database: Database, id_: UUID | None = None, *, deadline: float
) -> Records:
    """All of them, or the one: `verified_at` is null where that is not known."""
    return await database.read(_LIST, [id_], deadline=deadline, name="roster/organisations")
