"""What a server serves: the API, the files of its folder, and whether it is about to stop.

`server.serve` hands it to uvicorn. Writes the access log, where one is wanted: never a query
string, which holds what people ask for, nor a token.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from poutama.edge.asgi import Application, AsgiMessage, AsgiScope, Receive, Send
from poutama.edge.content_negotiation import JSON
from poutama.edge.http import HEALTH_PATH, Api, mask_error
from poutama.edge.security_headers import SecurityHeaders
from poutama.errors import PoutamaError
from poutama.server.files import FileRoutes
from poutama.server.streamed_request import Exchange
from poutama.settings import Settings
from poutama.store.directory import PATH

access_logger = logging.getLogger("poutama.access")


class ServerApplication:
    """Everything under one address, as an ASGI application.

    Attributes:
        stopping: whether load balancers are to send no more requests: `/healthz` is then 503.
    """

    def __init__(self, api: Api, settings: Settings, files: FileRoutes | None = None) -> None:
        self.stopping = False
        self._api = Application(api, settings.max_body_bytes, settings.request_seconds)
        self._files = files
        self._security = SecurityHeaders(settings)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        # Behind a trusted proxy, uvicorn has put the scheme here that the client used.
        secure = scope["scheme"] == "https"

        async def send_completed(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                headers = self._security.complete(tuple(message["headers"]), secure=secure)
                message = {**message, "headers": headers}
            await send(message)

        if self._files is not None and path.startswith(PATH):
            await _answer_exchange(self._files.answer, Exchange(scope, receive, send_completed))
        elif self.stopping and path == HEALTH_PATH:
            await _answer_exchange(_answer_stopping, Exchange(scope, receive, send_completed))
        else:
            await self._api(scope, receive, send_completed)


def log_accesses() -> None:
    """Write the access log to standard error, a plain line per request."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    access_logger.addHandler(handler)
    access_logger.setLevel(logging.INFO)
    access_logger.propagate = False


def log_requests(
    application: ServerApplication,
) -> Callable[[AsgiScope, Receive, Send], Awaitable[None]]:
    """The same application, which logs a line about each request that has ended."""

    async def answer(scope: AsgiScope, receive: Receive, send: Send) -> None:
        started, status = monotonic(), 0

        async def send_and_note(message: AsgiMessage) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await application(scope, receive, send_and_note)
        finally:
            client = (scope.get("client") or ("-", 0))[0]
            took = 1e3 * (monotonic() - started)
            # A path may hold anything, line ends included.
            path = ascii(scope["path"])[1:-1]
            scheme, method = scope["scheme"], scope["method"]
            access_logger.info("%s %s %s %s %d %.1fms", client, scheme, method, path, status, took)

    return answer


async def _answer_exchange(
    answer: Callable[[Exchange], Awaitable[None]], exchange: Exchange
) -> None:
    try:
        await answer(exchange)
        await exchange.end()
    except ConnectionError:
        return
    except Exception as error:  # the last net
        body = mask_error(error)
        if not exchange.begun:
            await exchange.answer(PoutamaError.status, JSON.headers, body)
            await exchange.end()
    finally:
        exchange.close()


async def _answer_stopping(exchange: Exchange) -> None:
    await exchange.answer(503, JSON.headers, b'{"status":"stopping"}')
