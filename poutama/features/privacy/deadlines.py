"""Reminders of requests before their legal clock ends. Called by the schedule, once a day.

A request that is due soon is marked, so that administrators see it first, and written to the log
each day, so that the operator can be notified. One that its organisation no longer decides, because
it is not verified or the person belongs to another, becomes the operator's.
"""

from __future__ import annotations

import logging

from poutama.db.connection import Database
from poutama.features.privacy.deciders import render_may_decide
from poutama.features.privacy.states import IS_PENDING

logger = logging.getLogger(__name__)

SOON_DAYS = 7
"""Five working days, in a week without holidays."""

HAND_OVER = f"""
UPDATE privacy_request AS r SET
    organisation_id = NULL, version = r.version + 1, updated_at = now()
WHERE r.organisation_id IS NOT NULL AND {IS_PENDING} AND NOT {render_may_decide("r")}
"""  # noqa: S608  constants
"""Gives the operator the requests that their organisations no longer decide: run by the daily task,
and where the operator withdraws a verification."""
_MARK = f"""
UPDATE privacy_request AS r SET
    reminder = CASE WHEN r.due_at <= now() THEN 'OVERDUE' ELSE 'DUE_SOON' END,
    version = r.version + 1, updated_at = now()
WHERE {IS_PENDING} AND r.due_at <= now() + interval '{SOON_DAYS} days'
    AND coalesce(r.reminder, '') <> CASE WHEN r.due_at <= now() THEN 'OVERDUE' ELSE 'DUE_SOON' END
"""  # noqa: S608  constants
_CLEAR = f"""
UPDATE privacy_request AS r SET reminder = NULL, version = r.version + 1, updated_at = now()
WHERE r.reminder IS NOT NULL AND NOT {IS_PENDING}
"""  # noqa: S608
_FIND = f"""
SELECT r.id, r.kind, r.reminder, r.due_at, r.organisation_id FROM privacy_request AS r
WHERE r.reminder IS NOT NULL AND {IS_PENDING} ORDER BY r.due_at, r.id LIMIT 500
"""  # noqa: S608


async def remind_of_requests(database: Database, *, deadline: float) -> int:
    """Mark and log the requests that are due soon, or late; returns how many there are.

    Raises:
        UnavailableError, DeadlineExceededError: as every statement.
    """
    for statement in (HAND_OVER, _MARK, _CLEAR):
        await database.write(statement, deadline=deadline, name="privacy/remind")
    due = await database.read(_FIND, deadline=deadline, name="privacy/due")
    for row in due:
        logger.warning(
            "privacy request %s (%s) is %s: due %s, decided by %s",
            row["id"],
            row["kind"],
            "late" if row["reminder"] == "OVERDUE" else "due soon",
            f"{row['due_at']:%Y-%m-%d}",
            f"organisation {row['organisation_id']}" if row["organisation_id"] else "the operator",
        )
    return len(due)
