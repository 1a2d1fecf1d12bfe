"""The table of jobs, for all but the worker that holds one: ask for a job, stop it.

Called by the procedures of `features` inside their transaction, by the sweep and the command line.
The table is the truth about every job; messages in the queue only say where to look. What a worker
does to the job it holds is in `jobs.lease`. The database's clock alone decides what is due.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec

from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.db.transaction import Transaction
from poutama.jobs.reading import keep_reading
from poutama.quotas import Quotas

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
_COUNTED = """
SELECT kind, state, person_id, organisation_id, subject_id FROM job WHERE id = $1::uuid
"""
_WAIT = """
SELECT greatest(extract(epoch FROM not_before - now()), 0)::float8 AS seconds
FROM job WHERE id = $1::uuid AND state = 'QUEUED'
"""
# Marked before they are sent: of two sweeps at once, one finds nothing.
_TAKE_UNSENT = """
UPDATE job SET sent_at = now() WHERE id IN (
    SELECT id FROM (
        SELECT id, not_before AS due FROM job
        WHERE state = 'QUEUED' AND not_before <= now() - $1::float8 * interval '1 second'
            AND sent_at <= now() - $1::float8 * interval '1 second'
        UNION ALL
        SELECT id, lease_until AS due FROM job
        WHERE state = 'RUNNING' AND lease_until < now() AND (
            sent_at < lease_until OR sent_at <= now() - $1::float8 * interval '1 second'
        )
    ) AS lost ORDER BY due LIMIT $2::int8
) RETURNING id
"""
_RETRY = """
UPDATE job SET
    state = 'QUEUED', attempts = 0, failure = NULL, cancel_requested = false, finished_at = NULL,
    not_before = now() - interval '1 day', sent_at = now() - interval '1 day',
    version = version + 1, updated_at = now()
WHERE id = $1::uuid AND state IN ('FAILED', 'CANCELLED')
RETURNING id
"""
_LIST = """
SELECT id, kind, state, done, total, attempts, person_id, failure,
    extract(epoch FROM now() - created_at)::float8 AS age
FROM job WHERE $1::text IS NULL OR state = $1::text
ORDER BY created_at DESC, id LIMIT $2::int8
"""


async def enqueue(
    transaction: Transaction,
    kind: str,
    *,
    person_id: UUID,
    organisation_id: UUID | None = None,
    subject_id: UUID | None = None,
    input: msgspec.Struct,
) -> UUID:
    """Add a job that begins to exist with the transaction's commit; returns its id.

    After the commit, wake a worker for it: the engine after a mutation, the worker after a step.

    Args:
        transaction: the mutation's, or that of a step's effects.
        kind: a key of a feature's `jobs`.
        person_id: who asks for it, and reads it.
        organisation_id: its administrators also see the job.
        subject_id: whose data it is about, where that is one person; a job of no organisation is
            about the person who asks, unless `subject_id` names another. Then the right in which
            the requester reads that person is kept with the job, here and with each step, and the
            result is for who still has it.
        input: of the kind's `input`; from a module that is light to import.

    Raises:
        DatabaseError: one of the three is not there.
    """
    job = uuid4()
    if subject_id is None and organisation_id is None:
        subject_id = person_id
    content = msgspec.json.encode(input).decode()
    await transaction.execute(_ENQUEUE, job, kind, person_id, organisation_id, subject_id, content)
    if subject_id not in (None, person_id):
        await keep_reading(transaction, job)
    transaction.enqueued.append(job)
    return job


async def require_job_quota(transaction: Transaction, quotas: Quotas, job: UUID) -> None:
    """Hold a job that the transaction has added to the quotas that are declared for jobs.

    Raises:
        QuotaExceededError: there are too many already; the transaction must not commit.
    """
    (row,) = await transaction.fetch(_COUNTED, job)
    await quotas.require("job", dict(row), transaction.fetch, written=True)


async def cancel(transaction: Transaction, job: UUID) -> bool:
    """Stop a job at once if no worker holds it, else as soon as its worker notices.

    Returns whether anything changed: what has ended, or is to stop already, stays as it is.
    """
    return bool(await transaction.fetch(_CANCEL, job))


async def find_wait(database: Database, job: UUID, *, deadline: float) -> float | None:
    """Seconds until a queued job is due, 0 if it is; None if it is not queued."""
    rows = await database.read(_WAIT, [job], deadline=deadline, name="wait")
    return float(rows[0]["seconds"]) if rows else None


async def take_unsent(
    database: Database, *, idle: float, limit: int, deadline: float
) -> list[UUID]:
    """The jobs that need a worker woken again, longest due first; once each.

    They are queued, have been due for `idle` seconds and no message was sent in that time; or
    their worker is gone, and none was sent since its lease ran out.
    """
    rows = await database.write(
        _TAKE_UNSENT, [float(idle), limit], deadline=deadline, name="take_unsent"
    )
    return [row["id"] for row in rows]


async def retry(database: Database, job: UUID, *, deadline: float) -> bool:
    """Queue a job again that failed or was stopped, from where it was; False if there is none.

    No worker is woken: the next sweep does it.
    """
    return bool(await database.write(_RETRY, [job], deadline=deadline, name="retry_job"))


async def list_jobs(
    database: Database, *, state: str | None, limit: int, deadline: float
) -> Records:
    """The jobs of all people, newest first: for the operator, not for the API."""
    return await database.read(_LIST, [state, limit], deadline=deadline, name="list_jobs")
