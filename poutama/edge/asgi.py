"""The smallest ASGI 3 application over `edge.http`: what a long-running server calls.

`server.server_application` hands it every request that is not about files. It reads bodies up to
the limit and no further, ends what its client no longer waits for, and translates. Decides nothing.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from poutama.edge.http import Api, Request, Response, body_too_large, cut_off
from poutama.engine.writes_in_progress import is_writing
from poutama.errors import (
    BadRequestError,
    DeadlineExceededError,
    PoutamaError,
    UnavailableError,
)
from poutama.plan.operation import NO_SUBSCRIPTIONS

# The shapes that the ASGI specification gives them; every server spells them the same way.
AsgiScope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]

CLOSE_REASON = "Subscriptions are not served: send queries to /graphql by POST, and ask again."
"""A close frame has room for 123 bytes."""
TICK_SECONDS = 0.1
"""A request that has lasted from one tick to the next is watched; most are answered sooner."""
GRACE_SECONDS = 0.5
"""What the API may take beyond a request's time before it is cut off."""


class ClientGoneError(Exception):
    """The client closed the connection before its request was answered."""


class Application:
    """An ASGI application that serves one `Api`."""

    def __init__(self, api: Api, max_body_bytes: int, request_seconds: float) -> None:
        """Serve an API that is open.

        Args:
            api: what answers.
            max_body_bytes: where reading a body stops.
            request_seconds: longest time for a body to arrive, and for its answer.
        """
        self._api = api
        self._max_body_bytes = max_body_bytes
        self._seconds = request_seconds
        self._watches: set[_Watch] = set()
        self._ticking = False

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            NotImplementedError: the server opened another kind of scope.
        """
        if scope["type"] == "websocket":
            await self._refuse_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"ASGI scope {scope['type']!r}")
        method, path = scope["method"], scope["path"]
        query = scope["query_string"].decode("latin-1")
        headers = read_headers(scope)
        error: PoutamaError | None = None
        request = Request(method, path, query, headers, b"")
        try:
            body = await self._read_body(headers, receive)
            request = Request(method, path, query, headers, body)
            response = await self._answer(request, receive)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            error = UnavailableError("The server is stopping; try again.")
        except PoutamaError as refusal:
            error = refusal
        if error is not None:
            response = self._api.refuse(request, error)
        # Refused, the rest of the body is not read: the connection ends with the answer.
        last = error is not None
        await _send_response(send, response, bodiless=method == "HEAD", last=last)

    async def _refuse_websocket(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer a handshake as `Api.handle` does; a server that cannot send that closes it."""
        await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": CLOSE_REASON})
            return
        request = Request("GET", scope["path"], "", read_headers(scope), b"")
        response = self._api.refuse(request, BadRequestError(NO_SUBSCRIPTIONS))
        await _send_response(send, response, kind="websocket.http.response", last=True)

    async def _read_body(self, headers: dict[str, str], receive: Receive) -> bytes:
        """Read the whole body, or up to the limit, whatever the client announced.

        Raises:
            PayloadTooLargeError: it is over the limit; the rest is unread.
            DeadlineExceededError: it did not arrive in time.
            ClientGoneError: it left before the end.
        """
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_body_bytes:
            raise body_too_large(self._max_body_bytes)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise body_too_large(self._max_body_bytes)
            return body
        try:
            async with asyncio.timeout(self._seconds):
                return await self._collect(message, receive)
        except TimeoutError as error:
            raise DeadlineExceededError from error

    async def _collect(self, message: AsgiMessage, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body_bytes:
                raise body_too_large(self._max_body_bytes)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
            message = await receive()

    async def _answer(self, request: Request, receive: Receive) -> Response:
        """Have the API answer, for as long as the client waits and time is left.

        Raises:
            ClientGoneError: it left; the request was cancelled.
            AmbiguousCommit, DeadlineExceededError: the request was cut off.
        """
        watch = _Watch(asyncio.current_task(), receive, self._seconds + GRACE_SECONDS)
        self._watches.add(watch)
        if not self._ticking:
            self._tick()
        try:
            return await self._api.handle(request)
        except asyncio.CancelledError:
            if watch.gone:
                raise ClientGoneError from None
            raise cut_off(request) from None  # its time is over, or the server's
        finally:
            self._watches.discard(watch)
            if watch.watching is not None:
                watch.watching.cancel()

    def _tick(self) -> None:
        """Watch requests that have lasted from one tick to the next; a timer each costs more."""
        for watch in self._watches:
            watch.age()
        self._ticking = bool(self._watches)
        if self._ticking:
            asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)


class _Watch:
    """Cancels a request whose client leaves, or that takes too long, once it has lasted a while.

    One that is writing finishes though its client is gone.
    """

    __slots__ = ("_old", "_receive", "_request", "_seconds", "gone", "watching")

    def __init__(self, request: asyncio.Task[Any] | None, receive: Receive, seconds: float) -> None:
        self.gone = self._old = False
        self.watching: asyncio.Future[None] | None = None
        self._request = request
        self._receive = receive
        self._seconds = seconds

    def age(self) -> None:
        """Begin to watch, the second time that this is called."""
        if self._old and self.watching is None:
            self.watching = asyncio.ensure_future(self._watch())
        self._old = True

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                # After the body there is one message: that the client is gone.
                while (await self._receive())["type"] != "http.disconnect":
                    pass
                self.gone = True
                if is_writing(self._request):
                    await asyncio.Event().wait()  # it finishes, or its time is over
        except TimeoutError:
            pass
        if self._request is not None:
            self._request.cancel()


def read_headers(scope: AsgiScope) -> dict[str, str]:
    """Name -> value; a header that was sent twice is joined by commas."""
    pairs = scope["headers"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        for name in headers:
            values = [value for each, value in pairs if each == name.encode("latin-1")]
            headers[name] = b", ".join(values).decode("latin-1")
    return headers


async def _send_response(
    send: Send,
    response: Response,
    *,
    kind: str = "http.response",
    bodiless: bool = False,
    last: bool,
) -> None:
    headers = [*response.headers]
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    if last:
        headers.append((b"connection", b"close"))
    try:
        await send({"type": f"{kind}.start", "status": response.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": b"" if bodiless else response.body})
    except OSError:
        return  # the client is gone
