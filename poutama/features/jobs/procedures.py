"""The procedure about jobs; each kind's own are in the feature that has the kind."""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.jobs import table
from poutama.procedure import ProcedureContext


class CancelJobInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which job."""

    job_id: UUID


class CancelJobPayload(msgspec.Struct, frozen=True):
    """The job, as it is then."""

    job: UUID


async def cancel_job(context: ProcedureContext, input: CancelJobInput) -> CancelJobPayload:
    """Stop a job: one that has ended stays as it is."""
    if await table.cancel(context.transaction, input.job_id):
        await context.changes.record_update("Job", input.job_id)
    return CancelJobPayload(input.job_id)
