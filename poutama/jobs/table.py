"""The table of jobs, for everybody but the worker that holds one: ask for a job, stop it.

Called by the procedures of `journeys` inside their transaction. The table is the truth about
every job; messages in the queue only say where to look. What a worker does to the job it holds is
in `jobs.lease`. The database's clock alone decides what is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any
from uuid import UUID, uuid4

from poutama.db.transaction import Transaction

_ENQUEUE = """
INSERT INTO job (id, kind, person_id, organisation_id, subject_id, input)
VALUES ($1::uuid, $2::text, $3::uuid, $4::uuid, $5::uuid, $6::jsonb)
"""
# A worker whose lease has run out is asked no more: it could not commit anyway.
_CANCEL = """
UPDATE job SET
    cancel_requested = true,
    state = CASE WHEN state = 'QUEUED' OR lease_until < now() THEN 'CANCELLED' ELSE state END,
    lease_id = CASE WHEN state = 'QUEUED' OR lease_until < now() THEN NULL ELSE lease_id END,
    lease_until = CASE WHEN state = 'QUEUED' OR lease_until < now() THEN NULL ELSE lease_until END,
    finished_at = CASE WHEN state = 'QUEUED' OR lease_until < now() THEN now() END,
    version = version + 1, updated_at = now()
WHERE id = $1::uuid AND state IN ('QUEUED', 'RUNNING') AND NOT cancel_requested
RETURNING id
"""


async def enqueue(
    transaction: Transaction,
    kind: str,
    *,
    person_id: UUID,
    organisation_id: UUID | None = None,
    subject_id: UUID | None = None,
    input: Mapping[str, Any],  # noqa: A002  the column, and the word of GraphQL
) -> UUID:
    """Add a job that begins to exist with the transaction's commit; returns its id.

    Whoever commits wakes a worker for it: the engine after a mutation, the worker after a step.

    Args:
        transaction: the mutation's, or that of a step's effects.
        kind: a key of `journeys.kinds.KINDS`.
        person_id: who asks for it, and reads it.
        organisation_id: whose administrators see it, too.
        subject_id: whose data it is about, where that is one person.
        input: JSON; ids and moments as text.

    Raises:
        DatabaseError: one of the three is not there.
    """
    job = uuid4()
    await transaction.execute(
        _ENQUEUE, job, kind, person_id, organisation_id, subject_id, dumps(input)
    )
    transaction.enqueued.append(job)
    return job


async def cancel(transaction: Transaction, job: UUID) -> bool:
    """Stop a job at once while nobody works at it, else as soon as its worker notices.

    Returns whether anything changed: what has ended, or is to stop already, stays as it is.
    """
    return bool(await transaction.fetch(_CANCEL, job))
