"""The smallest ASGI 3 application over `edge.http`: for the long-running server and for tests.

Called by an ASGI server such as uvicorn. It opens the `Api` when the server starts and closes it
when the server stops, reads bodies up to the limit and no further, and translates. Decides nothing.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from poutama.edge.http import Api, Request, Response, body_too_large, refuse

logger = logging.getLogger(__name__)

# The shapes that the ASGI specification gives them; every server spells them the same way.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGoneError(Exception):
    """The client closed the connection before its request had arrived whole."""


class Application:
    """An ASGI application that serves one `Api`."""

    def __init__(
        self, open_api: Callable[[], AbstractAsyncContextManager[Api]], max_body_bytes: int
    ) -> None:
        """Keep what is needed to open the API when the server starts.

        Args:
            open_api: entered at startup, left at shutdown: connections live in between.
            max_body_bytes: where reading a body stops.
        """
        self._open_api = open_api
        self._max_body_bytes = max_body_bytes
        self._api: Api | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1003})
            case other:
                raise NotImplementedError(f"ASGI scope {other!r}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._api is None:
            raise RuntimeError("the server did not run the lifespan of the application")
        headers = _read_headers(scope["headers"])
        try:
            body = await self._read_body(headers, receive)
        except ClientGoneError:
            return
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            headers,
            body or b"",
        )
        if body is None:
            response = refuse(request, body_too_large(self._max_body_bytes))
        else:
            response = await self._api.handle(request)
        await _send_response(send, response, bodiless=request.method == "HEAD")

    async def _read_body(self, headers: dict[str, str], receive: Receive) -> bytes | None:
        """Read the whole body; None, with the rest left unread, when it is over the limit.

        What arrives is counted, whatever the client announced.

        Raises:
            ClientGoneError: it left before the end.
        """
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_body_bytes:
            return None
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            return body if len(body) <= self._max_body_bytes else None
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_bytes:
                return None
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await receive()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            context = self._open_api()
            self._api = await context.__aenter__()
        except Exception as error:  # the server must hear of it, whatever it is
            logger.exception("the API could not start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await context.__aexit__(None, None, None)
        except Exception as error:  # likewise
            logger.exception("the API could not stop cleanly")
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        finally:
            self._api = None
        await send({"type": "lifespan.shutdown.complete"})


def _read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _send_response(send: Send, response: Response, *, bodiless: bool) -> None:
    length = (b"content-length", b"%d" % len(response.body))
    headers = response.headers if response.status == 204 else (*response.headers, length)
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if bodiless else response.body})
    except OSError:
        return  # the client is gone: there is nobody left to tell
