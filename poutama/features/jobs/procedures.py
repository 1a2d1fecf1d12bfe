"""The procedure about jobs; each kind's own stand with what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from poutama.audit import record_change
from poutama.db.transaction import Transaction
from poutama.errors import NotFoundError
from poutama.jobs import table
from poutama.sql.standing import render_counting
from poutama.viewer import Viewer

_FIND = f"""
SELECT j.person_id FROM job AS j WHERE j.id = $1::uuid AND (
    j.person_id = $2::uuid
    OR EXISTS (
        SELECT 1 FROM membership AS m
        WHERE m.person_id = $2::uuid AND m.organisation_id = j.organisation_id
            AND m.role = 'ADMIN' AND {render_counting("m")}
    )
)
"""  # noqa: S608  constants


async def cancel_job(
    transaction: Transaction, viewer: Viewer, given: Mapping[str, Any]
) -> Mapping[str, UUID]:
    """Stop a job of the viewer's own, or of an organisation that they administer.

    Raises:
        NotFoundError: there is no such job, or it is not the viewer's to stop.
    """
    job: UUID = given["jobId"]
    found = await transaction.fetch(_FIND, job, viewer.person_id)
    if not found:
        raise NotFoundError("cancelJob: there is no such job, or it is not yours to stop.")
    if await table.cancel(transaction, job):
        await record_change(transaction, viewer, "UPDATE", "Job", job, found[0]["person_id"])
    return {"job": job}
