"""A request whose body is too large to hold: read and answered piece by piece, over ASGI.

`server.server_application` makes one for each request about files, `server.files` answers it. Keeps
little in memory, however large a body is: uvicorn stops reading, or writing, when the other side is
slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from poutama.edge.asgi import AsgiScope, Receive, Send, read_headers
from poutama.edge.content_negotiation import HeaderPairs

LINGER_BYTES = 64 << 20
"""How much of an upload that was refused is still read: a client that is cut off while it sends
may never read why."""
LINGER_SECONDS = 30.0


class Exchange:
    """One request and its response."""

    def __init__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: Mapping[str, str] = read_headers(scope)
        self.begun = False
        self._receive = receive
        self._send = send
        self._unread = (
            self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers
        )
        self._leaving: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            ConnectionError: the client is gone.
        """
        while self._unread:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError
            self._unread = message.get("more_body", False)
            if piece := message.get("body", b""):
                return bytes(piece)
        return b""

    async def answer(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        """Send a whole response; no body, if only its head was requested."""
        await self.begin(status, headers, len(body))
        if self.method != "HEAD":
            await self.write(body)

    async def begin(self, status: int, headers: HeaderPairs, length: int) -> None:
        """Begin a response whose body has `length` bytes."""
        self.begun = True
        sent = [*headers]
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            sent.append((b"content-length", b"%d" % length))
        if self._unread:
            sent.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": status, "headers": sent})

    async def write(self, piece: bytes) -> None:
        """Send more of the body, once the client has read most of what was sent before.

        Raises:
            ConnectionError: the client is gone.
        """
        if self._leaving is None and not self._unread:
            self._leaving = asyncio.ensure_future(self._wait_for_leaving())
        if self._leaving is not None and self._leaving.done():
            raise ConnectionResetError
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        """End the response once the client has sent its request: so it comes to read the answer."""
        rest = LINGER_BYTES
        with suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(LINGER_SECONDS):
                while rest > 0 and (piece := await self.read()):
                    rest -= len(piece)
        await self._send({"type": "http.response.body", "body": b""})

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def close(self) -> None:
        """Stop waiting for the client to leave."""
        if self._leaving is not None:
            self._leaving.cancel()
