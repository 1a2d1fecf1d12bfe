"""One process of `poutama serve`: it answers requests that arrive at the supervisor's socket.

`server.server_supervisor` starts it by `python -m poutama.server.server_process FD ADDRESS`, reads
`ready` from its standard output, and stops it by SIGTERM. It stops likewise when its standard input
ends, and so never outlives its supervisor.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import uvloop

from poutama.edge import application
from poutama.edge.application import ping_database
from poutama.server.certificate import open_tls
from poutama.server.files import FileRoutes, log_uses
from poutama.server.resources import open_server_resources
from poutama.server.serve import Server, configure
from poutama.server.server_application import ServerApplication, log_accesses
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore

READY = b"ready\n"
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@asynccontextmanager
async def open_application(settings: Settings, address: str) -> AsyncIterator[ServerApplication]:
    """All that one process serves, while the block runs.

    Args:
        settings: all of them.
        address: that clients use, where the settings name no other.

    Raises:
        ConfigurationError: a setting is missing or cannot be used.
        UnavailableError, DatabaseError: the database does not answer.
    """
    resources = open_server_resources(settings, settings.database_url, Path(settings.home))
    files = None
    if isinstance(resources.store, DirectoryStore):
        resources.store.base_url = settings.public_url.rstrip("/") or address
        files = FileRoutes(resources.store)
    try:
        await ping_database(resources.database)
        wake = None if settings.queue_url else _leave_to_sweep
        yield ServerApplication(application.open_api(resources, wake=wake), settings, files)
    finally:
        await resources.close()


async def _leave_to_sweep(job: UUID) -> None:
    """Without a queue, `poutama worker` finds the job in the database within seconds."""


class Drain:
    """SIGTERM: first no more requests are wanted, then no more are accepted."""

    def __init__(self, application: ServerApplication, server: Server, seconds: float) -> None:
        self._application = application
        self._server = server
        self._seconds = seconds

    def begin(self) -> None:
        """Have `/healthz` answer 503, and stop once load balancers had time to see it.

        Called again, it stops at once and drops what is under way.
        """
        if self._application.stopping:
            self._server.should_exit = self._server.force_exit = True
            return
        self._application.stopping = True
        asyncio.get_running_loop().call_later(self._seconds, self._stop)

    def _stop(self) -> None:
        self._server.should_exit = True


async def _run(
    settings: Settings, listener: socket.socket, address: str, report_ready: Callable[[], object]
) -> None:
    loop = asyncio.get_running_loop()
    async with open_application(settings, address) as served:
        config = configure(
            served, settings, stop_seconds=settings.stop_seconds, tls=open_tls(settings)
        )
        server = Server(config, report_ready)
        drain = Drain(served, server, settings.drain_seconds)
        loop.add_signal_handler(signal.SIGTERM, drain.begin)
        # Held by the loop's transport: an end of file means that the supervisor is gone.
        await loop.connect_read_pipe(lambda: _Lifeline(drain), sys.stdin)
        await server.serve(sockets=[listener])


class _Lifeline(asyncio.Protocol):
    """The pipe from the supervisor, through which nothing is sent."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  a Protocol
        self._drain.begin()


def main(words: list[str]) -> None:
    """Serve until stopped; `words` are the listening socket's descriptor, and the address."""
    # The supervisor reads one word from standard output; what else is printed, by a feature
    # perhaps, would fill that pipe.
    to_supervisor = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    settings = Settings.from_environment(os.environ)
    if settings.access_log:
        log_accesses()
    log_uses()
    with (
        socket.socket(fileno=int(words[0])) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        report_ready = partial(os.write, to_supervisor, READY)
        runner.run(_run(settings, listener, words[1], report_ready))


if __name__ == "__main__":
    main(sys.argv[1:])
