"""`Worker`: runs jobs step by step.

`edge.lambda_jobs` and `server.worker_loop` hand it messages, `edge.lambda_schedule` asks it to
sweep. A message only names the job: claim it, run its steps, commit each, and release it before
the time is up. Two workers never run one job at a time, and one that lost its lease commits
nothing. A worker knows no kind of job by name; the features declare them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.errors import PoutamaError
from poutama.jobs.heartbeat import StepOverran, run_step
from poutama.jobs.job import (
    AnyJobKind,
    JobClass,
    JobFailedError,
    JobState,
    Query,
    Step,
    StoredJobError,
)
from poutama.jobs.lease import (
    Committed,
    Ended,
    Lease,
    LeaseLost,
    StopRequested,
    claim_job,
    commit_step,
    release_job,
)
from poutama.jobs.next_job import JobChooser
from poutama.jobs.queue import Queue, read_body, write_body
from poutama.jobs.table import find_wait, take_unsent
from poutama.permits import Permits
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

logger = logging.getLogger(__name__)

LONGEST_DELAY = 900.0
"""Seconds a queue can hold a message back."""
UNSENT_LEASES = 2.0
"""A job that has been due for so many leases without a message has lost it."""
SWEEP_BATCH = 500
MAX_CHOICES = 5
"""How often a worker chooses again because another has claimed the job."""
DEPLOYMENT_SECONDS = 120.0
"""Before a job that another release wrote is tried again: its own workers may be there then."""
FAREWELL_SECONDS = 3.0
"""How long the release of a job may take when the worker itself is stopped."""

MASKED = (
    "Something went wrong on our side. Ask for it again later. If it fails again, report the"
    " errorId {error_id} to the administrator."
)


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs jobs of these kinds: each claim, step and release on its own, none in memory."""

    database: Database
    store: ObjectStore
    queue: Queue
    kinds: Mapping[str, AnyJobKind]
    query: Query
    settings: Settings
    permits: Permits
    plans: ChangePlans

    async def handle(self, body: str, *, deadline: float) -> None:
        """Run the job that is next; a message that names no job goes to the dead letters.

        Args:
            body: as `wake` sends it. The job that it names may run with another's message instead.
            deadline: absolute `time.monotonic()` by which this returns; what is not done by then
                goes on with another message.

        Raises:
            PoutamaError: database or queue cannot be reached; hand the message out again.
        """
        try:
            job = read_body(body)
        except ValueError as error:
            logger.error(
                "a message of %d characters names no job; it goes to the dead letters", len(body)
            )
            await self.queue.dead_letter(body, reason=str(error))
            return
        await self._run_next(job, deadline)

    async def wake(self, job: UUID, *, delay: float = 0.0) -> None:
        """Send the message that wakes a worker for the job.

        Raises:
            UnavailableError: the queue cannot be reached; the next sweep sends the message.
        """
        await self.queue.send(write_body(job), delay=min(delay, LONGEST_DELAY))

    async def sweep(
        self, *, deadline: float, idle: float | None = None, limit: int = SWEEP_BATCH
    ) -> int:
        """Wake workers for jobs whose message or worker was lost; returns for how many.

        Args:
            deadline: absolute `time.monotonic()`.
            idle: how long a job has been due without a message to count as lost; 0 at the start
                of a process whose queue was in memory.
            limit: most messages that are sent.

        Raises:
            PoutamaError: database or queue cannot be reached; the next sweep goes on.
        """
        if idle is None:
            idle = self.settings.job_lease_seconds * UNSENT_LEASES
        jobs = await take_unsent(self.database, idle=idle, limit=limit, deadline=deadline)
        for job in jobs:
            await self.wake(job)
        return len(jobs)

    async def _run_next(self, named: UUID, deadline: float) -> None:
        """Run the job that is next, if one need not wait; keep the message of one not yet due."""
        # Read first: what becomes due after it is either chosen or has its message again.
        wait = await find_wait(self.database, named, deadline=deadline)
        for _ in range(MAX_CHOICES):
            choice = await self._chooser.choose(named, deadline=deadline)
            if choice is None:
                if wait:
                    await self.wake(named, delay=wait)
                return  # what a limit keeps waiting is woken by a bulk job that leaves its worker
            limit = None if choice.interactive else self.settings.job_bulk_running
            lease = await self._claim(choice.job, deadline, limit)
            if lease is not None:
                await self._run_claimed(choice.job, lease, deadline)
                return
        await self.wake(named, delay=1.0)

    async def run(self, job: UUID, *, deadline: float) -> JobState | None:
        """Claim the job and run its steps; returns its state then, None if it was not claimed.

        Raises:
            PoutamaError: database or queue cannot be reached; committed steps stay, and the sweep
                finds the rest when the lease has expired.
        """
        lease = await self._claim(job, deadline, None)
        if lease is None:
            await self._send_when_due(job, deadline)
            return None
        return await self._run_claimed(job, lease, deadline)

    async def _claim(
        self, job: UUID, deadline: float, bulk_limit: int | None
    ) -> Lease | Ended | None:
        settings = self.settings
        return await claim_job(
            self.database,
            job,
            attempts=settings.job_attempts,
            seconds=settings.job_lease_seconds,
            deadline=deadline,
            bulk_limit=bulk_limit,
            interactive=self._chooser.interactive,
        )

    async def _run_claimed(
        self, job: UUID, lease: Lease | Ended, deadline: float
    ) -> JobState | None:
        if isinstance(lease, Ended):
            if lease.state is JobState.FAILED:
                await self._dead_letter(job, lease.failure)
            return lease.state
        try:
            state = await self._work(lease, deadline)
        except LeaseLost:
            logger.warning("job %s: its lease was lost; another worker may run it", job)
            return None
        if self._is_bulk(lease):
            await self._wake_next(lease)
        return state

    async def _work(self, lease: Lease, deadline: float) -> JobState:
        """Run steps until the last one, until time is up, or until a bulk job should yield."""
        since = time.monotonic()
        while time.monotonic() < deadline - self.settings.job_margin_seconds:
            committed = await self._try_step(lease, deadline)
            if isinstance(committed, JobState):
                return committed
            for job in committed.enqueued:
                await self._try_to_wake(job)
            if committed.lease is None:
                return JobState.SUCCEEDED
            lease = committed.lease
            if await self._should_yield(lease, since):
                break
        # `_wake_next` sends the message in place of a bulk job's.
        wakes = not self._is_bulk(lease)
        return await self._release(lease, JobState.QUEUED, deadline, wakes=wakes)

    async def _try_step(self, lease: Lease, deadline: float) -> Committed | JobState:
        """Run one step; returns the job's state instead where that is the end of it for now."""
        try:
            return await self._step(lease, deadline)
        except StopRequested:
            return await self._release(lease, JobState.CANCELLED, deadline)
        except StepOverran as overran:
            if not lease.attempts:  # It began late, after others: next time it is the first.
                return await self._release(lease, JobState.QUEUED, deadline)
            return await self._fail(lease, overran, deadline)
        except LeaseLost:
            raise
        except asyncio.CancelledError:
            await self._release_on_stop(lease)
            raise
        except Exception as error:
            return await self._fail(lease, error, deadline)

    async def _should_yield(self, lease: Lease, since: float) -> bool:
        """Whether a bulk job that has run long enough leaves its worker to another job."""
        seconds = self.settings.job_slice_seconds
        if not self._is_bulk(lease) or time.monotonic() - since < seconds:
            return False
        try:
            waiting = await self._chooser.find_waiting(
                lease.job, waited=seconds / 2, deadline=time.monotonic() + FAREWELL_SECONDS
            )
        except PoutamaError as error:
            logger.warning("job %s: jobs that wait were not read: %s", lease.job.id, error.message)
            return False
        return waiting is not None

    @property
    def _chooser(self) -> JobChooser:
        interactive = [
            name for name, kind in self.kinds.items() if kind.job_class is JobClass.INTERACTIVE
        ]
        return JobChooser(self.database, self.settings, interactive)

    def _is_bulk(self, lease: Lease) -> bool:
        return lease.job.kind not in self._chooser.interactive

    async def _wake_next(self, lease: Lease) -> None:
        """Send one message for the place that a bulk job has left, to the job that is next."""
        job = lease.job.id
        try:
            # None is preferred: among equals the oldest is next, and not the job that has yielded.
            choice = await self._chooser.choose(None, deadline=time.monotonic() + FAREWELL_SECONDS)
            if choice is None:
                return
            job = choice.job
        except PoutamaError as error:
            logger.warning("job %s: the next job was not read: %s", job, error.message)
        await self._try_to_wake(job)

    async def _step(self, lease: Lease, deadline: float) -> Committed:
        seconds, margin = self.settings.job_lease_seconds, self.settings.job_margin_seconds
        kind = self.kinds.get(lease.job.kind)
        if kind is None:
            raise StoredJobError(f"Job kind {lease.job.kind} not found in this release.")
        step = Step(
            job=lease.job,
            input=kind.read_input(lease.input),
            checkpoint=kind.read_checkpoint(lease.checkpoint),
            done=lease.done,
            total=lease.total,
            attempt=max(1, lease.attempts),
            deadline=deadline - margin,
            database=self.database,
            store=self.store,
            query=self.query,
            settings=self.settings,
            permits=self.permits,
            plans=self.plans,
        )
        # Half of the margin is for ending, the other half for committing.
        until = deadline - margin / 2
        returned = kind.require_returned(
            await run_step(kind.step(step), self.database, lease, seconds=seconds, until=until)
        )
        return await commit_step(self.database, lease, returned, seconds=seconds, deadline=deadline)

    async def _fail(self, lease: Lease, error: Exception, deadline: float) -> JobState:
        """Queue the step for another try, or fail the job if no try is left."""
        tried, reason = max(1, lease.attempts), _report(lease, error)
        if isinstance(error, JobFailedError) or tried >= self.settings.job_attempts:
            state = await self._release(
                lease, JobState.FAILED, deadline, attempts=tried, failure=reason
            )
            if state is JobState.FAILED:
                await self._dead_letter(lease.job.id, reason)
            return state
        bound = self.settings.job_backoff_seconds * 2.0 ** (tried - 1)
        if isinstance(error, StoredJobError):
            bound = max(bound, DEPLOYMENT_SECONDS)
        delay = min(LONGEST_DELAY, bound) * random.uniform(0.5, 1.0)  # noqa: S311
        return await self._release(lease, JobState.QUEUED, deadline, attempts=tried, delay=delay)

    async def _release(
        self,
        lease: Lease,
        state: JobState,
        deadline: float,
        *,
        attempts: int | None = None,
        delay: float = 0.0,
        failure: str | None = None,
        wakes: bool = True,
    ) -> JobState:
        """Release the job; without `attempts`, this try of its step does not count."""
        state = await release_job(
            self.database,
            lease,
            state,
            attempts=max(0, lease.attempts - 1) if attempts is None else attempts,
            deadline=max(deadline, time.monotonic() + FAREWELL_SECONDS),
            delay=delay,
            failure=failure,
        )
        if wakes and state is JobState.QUEUED:
            await self._try_to_wake(lease.job.id, delay=delay)
        return state

    async def _release_on_stop(self, lease: Lease) -> None:
        """Release the job as the process stops: another worker may claim it at once."""
        with suppress(LeaseLost, PoutamaError):
            await self._release(lease, JobState.QUEUED, time.monotonic())

    async def _send_when_due(self, job: UUID, deadline: float) -> None:
        """Send the message again for the time when the job, which waits, is due."""
        wait = await find_wait(self.database, job, deadline=deadline)
        if wait is not None:
            await self.wake(job, delay=wait)

    async def _try_to_wake(self, job: UUID, *, delay: float = 0.0) -> None:
        try:
            await self.wake(job, delay=delay)
        except PoutamaError as error:
            logger.warning(
                "job %s: no message was sent; the next sweep sends one: %s", job, error.message
            )

    async def _dead_letter(self, job: UUID, reason: str | None) -> None:
        try:
            await self.queue.dead_letter(write_body(job), reason=reason or "")
        except PoutamaError as error:
            logger.warning(
                "job %s: its message was not put among the dead letters: %s", job, error.message
            )


def _report(lease: Lease, error: Exception) -> str:
    """Log the error; return the reason that the person may read."""
    where = f"job {lease.job.id} ({lease.job.kind}), step {lease.steps + 1}"
    if isinstance(error, PoutamaError) and error.safe:
        logger.warning("%s: %s", where, error.message)
        return error.message
    error_id = uuid4().hex
    logger.error("%s: unexpected error, errorId=%s", where, error_id, exc_info=error)
    return MASKED.format(error_id=error_id)
