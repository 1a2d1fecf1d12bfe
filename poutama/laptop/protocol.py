"""HTTP/1.1 on the laptop's server: httptools reads, the `Api` answers, one write a response.

uvicorn runs the server (`laptop.serve`) and is handed this in place of its own protocol, which
speaks ASGI: that costs a third of what a small request costs altogether, and nothing here needs
it. Any other server takes `edge.asgi`. One request at a time on a connection, the next ones wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import httptools
from uvicorn.server import ServerState

from poutama.edge.http import Api, Request, Response, body_too_large, refuse
from poutama.errors import BadRequestError

LARGEST_HEAD = 65_536
"""Bytes of a request's line and headers."""
MOST_WAITING = 100
"""Requests that may wait on one connection before no more is read from it."""
PATIENCE_SECONDS = 60.0
"""How long a connection may be silent, or a request incomplete."""

Asked: TypeAlias = Request | Response | Callable[[], Awaitable[None]]
"""A request, a refusal, or a stream that answers for itself."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}


class HttpProtocol(asyncio.Protocol):
    """One connection. `httptools` calls the methods that begin with `on_`."""

    _receiving: asyncio.StreamReader | None = None
    """Takes the body that is coming in, where that is a stream's; see `laptop.streams`."""

    def __init__(
        self, api: Api, max_body_bytes: int, *, server_state: ServerState, **_given: Any
    ) -> None:
        self._api = api
        self._max_body_bytes = max_body_bytes
        self._state = server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Asked, bool]] = deque()
        self._busy = self._closing = self._paused = False
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._asleep: asyncio.Future[None] | None = None
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._heard = True
        self._watch()
        # One for all requests; uvicorn waits for it when it stops.
        task = self._loop.create_task(self._serve())
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  a Protocol
        self._closing = True
        self._waiting.clear()
        self._state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._heard = True
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing to upgrade to: the request is answered as it stands
        except httptools.HttpParserError as error:
            if not self._closing:
                self._refuse(BadRequestError("The request is not HTTP/1.1."), error)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def shutdown(self) -> None:
        """Close once what has been asked is answered; uvicorn calls it when it stops."""
        self._closing = True
        if not self._busy and not self._waiting:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = self._head = 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._head += len(url)
        if self._head > LARGEST_HEAD:
            self._refuse_head()

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        self._head += len(raw_name) + len(raw_value)
        if self._head > LARGEST_HEAD:
            self._refuse_head()
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers = self._headers
        headers[name] = f"{headers[name]}, {value}" if name in headers else value

    def on_headers_complete(self) -> None:
        announced = self._headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_body_bytes:
            self._refuse(body_too_large(self._max_body_bytes))
        elif self._headers.get("expect", "").lower() == "100-continue" and not self._busy:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        if self._receiving is not None:
            self._receiving.feed_data(body)
            return
        self._size += len(body)
        if self._size <= self._max_body_bytes:
            self._body.append(body)
        elif not self._closing:
            self._refuse(body_too_large(self._max_body_bytes))

    def on_message_complete(self) -> None:
        if self._receiving is not None:
            self._receiving.feed_eof()
            self._receiving = None
            return
        if self._closing:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._waiting.append((self._request(body), self._parser.should_keep_alive()))
        if len(self._waiting) > MOST_WAITING:
            self._transport.pause_reading()
        self._wake()

    def _request(self, body: bytes) -> Request:
        path, _, query = self._url.partition(b"?")
        if not path.startswith(b"/"):  # the absolute form, which proxies use
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        text = path.decode("latin-1")
        return Request(
            self._parser.get_method().decode("latin-1"),
            unquote(text) if "%" in text else text,
            query.partition(b"#")[0].decode("latin-1"),
            self._headers,
            body,
        )

    def _wake(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)

    async def _serve(self) -> None:
        """Answer what is asked on this connection, one after the other, until it is closed."""
        try:
            while not self._transport.is_closing():
                if self._waiting and not self._paused:
                    self._busy = True
                    await self._answer(*self._waiting.popleft())
                    self._busy = False
                else:
                    self._asleep = self._loop.create_future()
                    await self._asleep
        finally:
            self._transport.close()

    async def _answer(self, asked: Asked, keep_alive: bool) -> None:
        if isinstance(asked, Request):
            response = await self._api.handle(asked)
            bodiless = asked.method == "HEAD"
        elif isinstance(asked, Response):
            response, bodiless = asked, False
        else:
            await asked()
            return
        if self._transport.is_closing():
            return
        last = not keep_alive or (self._closing and not self._waiting)
        self._write(response, bodiless=bodiless, last=last)
        if last:
            self._closing = True
            self._transport.close()
        else:
            self._transport.resume_reading()

    def _write(self, response: Response, *, bodiless: bool, last: bool) -> None:
        head = [_STATUS[response.status]]
        for name, value in response.headers:
            head += (name, b": ", value, b"\r\n")
        if response.status != HTTPStatus.NO_CONTENT:
            head.append(b"content-length: %d\r\n" % len(response.body))
        head.append(b"connection: close\r\n\r\n" if last else b"\r\n")
        if not bodiless:
            head.append(response.body)
        self._transport.write(b"".join(head))

    def _refuse(self, error: Exception, cause: Exception | None = None) -> None:
        """Answer what is wrong with the request as soon as it is known, and listen no more."""
        error.__cause__ = cause
        asked = Request("POST", "/", "", self._headers, b"")
        self._waiting.append((refuse(asked, error), False))
        self._closing = True
        self._wake()

    def _refuse_head(self) -> None:
        if not self._closing:
            self._refuse(BadRequestError(f"The headers exceed {LARGEST_HEAD} bytes."))

    def _watch(self) -> None:
        """Close a connection on which nothing is heard or under way."""
        if not self._heard and not self._busy:
            self._transport.close()
            return
        self._heard = False
        self._timer = self._loop.call_later(PATIENCE_SECONDS, self._watch)
