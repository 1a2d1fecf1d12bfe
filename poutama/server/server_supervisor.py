"""`poutama serve`: checks everything once, then keeps processes that answer requests.

Called by the command line. Opens the one listening socket that all processes share, starts another
process for each that dies, and stops them all on the first signal: gracefully, or at once on a
second. Answers no request itself; leaves nothing running, however it ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from poutama.errors import ConfigurationError, PoutamaError
from poutama.server.certificate import open_tls
from poutama.server.listen import address_of, listen, open_listener
from poutama.server.restarts import RestartDelay, describe_exit
from poutama.server.serve import list_proxies
from poutama.server.server_process import LOG_FORMAT, READY, open_application
from poutama.server.stop import Stopped, StopRequest
from poutama.settings import Settings

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 5.0
"""What a process may take to stop beyond the settings, before it is killed."""


class StartError(PoutamaError):
    """A process of the server ended before it was ready."""

    code = "NOT_STARTED"


def run_serve(settings: Settings, stop: StopRequest, when_ready: Callable[[str], None]) -> None:
    """Serve until asked to stop.

    Args:
        settings: all of them.
        stop: entered by the caller.
        when_ready: called with the address once every process answers.

    Raises:
        ConfigurationError: a setting is missing or cannot be used; the port is in use.
        UnavailableError, DatabaseError: the database does not answer.
        StartError: a process ended before it was ready.
    """
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    settings = check_settings(settings)
    scheme = "http" if open_tls(settings) is None else "https"
    with suppress(Stopped), open_listener(settings) as listener:
        listen(listener, settings)
        address = address_of(listener, scheme)
        # Once, here: of what is wrong there is one line, not one of each process.
        asyncio.run(_try_out(settings, address))
        supervisor = Supervisor(settings, listener, address, when_ready)
        asyncio.run(supervisor.run(stop))


def check_settings(settings: Settings) -> Settings:
    """Refuse what a server cannot use; paths are absolute in what is returned.

    Raises:
        ConfigurationError: names the variable.
    """
    if not settings.database_url:
        raise ConfigurationError(
            "POUTAMA_DATABASE_URL: expected the URL of a database, such as"
            " postgresql://user@host/name; got none"
        )
    if not 0 <= settings.port <= 65535:
        raise ConfigurationError(f"port: expected a number from 0 to 65535, got {settings.port}")
    if settings.workers < 1:
        raise ConfigurationError(f"POUTAMA_WORKERS: expected 1 or more, got {settings.workers}")
    for proxy in list_proxies(settings):
        try:
            ip_network(proxy)
        except ValueError as error:
            raise ConfigurationError(
                f"POUTAMA_TRUSTED_PROXIES: expected addresses or networks, got {proxy}"
            ) from error
    url = urlsplit(settings.public_url)
    if settings.public_url and not (url.scheme in ("http", "https") and url.netloc):
        raise ConfigurationError(
            f"POUTAMA_PUBLIC_URL: expected an address such as https://api.learn.example,"
            f" got {settings.public_url}"
        )
    return replace(settings, home=str(Path(settings.home).expanduser().absolute()))


async def _try_out(settings: Settings, address: str) -> None:
    async with open_application(settings, address):
        pass


class Supervisor:
    """The processes of one server; a `Stoppable`, which signals change."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        address: str,
        when_ready: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._address = address
        self._when_ready = when_ready
        self._environment = {**os.environ, **settings.to_environment()}
        self._processes: set[asyncio.subprocess.Process] = set()
        self._ready = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._force = asyncio.Event()

    @property
    def should_exit(self) -> bool:
        return self._stop.is_set()

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        # From a signal handler, which the loop does not notice by itself.
        if value and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    @property
    def force_exit(self) -> bool:
        return self._force.is_set()

    @force_exit.setter
    def force_exit(self, value: bool) -> None:
        if value and self._loop is not None:
            self._loop.call_soon_threadsafe(self._force.set)

    async def run(self, stop: StopRequest) -> None:
        """Keep the processes until asked to stop.

        Raises:
            StartError: one of the first ended before it was ready.
        """
        self._loop = asyncio.get_running_loop()
        stop.watch(self)
        keepers = [asyncio.create_task(self._keep()) for _ in range(self._settings.workers)]
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([stopped, *keepers], return_when=asyncio.FIRST_COMPLETED)
            await self._stop_all()
        finally:
            stopped.cancel()
            for process in self._processes:
                with suppress(ProcessLookupError):
                    process.kill()
            results = await asyncio.gather(*keepers, return_exceptions=True)
        for result in results:
            if isinstance(result, PoutamaError):
                raise result

    async def _keep(self) -> None:
        """Keep one process running."""
        delay = RestartDelay()
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            begun = loop.time()
            ending = describe_exit(await self._run_once())
            if self._stop.is_set():
                return
            if self._ready < self._settings.workers:
                raise StartError(f"A process of the server ended before it was ready ({ending}).")
            seconds = delay.after(loop.time() - begun)
            logger.warning("a process ended (%s); starting another in %.0f s", ending, seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stop.wait()

    async def _run_once(self) -> int:
        descriptor = self._listener.fileno()
        process = await asyncio.create_subprocess_exec(
            # -P: a file of the current folder is not a module, whatever its name.
            *(sys.executable, "-P", "-m", "poutama.server.server_process"),
            *(str(descriptor), self._address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            pass_fds=(descriptor,),
            # Ctrl-C is for the supervisor alone, which stops its processes itself.
            start_new_session=True,
        )
        self._processes.add(process)
        if self._stop.is_set():
            process.terminate()
        try:
            assert process.stdout is not None
            if await process.stdout.readline() == READY:
                self._ready += 1
                if self._ready == self._settings.workers and not self._stop.is_set():
                    self._when_ready(self._address)
            return await process.wait()
        finally:
            self._processes.discard(process)

    async def _stop_all(self) -> None:
        """Stop every process, gracefully as long as there is time."""
        self._stop.set()
        self._terminate()
        forced = asyncio.create_task(self._force_on_request())
        settings = self._settings
        try:
            async with asyncio.timeout(settings.drain_seconds):
                await self._wait_for_processes()
        except TimeoutError:
            pass
        # Processes that still finish requests no longer accept connections: nor does this one.
        self._listener.close()
        try:
            async with asyncio.timeout(settings.stop_seconds + MARGIN_SECONDS):
                await self._wait_for_processes()
        except TimeoutError:
            logger.warning("a process does not end, and is killed")
        forced.cancel()

    async def _force_on_request(self) -> None:
        await self._force.wait()
        self._terminate()

    def _terminate(self) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.terminate()

    async def _wait_for_processes(self) -> None:
        await asyncio.gather(*(process.wait() for process in self._processes))
