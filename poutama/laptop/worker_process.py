"""A laptop's worker process: it runs jobs and the schedule beside the API.

`laptop.worker_supervisor` starts it with `python -m poutama.laptop.worker_process`. It is told of
jobs by lines on its standard input, one id a line, and ends when that does: so it outlives nobody,
however they end. A process of its own, because a job may take all of a processor, or all of the
memory there is.
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

from poutama.edge.application import Resources
from poutama.edge.clock import TasksFailedError, run_tasks
from poutama.edge.work import open_task_contexts, open_worker
from poutama.features import load_features
from poutama.laptop.worker_loop import run_worker
from poutama.schedule import TaskContext
from poutama.server.resources import open_server_resources
from poutama.settings import Settings

TASK_SECONDS = 120.0


async def work(rooms: Resources, heard: asyncio.StreamReader) -> None:
    """Run jobs and the schedule until there is nothing more to hear.

    Args:
        rooms: of this process.
        heard: ids of jobs, one a line.
    """
    worker = open_worker(rooms, load_features().load_jobs())
    open_context = open_task_contexts(rooms)
    async with run_worker(worker):
        tasks = [
            asyncio.create_task(_repeat(name, open_context))
            for name in load_features().tasks
            if name != "sweep"
        ]
        try:
            while line := await heard.readline():
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


async def _main(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    heard = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, heard.feed_eof)
    rooms = open_server_resources(settings, settings.database_url, Path(settings.home))
    try:
        await work(rooms, heard)
    finally:
        await rooms.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_main(Settings.from_environment(os.environ)))
