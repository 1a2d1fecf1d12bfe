"""The loop of a worker process: receives messages, runs several jobs at once, and sweeps.

`server.worker_process` runs it. It does what SQS and the schedule do for functions, with the same
`Worker`: a message that cannot be handled comes back later. When it is stopped, jobs under way are
released, so that the next start goes on with them at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from poutama.errors import PoutamaError
from poutama.jobs.local_queue import LocalQueue
from poutama.jobs.queue import Queue, QueueMessage
from poutama.worker import SWEEP_BATCH, Worker

MAX_JOBS_AT_ONCE = 4
WAIT_SECONDS = 20.0
RETRY_SECONDS = 10.0
SWEEP_SECONDS = 5.0
"""Oftener than functions do: a developer waits for the job whose worker they have killed."""
POLL_SECONDS = 1.0
"""How often a worker without a queue looks for jobs in the database."""
SWEEP_LIMIT_SECONDS = 30.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def run_worker(
    worker: Worker, *, several: int = MAX_JOBS_AT_ONCE, polls: bool = False
) -> AsyncIterator[None]:
    """Work off the worker's queue while the block runs; release jobs under way at its end.

    Args:
        worker: its queue was made with this process: what an earlier one held is sent again.
        several: most jobs at once.
        polls: look for jobs in the database, since no process sends messages.
    """
    tasks = [
        asyncio.create_task(work_off(worker, several=several)),
        asyncio.create_task(keep_sweeping(worker, polls=polls)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def work_off(worker: Worker, *, several: int) -> None:
    """Receive and handle messages until cancelled; what is being handled is cancelled as well."""
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            if len(running) >= several:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                continue
            for message in await _receive(worker, several - len(running)):
                task = asyncio.create_task(_handle(worker, message))
                running.add(task)
                task.add_done_callback(running.discard)
    finally:
        waiting = tuple(running)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)


async def keep_sweeping(worker: Worker, *, polls: bool = False) -> None:
    """Sweep now and then, until cancelled; at first, for all that no queue knows of yet."""
    idle: float | None = 0.0
    while True:
        try:
            # What waits here already is not taken again and again.
            if not polls or not is_busy(worker.queue):
                deadline = time.monotonic() + SWEEP_LIMIT_SECONDS
                # Any message wakes a worker for the job that is next: a few each second will do.
                limit = MAX_JOBS_AT_ONCE if polls else SWEEP_BATCH
                await worker.sweep(deadline=deadline, idle=idle, limit=limit)
            idle = POLL_SECONDS if polls else None
        except PoutamaError as error:
            logger.warning("sweep: %s", error.message)
        except Exception:
            logger.exception("sweep: unexpected error")
        await asyncio.sleep(POLL_SECONDS if polls else SWEEP_SECONDS)


def is_busy(queue: Queue) -> bool:
    """Whether as many messages are in this process as are handled at once."""
    return isinstance(queue, LocalQueue) and len(queue) >= MAX_JOBS_AT_ONCE


async def _receive(worker: Worker, limit: int) -> list[QueueMessage]:
    try:
        return await worker.queue.receive(limit=limit, wait=WAIT_SECONDS)
    except PoutamaError as error:
        logger.warning("queue: %s", error.message)
    except Exception:
        logger.exception("queue: unexpected error")
    await asyncio.sleep(RETRY_SECONDS)
    return []


async def _handle(worker: Worker, message: QueueMessage) -> None:
    deadline = time.monotonic() + worker.settings.job_seconds
    try:
        await worker.handle(message.body, deadline=deadline)
        await worker.queue.delete(message)
    except Exception as error:
        if isinstance(error, PoutamaError):
            logger.warning("message %s: %s", message.id, error.message)
        else:
            logger.exception("message %s: unexpected error", message.id)
        await _hand_back(worker, message)


async def _hand_back(worker: Worker, message: QueueMessage) -> None:
    try:
        await worker.queue.retry(message, delay=RETRY_SECONDS)
    except PoutamaError as error:
        # It comes back by itself when its visibility time is over.
        logger.warning("message %s: %s", message.id, error.message)
