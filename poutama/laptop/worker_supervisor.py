"""Keeps a worker running beside the laptop's API: a process that is started again when it dies.

Called by `laptop.up`. Writes the ids of jobs to its standard input; the next worker finds in the
database what a dead one had received.
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

from poutama.engine.flow import Wake
from poutama.errors import UnavailableError
from poutama.settings import Settings

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
"""Between a worker's death and the next one; doubled while they die young."""
LONGEST_PAUSE_SECONDS = 60.0
YOUNG_SECONDS = 30.0
STOP_SECONDS = 15.0
"""How long a worker may take to give back what it was doing."""


class Keeper:
    """One worker process at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start a worker."""
        self._process = await asyncio.create_subprocess_exec(
            # -P: a file of the current folder is not a module, whatever it is called.
            *(sys.executable, "-P", "-m", "poutama.laptop.worker_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=self._environment,
            # Ctrl-C is for us alone; we tell it by closing the pipe.
            start_new_session=True,
        )

    async def keep(self) -> None:
        """Start another whenever the worker ends."""
        pause = PAUSE_SECONDS
        while True:
            assert self._process is not None
            begun = monotonic()
            code = await self._process.wait()
            old = monotonic() - begun >= YOUNG_SECONDS
            pause = PAUSE_SECONDS if old else min(2 * pause, LONGEST_PAUSE_SECONDS)
            logger.warning("the worker ended (%s); starting another in %.0f s", code, pause)
            await asyncio.sleep(pause)
            try:
                await self.start()
            except OSError as error:
                logger.warning("no worker can be started: %s", error.strerror)

    async def wake(self, job: UUID) -> None:
        """Tell the worker of a job.

        Raises:
            UnavailableError: there is none just now; the next one will find it by itself.
        """
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise UnavailableError("There is no worker just now.")
        try:
            process.stdin.write(b"%s\n" % str(job).encode())
            await process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise UnavailableError("There is no worker just now.") from error

    async def stop(self) -> None:
        """End the worker, and wait until it has given back what it was doing."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            logger.warning("the worker does not end, and is killed; its job goes on next time")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def keep_worker(settings: Settings, url: str, home: Path) -> AsyncIterator[Wake]:
    """A worker while the block runs; gives what wakes it.

    Args:
        settings: all of them; the worker has the same.
        url: of the database.
        home: the data folder.
    """
    keeper = Keeper({**os.environ, **settings.to_environment(database_url=url, home=str(home))})
    await keeper.start()
    keeping = asyncio.create_task(keeper.keep())
    try:
        yield keeper.wake
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await keeper.stop()
