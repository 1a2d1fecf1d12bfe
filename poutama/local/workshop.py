"""A laptop's worker process: it runs jobs and the schedule beside the API.

`local.keeper` starts it with `python -m poutama.local.workshop`. It is told of jobs by lines on its
standard input, one id a line, and ends when that does: so it outlives nobody, however they end.
A process of its own, because a job may take all of a processor, or all of the memory there is.
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

from poutama.edge.clock import TasksFailedError, run_tasks
from poutama.edge.wire import Rooms
from poutama.edge.work import open_shifts, open_worker
from poutama.journeys.kinds import KINDS
from poutama.journeys.schedule import TASKS, Shift
from poutama.local.rooms import open_local_rooms
from poutama.local.worker import run_worker
from poutama.settings import Settings

TASK_SECONDS = 120.0
# The worker sweeps by itself.
_OTHERS = tuple(name for name in TASKS if name != "sweep")


async def work(rooms: Rooms, heard: asyncio.StreamReader) -> None:
    """Run jobs and the schedule until there is nothing more to hear.

    Args:
        rooms: of this process.
        heard: ids of jobs, one a line.
    """
    worker = open_worker(rooms, KINDS)
    open_shift = open_shifts(rooms)
    async with run_worker(worker):
        tasks = [asyncio.create_task(_repeat(name, open_shift)) for name in _OTHERS]
        try:
            while line := await heard.readline():
                await worker.wake(UUID(line.decode().strip()))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _repeat(name: str, open_shift: Callable[[float], Shift]) -> None:
    """Run one scheduled task again and again."""
    while True:
        with suppress(TasksFailedError):  # it is logged
            await run_tasks(TASKS, [name], open_shift, monotonic() + TASK_SECONDS)
        await asyncio.sleep(TASKS[name].every)


async def _main(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    heard = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, heard.feed_eof)
    rooms = open_local_rooms(settings, settings.database_url, Path(settings.home))
    try:
        await work(rooms, heard)
    finally:
        await rooms.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(_main(Settings.from_environment(os.environ)))
