"""The HTTP server of a laptop: uvicorn on a socket of our own, without a word of its own.

Called by `laptop.up`. Listens on this machine alone; signals are the caller's business
(`laptop.stop`), so uvicorn installs no handlers.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial

import uvicorn
import uvloop

from poutama.edge.http import Api
from poutama.errors import ConfigurationError
from poutama.laptop.files import FileRoutes
from poutama.laptop.protocol import HttpProtocol
from poutama.laptop.stop import StopRequest
from poutama.laptop.streams import StreamingProtocol
from poutama.settings import Settings
from poutama.store.directory import PATH

# Longest time that open requests may take to finish once we are asked to stop.
GRACE_SECONDS = 5
BACKLOG = 2048


def open_listener(settings: Settings) -> socket.socket:
    """Bind the address, without listening on it yet.

    Raises:
        ConfigurationError: the port is in use, or may not be used.
    """
    family, _, _, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    # Otherwise a port that was in use a minute ago counts as in use still.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _refused(settings, error) from error
    return listener


def check_port(settings: Settings) -> None:
    """Say now, not after a minute of work, that the port is taken.

    Raises:
        ConfigurationError: as `open_listener`.
    """
    with open_listener(settings) as listener:
        # Two sockets can be bound to one address until one of them listens.
        try:
            listener.listen(1)
        except OSError as error:
            raise _refused(settings, error) from error


def _refused(settings: Settings, error: OSError) -> ConfigurationError:
    reason = (
        "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    )
    return ConfigurationError(
        f"port {settings.port} {reason}: choose another, for example PORT={settings.port + 1}"
    )


class LocalServer(uvicorn.Server):
    """uvicorn, telling when it is ready and leaving the signals alone."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
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
        settings: the address, and the size of bodies.
        stop: what is asked to stop.
        when_ready: given the address (`http://127.0.0.1:8000`) once requests are answered.
        files: served besides; their store signs for this address before the API is opened.

    Raises:
        ConfigurationError: as `open_listener`.
    """

    async def run() -> None:
        async with open_api() as api:
            server = LocalServer(
                _configure(_choose_protocol(api, settings, files)), lambda: when_ready(address)
            )
            stop.watch(server)
            await server.serve(sockets=[listener])

    with open_listener(settings) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if files is not None:
            files.store.base_url = address
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())


def _choose_protocol(
    api: Api, settings: Settings, files: FileRoutes | None
) -> Callable[..., HttpProtocol]:
    if files is None:
        return partial(HttpProtocol, api, settings.max_body_bytes)
    return partial(StreamingProtocol, api, settings.max_body_bytes, PATH.encode(), files.answer)


async def _no_application(scope: object, receive: object, send: object) -> None:
    """Stands where uvicorn wants an ASGI application; the protocol knows the API itself."""
    raise NotImplementedError


def _configure(protocol: Callable[..., HttpProtocol]) -> uvicorn.Config:
    return uvicorn.Config(
        _no_application,
        loop="uvloop",
        http=protocol,  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_config=None,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
