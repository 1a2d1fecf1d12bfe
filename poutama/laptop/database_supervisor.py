"""Keeps the laptop's database running beside the API: starts it again when it dies.

Called by `laptop.up`. A server process that is killed, by a person or for want of memory, is
replaced on the same data and under the same address, and one line says so; PostgreSQL replaces a
backend that is killed by itself. A database that cannot be started again ends `make up`. Never
stops a server: its owner does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Protocol

from poutama.errors import ConfigurationError
from poutama.server.restarts import RestartDelay, describe_exit
from poutama.server.stop import StopRequest

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""Between two looks at the server's process."""


class DatabaseServer(Protocol):
    """A server that this process started."""

    def exit_code(self) -> int | None: ...
    def begin_restart(self) -> None: ...
    def check_ready(self) -> bool: ...


@asynccontextmanager
async def supervise_database(
    server: DatabaseServer | None, stop: StopRequest
) -> AsyncIterator[None]:
    """Keep a server running while the block runs.

    Args:
        server: that was started; None: other people keep the database running.
        stop: what is made to fail when the server cannot be started again.
    """
    if server is None:
        yield
        return
    supervising = asyncio.create_task(_supervise(server, stop))
    try:
        yield
    finally:
        supervising.cancel()
        with suppress(asyncio.CancelledError):
            await supervising


async def _supervise(server: DatabaseServer, stop: StopRequest) -> None:
    delay = RestartDelay()
    try:
        while True:
            begun = monotonic()
            while (code := server.exit_code()) is None:  # noqa: ASYNC110  nothing to be woken by
                await asyncio.sleep(LOOK_SECONDS)
            seconds, ending = delay.after(monotonic() - begun), describe_exit(code)
            logger.warning("the database ended (%s); starting it again in %.0f s", ending, seconds)
            await asyncio.sleep(seconds)
            await _restart(server, ending)
    except Exception as error:  # whichever it is, there is no database
        stop.fail(error)


async def _restart(server: DatabaseServer, ending: str) -> None:
    try:
        server.begin_restart()
        while not server.check_ready():  # noqa: ASYNC110  as above
            await asyncio.sleep(LOOK_SECONDS)
    except (ConfigurationError, OSError) as error:
        raise ConfigurationError(
            f"the database ended ({ending}) and cannot be started again: {error}"
        ) from error
