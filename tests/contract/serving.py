"""A server, as far as files need it: real sockets, the real protocol, no database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import cast

import uvloop

from poutama.edge.http import Api, Request, Response
from poutama.server.files import FileRoutes
from poutama.server.serve import Server, configure
from poutama.server.server_application import ServerApplication
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore


class Echo:
    """Stands for the API: answers with what it was asked."""

    async def handle(self, request: Request) -> Response:
        line = f"{request.method} {request.path} {len(request.body)}"
        line += "".join(f" {name}" for name in request.headers if name.startswith("x-"))
        return Response(200, ((b"content-type", b"text/plain"),), line.encode())


@contextmanager
def serve_files(
    store: DirectoryStore, api: object | None = None, settings: Settings | None = None
) -> Iterator[str]:
    """Serve the store's files, and sign for the address; gives the address."""
    ready = Event()
    settings = settings or Settings()
    application = ServerApplication(cast(Api, api or Echo()), settings, FileRoutes(store))
    server = Server(configure(application, settings, stop_seconds=5), ready.set)

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[listener]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        store.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = Thread(target=run)
        thread.start()
        ready.wait()
        yield store.base_url
        server.should_exit = True
        thread.join()
