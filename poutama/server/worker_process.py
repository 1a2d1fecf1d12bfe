"""A worker process: it runs jobs and the schedule beside `make up`'s API, or `poutama serve`.

`server.worker_supervisor` starts it with `python -m poutama.server.worker_process`. It reads the
ids of jobs from its standard input, one a line, and ends when that does: so it never outlives its
parent, however that ends. A process of its own, because a job may take all of a processor, or all
of the memory there is. `poutama worker` runs it in the foreground.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from uuid import UUID

from poutama.edge.application import Resources, ping_database
from poutama.edge.schedule_event import TasksFailedError, run_tasks
from poutama.edge.worker_resources import open_task_contexts, open_worker
from poutama.features import load_features
from poutama.schedule import TaskContext
from poutama.server.resources import open_server_resources
from poutama.server.server_process import LOG_FORMAT
from poutama.server.stop import StopRequest
from poutama.server.worker_loop import run_worker
from poutama.settings import Settings

TASK_SECONDS = 120.0


async def work(resources: Resources, job_ids: asyncio.StreamReader, *, polls: bool = False) -> None:
    """Run jobs and the schedule until `job_ids` ends.

    Args:
        resources: of this process.
        job_ids: one id a line.
        polls: look for jobs in the database, since no process sends their ids.
    """
    worker = open_worker(resources, load_features().load_jobs())
    open_context = open_task_contexts(resources)
    async with run_worker(worker, polls=polls):
        tasks = [
            asyncio.create_task(_repeat(name, open_context))
            for name in load_features().tasks
            if name != "sweep"
        ]
        try:
            while line := await job_ids.readline():
                await worker.wake(UUID(line.decode().strip()))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _repeat(name: str, open_context: Callable[[float], TaskContext]) -> None:
    """Run one scheduled task again and again."""
    while True:
        with suppress(TasksFailedError):  # it is logged
            await run_tasks(load_features().tasks, [name], open_context, monotonic() + TASK_SECONDS)
        await asyncio.sleep(load_features().tasks[name].every)


def run_worker_process(
    settings: Settings, stop: StopRequest, when_ready: Callable[[], None]
) -> None:
    """Run jobs and the schedule until asked to stop: from the queue, or else from the database.

    Args:
        settings: all of them; `database_url` is there.
        stop: entered by the caller.
        when_ready: called once the database has answered.

    Raises:
        ConfigurationError: a setting cannot be used.
        UnavailableError, DatabaseError: the database does not answer.
    """
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    asyncio.run(_work_until_stopped(settings, stop, when_ready))


async def _work_until_stopped(
    settings: Settings, stop: StopRequest, when_ready: Callable[[], None]
) -> None:
    stoppable = _StoppableIds(asyncio.get_running_loop())
    resources = open_server_resources(settings, settings.database_url, Path(settings.home))
    try:
        await ping_database(resources.database)
        stop.watch(stoppable)
        when_ready()
        await work(resources, stoppable.reader, polls=not settings.queue_url)
    finally:
        await resources.close()


class _StoppableIds:
    """A `Stoppable`: a reader that ends when a signal comes."""

    force_exit = False

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.reader = asyncio.StreamReader()
        self._loop = loop

    @property
    def should_exit(self) -> bool:
        return self.reader.at_eof()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        if value:
            self._loop.call_soon_threadsafe(self.reader.feed_eof)


async def _main(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    job_ids = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(job_ids), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, job_ids.feed_eof)
    resources = open_server_resources(settings, settings.database_url, Path(settings.home))
    try:
        await work(resources, job_ids)
    finally:
        await resources.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_main(Settings.from_environment(os.environ)))
