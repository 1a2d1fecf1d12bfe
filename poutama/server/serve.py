"""An HTTP server in this process: uvicorn on a socket of ours, silent, and leaving signals alone.

Called by `laptop.up`, by `server.server_process` for each process of `poutama serve`, and by bench.
What is served is `server.server_application`, how a connection is bounded `server.protocol`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import uvicorn
import uvloop

from poutama.edge.http import Api
from poutama.server.files import FileRoutes
from poutama.server.listen import BACKLOG, address_of, listen, open_listener
from poutama.server.protocol import open_protocol
from poutama.server.server_application import ServerApplication, log_requests
from poutama.server.stop import StopRequest
from poutama.settings import Settings

KEEP_ALIVE_SECONDS = 75
"""How long a connection may be idle between two requests; longer than load balancers keep one."""
GRACE_SECONDS = 5
"""How long requests under way may take once `make up` is asked to stop."""


class Server(uvicorn.Server):
    """uvicorn, reporting when it is ready and leaving the signals to its caller."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._when_ready()


def serve(
    open_api: Callable[[], AbstractAsyncContextManager[Api]],
    settings: Settings,
    stop: StopRequest,
    when_ready: Callable[[str], None],
    files: FileRoutes | None = None,
) -> None:
    """Open the API and serve it until asked to stop.

    Args:
        open_api: entered on the server's event loop, left when the last request is answered.
        settings: the address, and the bounds of requests.
        stop: what is asked to stop.
        when_ready: called with the address (`http://127.0.0.1:8000`) once requests are answered.
        files: served besides; their store signs for this address before the API is opened.

    Raises:
        ConfigurationError: as `open_listener`.
    """

    async def run() -> None:
        async with open_api() as api:
            application = ServerApplication(api, settings, files)
            config = configure(application, settings, stop_seconds=GRACE_SECONDS)
            server = Server(config, lambda: when_ready(address))
            stop.watch(server)
            await server.serve(sockets=[listener])

    with open_listener(settings) as listener:
        listen(listener, settings)
        address = address_of(listener)
        if files is not None:
            files.store.base_url = address
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())


def list_proxies(settings: Settings) -> list[str]:
    """The addresses and networks whose forwarding headers are believed."""
    return [each.strip() for each in settings.trusted_proxies.split(",") if each.strip()]


def configure(
    application: ServerApplication,
    settings: Settings,
    *,
    stop_seconds: float,
    tls: ssl.SSLContext | None = None,
) -> uvicorn.Config:
    """How uvicorn serves an application; raises as `open_protocol`.

    Args:
        application: what is served.
        settings: which proxies are trusted.
        stop_seconds: how long requests under way may take once the server stops.
        tls: of every connection; None: plain HTTP.
    """
    # What clients do wrong is not ours to log: anyone could fill the disk with it.
    for name in ("uvicorn.error", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)
    proxies = list_proxies(settings)
    config = uvicorn.Config(
        log_requests(application) if settings.access_log else application,
        loop="uvloop",
        http=open_protocol(settings),
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        date_header=False,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=stop_seconds,  # type: ignore[arg-type]
    )
    config.load()
    config.ssl = tls
    return config
