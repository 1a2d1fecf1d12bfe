"""What a worker does to the job it holds: claim it, show signs of life, commit steps, let it go.

Called by `poutama.worker` and `jobs.heartbeat`. A lease is one conditional UPDATE, and every later
write names it: a worker that lost its lease changes nothing, however late it comes. The
database's clock alone decides how long a lease lasts. Who holds no lease uses `jobs.table`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from json import dumps
from typing import Any
from uuid import UUID, uuid4

import msgspec
from asyncpg import Record

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import AmbiguousCommit
from poutama.jobs.job import Finished, Job, JobState, Progress, RowError
from poutama.jobs.reading import keep_reading

ATTEMPTS_USED_UP = (
    "It was tried {attempts} times, and each time the machine that worked at it stopped without"
    " saying why. Ask for it again; if that does not help, ask for less at once."
)
LONGEST_TEXT = 1_000
"""Characters that are kept of each part of a row error."""

_SQL = load_sql(
    __package__,
    "lease.sql",
    {"mine": "id = $1::uuid AND lease_id = $2::uuid AND steps = $3::int8"},
)


class LeaseLost(Exception):  # noqa: N818  an outcome, not a fault
    """The worker does not hold the job; nothing was written."""


class StopRequested(Exception):  # noqa: N818  an outcome, not a fault
    """A stop of the job was requested; nothing was written."""


class _Refused(Exception):  # noqa: N818  never leaves this module
    """The job is not as the lease says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A job as a worker holds it.

    Attributes:
        id: of this lease; no other ever has it.
        job: the row.
        input, checkpoint: JSON, as the row holds them.
        done, total: as the step before left them.
        steps: how many steps have been committed.
        attempts: claims since the step before, this one included; 0 after a step.
    """

    id: UUID
    job: Job
    input: str
    checkpoint: str
    done: int
    total: int | None
    steps: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A claim that ended the job instead: it was to be stopped, or tried too often."""

    state: JobState
    failure: str | None


@dataclass(frozen=True, slots=True)
class Committed:
    """What a step left: the lease to go on under, None after the last; and jobs to be woken."""

    lease: Lease | None
    enqueued: Sequence[UUID]


async def claim_job(
    database: Database,
    job: UUID,
    *,
    attempts: int,
    seconds: float,
    deadline: float,
    bulk_limit: int | None = None,
    interactive: Collection[str] = (),
) -> Lease | Ended | None:
    """Claim the job if it is due and no worker holds it; None if not. One statement.

    Args:
        database: where.
        job: its id.
        attempts: how many claims without a step in between are enough: it fails instead.
        seconds: how long the lease lasts without a sign of life.
        deadline: absolute `time.monotonic()`.
        bulk_limit: of a bulk job: claim it only while fewer than so many run; None for any number.
        interactive: the kinds that are not bulk.

    Raises:
        AmbiguousCommit: it may have been claimed, under a lease that no worker knows; it expires.
        PoutamaError: as `Database.write`; it was not taken.
    """
    lease = uuid4()
    failure = ATTEMPTS_USED_UP.format(attempts=attempts)
    values = [job, lease, attempts, float(seconds), failure]
    values += [bulk_limit, dumps(sorted(interactive))]
    rows = await database.write(_SQL["claim"], values, deadline=deadline, name="claim")
    if not rows:
        return None
    row = rows[0]
    if row["state"] != JobState.RUNNING:
        return Ended(JobState(row["state"]), row["failure"])
    return _read_lease(lease, job, row)


async def extend_lease(
    database: Database, lease: Lease, *, seconds: float, deadline: float
) -> None:
    """Show a sign of life.

    Raises:
        LeaseLost, StopRequested: as they say.
        PoutamaError: as `Database.write`; doing it again is safe.
    """
    values = [lease.job.id, lease.id, float(seconds)]
    rows = await database.write(_SQL["extend"], values, deadline=deadline, name="heartbeat")
    if not rows:
        raise LeaseLost
    if rows[0]["cancel_requested"]:
        raise StopRequested


async def commit_step(
    database: Database,
    lease: Lease,
    returned: Progress[Any] | Finished,
    *,
    seconds: float,
    deadline: float,
) -> Committed:
    """Write what a step returned, its effects included: once and all of it, or nothing.

    Asks again after a commit whose outcome is unknown: the count of steps tells it.

    Raises:
        LeaseLost, StopRequested: as they say.
        PoutamaError: as `run_transaction`; nothing was written, or a commit is in doubt whose
            lease then runs out. Whatever the effects raise comes through.
    """
    written: list[Committed] = []
    statement, values = _fence(lease, returned, seconds)
    errors = dumps([_storable_error(error) for error in returned.errors])

    async def work(transaction: Transaction) -> Committed:
        rows = await transaction.fetch(statement, *values)
        if not rows:
            raise _Refused
        await _write_effects(transaction, lease, returned, errors)
        after = _advance(lease, returned, rows[0])
        written[:] = [Committed(after, tuple(transaction.enqueued))]
        return written[0]

    in_doubt: Committed | None = None
    while True:
        try:
            return await run_transaction(database, work, deadline=deadline, name="step")
        except AmbiguousCommit:
            in_doubt = written[0]
        except _Refused:
            if in_doubt is not None and await _has_happened(database, in_doubt, lease, deadline):
                return in_doubt
            await _explain(database, lease, deadline)


