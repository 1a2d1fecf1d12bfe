"""The end of keeping: people who left long enough ago are deleted, with all that is theirs.

The schedule calls it. Somebody goes when every membership they had has ended, each longer ago than
its organisation keeps data, and at least one of them was accepted: never whoever belongs to an
organisation, or is invited into one, and never whoever belonged to none. Their goals, reminders,
jobs and sign-ins go with them; notes they wrote on others' goals stay, without their name. Files
go afterwards: evidence without a goal and exports without a job are what the sweeps look for.
"""

from __future__ import annotations

import logging
import time
from json import dumps
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction

logger = logging.getLogger(__name__)

ACTOR = UUID(int=0)
"""Who did it, in the entries: nobody."""
ACTOR_NAME = "retention"
_BATCH = 20
# A batch begins only if it may well end in time.
_MARGIN_SECONDS = 5.0

_KEPT = """
SELECT 1 FROM membership AS k JOIN organisation AS ko ON ko.id = k.organisation_id
WHERE k.person_id = {0} AND (
    k.ends_at IS NULL OR k.ends_at > now() - ko.retention_days * interval '1 day'
)
"""
_GONE = f"""
SELECT DISTINCT m.person_id
FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id
WHERE m.accepted_at IS NOT NULL AND m.ends_at <= now() - o.retention_days * interval '1 day'
    AND NOT EXISTS ({_KEPT.format("m.person_id")})
LIMIT {_BATCH}
"""  # noqa: S608  constants
# Asked again: somebody may have come back since they were found.
_DELETE = f"""
DELETE FROM person AS p
WHERE p.id IN (SELECT e.id::uuid FROM jsonb_array_elements_text($1::jsonb) AS e (id))
    AND NOT EXISTS ({_KEPT.format("p.id")})
RETURNING p.id
"""  # noqa: S608
_RECORD = """
INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id)
SELECT gen_random_uuid(), $2::uuid, $3::text, NULL::uuid, 'DELETE', 'Person', e.id::uuid
FROM jsonb_array_elements_text($1::jsonb) AS e (id)
"""


async def forget_the_departed(database: Database, *, deadline: float) -> int:
    """Delete who left long enough ago; returns how many people.

    Each batch commits with an entry for everybody in it: that somebody was deleted, and when, by an
    id that leads to nobody any more. What is not done by the deadline is done next time.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """
    deleted = 0
    while time.monotonic() < deadline - _MARGIN_SECONDS:
        rows = await database.read(_GONE, deadline=deadline, name="retention/gone")
        if not rows:
            break
        found = dumps([str(row["person_id"]) for row in rows])

        async def work(transaction: Transaction, found: str = found) -> int:
            gone = [str(row["id"]) for row in await transaction.fetch(_DELETE, found)]
            await transaction.execute(_RECORD, dumps(gone), ACTOR, ACTOR_NAME)
            return len(gone)

        done = await run_transaction(database, work, deadline=deadline, name="retention")
        deleted += done
        if not done:
            break
    if deleted:
        logger.info("retention: deleted %d people", deleted)
    return deleted
