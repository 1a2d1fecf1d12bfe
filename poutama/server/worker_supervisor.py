"""Keeps a worker process running beside an API: starts it, and starts another when it dies.

Called by `laptop.up`; `poutama serve` leaves that to whatever runs `poutama worker`. Writes the ids
of jobs to the worker's standard input; the next worker finds in the database what a dead one had
received.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import UUID

from poutama.engine.execution import Wake
from poutama.errors import UnavailableError
from poutama.progress import notice
from poutama.server.restarts import RestartDelay, describe_exit
from poutama.settings import Settings

logger = logging.getLogger(__name__)

STOP_SECONDS = 15.0
"""How long a worker may take to release its jobs."""


NOT_RUNNING = "No worker is running; the next one finds the job in the database."


class WorkerSupervisor:
    """One worker process at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start a worker."""
        self._process = await asyncio.create_subprocess_exec(
            # -P: a file of the current folder is not a module, whatever it is called.
            *(sys.executable, "-P", "-m", "poutama.server.worker_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=self._environment,
            # Ctrl-C ends this process alone, which ends the worker by closing the pipe.
            start_new_session=True,
        )

    async def supervise(self) -> None:
        """Start another worker whenever one ends, until cancelled."""
        delay = RestartDelay()
        while True:
            assert self._process is not None
            begun = monotonic()
            code = await self._process.wait()
            seconds, ending = delay.after(monotonic() - begun), describe_exit(code)
            logger.warning("the worker ended (%s); starting another in %.0f s", ending, seconds)
            await asyncio.sleep(seconds)
            try:
                await self.start()
            except OSError as error:
                logger.warning("a worker cannot be started: %s; trying again", error.strerror)

    async def wake(self, job: UUID) -> None:
        """Send the id of a job to the worker.

        Raises:
            UnavailableError: no worker runs; the next one finds the job in the database.
        """
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise UnavailableError(NOT_RUNNING)
        try:
            process.stdin.write(b"%s\n" % str(job).encode())
            await process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise UnavailableError(NOT_RUNNING) from error

    async def stop(self) -> None:
        """End the worker, and wait until it has released its jobs."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            with notice("waiting for the worker to release its jobs ..."):
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
        except TimeoutError:
            logger.warning(
                "the worker did not end in %.0f s and is killed; its jobs go on at the next start",
                STOP_SECONDS,
            )
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def supervise_worker(settings: Settings, url: str, home: Path) -> AsyncIterator[Wake]:
    """Keep a worker running while the block runs; yields the function that wakes it.

    Args:
        settings: all of them; the worker has the same.
        url: of the database.
        home: the data folder.
    """
    written = settings.to_environment(database_url=url, home=str(home))
    supervisor = WorkerSupervisor({**os.environ, **written})
    await supervisor.start()
    supervising = asyncio.create_task(supervisor.supervise())
    try:
        yield supervisor.wake
    finally:
        supervising.cancel()
        with suppress(asyncio.CancelledError):
            await supervising
        await supervisor.stop()