async def release_job(
    database: Database,
    lease: Lease,
    state: JobState,
    *,
    attempts: int,
    deadline: float,
    delay: float = 0.0,
    failure: str | None = None,
) -> JobState:
    """Let the job go, queued again after `delay` seconds or for good; returns what it is now.

    Who is to stop is CANCELLED whatever the worker thinks.

    Raises:
        LeaseLost: the lease was not held.
        PoutamaError: as `Database.write`; at worst the lease runs out.
    """
    values = [lease.job.id, lease.id, lease.steps, state.value, _storable(failure), attempts]
    rows = await database.write(
        _SQL["release"], [*values, float(delay)], deadline=deadline, name="release"
    )
    if not rows:
        raise LeaseLost
    return JobState(rows[0]["state"])


def _read_lease(lease: UUID, job: UUID, row: Record) -> Lease:
    return Lease(
        id=lease,
        job=_read_job(job, row),
        input=row["input"],
        checkpoint=row["checkpoint"],
        done=row["done"],
        total=row["total"],
        steps=row["steps"],
        attempts=row["attempts"],
    )


def _read_job(job: UUID, row: Record) -> Job:
    return Job(
        id=job,
        kind=row["kind"],
        person_id=row["person_id"],
        organisation_id=row["organisation_id"],
        subject_id=row["subject_id"],
    )


def _fence(
    lease: Lease, returned: Progress[Any] | Finished, seconds: float
) -> tuple[str, Sequence[object]]:
    """The statement that only the holder of the lease can run, and only once for each step."""
    mine = (lease.job.id, lease.id, lease.steps)
    match returned:
        case Progress():
            checkpoint = _encode(returned)
            values = (*mine, checkpoint, returned.done, returned.total, float(seconds))
            return _SQL["progress"], values
        case Finished():
            result = (returned.result_key, returned.result_name, returned.result_type)
            return _SQL["finish"], (*mine, returned.done, *result)


async def _write_effects(
    transaction: Transaction, lease: Lease, returned: Progress[Any] | Finished, errors: str
) -> None:
    if lease.job.subject_id not in (None, lease.job.person_id):
        await keep_reading(transaction, lease.job.id)
    if returned.effects is not None:
        await returned.effects(transaction)
    if returned.errors:
        await transaction.execute(_SQL["add_errors"], lease.job.id, errors)


def _advance(lease: Lease, returned: Progress[Any] | Finished, row: Record) -> Lease | None:
    if isinstance(returned, Finished):
        return None
    return replace(
        lease,
        # As the next worker would read it.
        checkpoint=_encode(returned),
        done=row["done"],
        total=row["total"],
        steps=lease.steps + 1,
        attempts=0,
    )


def _encode(returned: Progress[Any]) -> str:
    return msgspec.json.encode(returned.checkpoint).decode()


async def _has_happened(
    database: Database, in_doubt: Committed, lease: Lease, deadline: float
) -> bool:
    """Whether the commit of unknown outcome was made, and no other worker has claimed since."""
    rows = await database.read(_SQL["look"], [lease.job.id], deadline=deadline, name="look")
    if not rows or rows[0]["steps"] != lease.steps + 1:
        return False
    if in_doubt.lease is None:
        return bool(rows[0]["state"] == JobState.SUCCEEDED)
    return bool(rows[0]["lease_id"] == lease.id)


async def _explain(database: Database, lease: Lease, deadline: float) -> None:
    """Say why the job is not as the lease says."""
    rows = await database.read(_SQL["look"], [lease.job.id], deadline=deadline, name="look")
    if rows and rows[0]["lease_id"] == lease.id and rows[0]["cancel_requested"]:
        raise StopRequested
    raise LeaseLost


def _storable_error(error: RowError) -> Mapping[str, object]:
    # A new id for each try of the step, not of the transaction: that one is all or nothing.
    parts = {key: _storable(part) for key, part in asdict(error).items() if key != "line"}
    return {"id": str(uuid4()), "line": error.line, **parts}


def _storable(text: str | None) -> str | None:
    """The text as a column takes it: what people's files hold may be anything."""
    if text is None:
        return None
    text = text[:LONGEST_TEXT].replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode("utf-8")
