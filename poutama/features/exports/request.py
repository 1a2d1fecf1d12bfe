"""`exportJourney`: somebody wishes for a student's journey, and a job begins to write it.

Runs in the mutation's transaction, perhaps several times over. Whoever asks again while the first
job is at work gets that one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import LimitExceededError, NotFoundError
from poutama.features.exports.job import EXPORT, ExportInput
from poutama.features.exports.right import statement_of_right
from poutama.jobs.table import enqueue
from poutama.viewer import Viewer

MOST_A_DAY = 20
"""Exports that one person may ask for within a day."""

_RUNNING = f"""
SELECT id FROM job WHERE person_id = $1::uuid AND subject_id = $2::uuid AND kind = '{EXPORT}'
    AND state IN ('QUEUED', 'RUNNING') AND NOT cancel_requested ORDER BY created_at, id LIMIT 1
"""  # noqa: S608  a constant
_LATELY = f"""
SELECT count(*)::int8 FROM job WHERE person_id = $1::uuid AND kind = '{EXPORT}'
    AND created_at > now() - interval '1 day'
"""  # noqa: S608
_NOW = "SELECT now()"


async def export_journey(
    transaction: Transaction, viewer: Viewer, given: Mapping[str, Any]
) -> Mapping[str, UUID]:
    """Begin an export of the viewer's own journey, or of one that they may see.

    Raises:
        NotFoundError: there is no such student, or the viewer may not see their goals.
        LimitExceededError: the viewer has asked for very many lately.
    """
    person: UUID = given.get("personId") or viewer.person_id
    if not await transaction.fetch(statement_of_right(), viewer.person_id, person):
        raise NotFoundError("exportJourney: there is no such person, or it is not yours to see.")
    running = await transaction.fetch(_RUNNING, viewer.person_id, person)
    if running:
        return {"job": running[0]["id"]}
    ((lately,),) = await transaction.fetch(_LATELY, viewer.person_id)
    if lately >= MOST_A_DAY:
        raise LimitExceededError(
            f"exportJourney: {MOST_A_DAY} exports a day are allowed; download one of those there"
            " are, or ask again tomorrow.",
            limit="exports",
            value=lately + 1,
            allowed=MOST_A_DAY,
        )
    # The moment is the database's, and fixed from now on: a step that is run again prints it again.
    ((now,),) = await transaction.fetch(_NOW)
    job = await enqueue(
        transaction,
        EXPORT,
        person_id=viewer.person_id,
        subject_id=person,
        input=make_input(person, now),
    )
    if person != viewer.person_id:
        # Whose goals are few or none would otherwise not learn of it.
        await record_change(transaction, viewer, "READ", "Journey", None, person)
    return {"job": job}


def make_input(person: UUID, now: datetime) -> ExportInput:
    """The job's input, with a folder that is its alone."""
    folder = f"people/{person}/exports/{secrets.token_urlsafe(24)}"
    return ExportInput(person_id=person, as_of=now.astimezone(UTC), folder=folder)
