"""Running a step while the lease is kept alive, until its time is up or it is stopped.

Called by `poutama.worker`. The step is cancelled when a stop of the job is requested, when the
lease is lost or could not be kept, and when the time is up. Never writes anything but the lease.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

from poutama.db.connection import Database
from poutama.errors import PoutamaError
from poutama.jobs.lease import Lease, LeaseLost, extend_lease

T = TypeVar("T")

logger = logging.getLogger(__name__)

BEATS = 3
"""Signs of life within one lease: that many must fail before it runs out."""
FAREWELL_SECONDS = 5.0
"""How long a cancelled step may take to clean up behind itself."""


class StepOverran(PoutamaError):  # noqa: N818  an outcome, not a fault
    """A step of it takes longer than a worker has. Ask for less at once."""

    # The words are for the person, should it never fit.
    code = "JOB_FAILED"
    status = 422
    safe = True


async def run_step(
    step: Awaitable[T],
    database: Database,
    lease: Lease,
    *,
    seconds: float,
    until: float,
) -> T:
    """Run the step; returns what it returns.

    Args:
        step: cancelled unless it ends by itself.
        database: where the lease is.
        lease: kept alive meanwhile.
        seconds: how long it lasts without a sign of life.
        until: absolute `time.monotonic()` at which the step is cancelled.

    Raises:
        LeaseLost, StopRequested, StepOverran: as they say. Whatever the step raises comes through.
    """
    work = asyncio.ensure_future(step)
    beat = asyncio.create_task(_beat(database, lease, seconds))
    try:
        timeout = max(0.0, until - time.monotonic())
        await asyncio.wait({work, beat}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if work.cancelled():
            raise RuntimeError("the step was cancelled from within")
        if work.done():
            return work.result()
        if beat.done():
            beat.result()
        raise StepOverran
    finally:
        await _end(work, beat, lease)


async def _beat(database: Database, lease: Lease, seconds: float) -> None:
    """Keep the lease alive; ends only by raising that it is lost, or that the job is to stop."""
    kept_until = time.monotonic() + seconds
    while True:
        await asyncio.sleep(seconds / BEATS)
        # From before it is asked: what the database writes down can only be later.
        sent = time.monotonic()
        # A late worker asks all the same: perhaps no other has claimed the job.
        deadline = max(kept_until, sent + seconds / BEATS)
        try:
            await extend_lease(database, lease, seconds=seconds, deadline=deadline)
        except PoutamaError as error:
            if time.monotonic() >= kept_until:
                raise LeaseLost from error
            logger.warning("job %s: its lease was not extended: %s", lease.job.id, error.message)
        else:
            kept_until = sent + seconds


async def _end(work: asyncio.Task[Any], beat: asyncio.Task[None], lease: Lease) -> None:
    for task in (work, beat):
        task.cancel()
    _, pending = await asyncio.wait({work, beat}, timeout=FAREWELL_SECONDS)
    if work in pending:
        logger.error("job %s: its step ignored the cancellation and is still running", lease.job.id)
    for task in (work, beat):
        # What a cancelled step still raises is dropped.
        task.add_done_callback(_drop_result)


def _drop_result(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
