"""Requests whose bodies are too large to hold: read and answered piece by piece.

`laptop.serve` uses this in place of `laptop.protocol` where files are served, for the addresses
that begin as theirs; all others take the way they always took. Keeps little in memory, however
large a body is and however slowly its client reads; forgets a client that falls silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import unquote

from poutama.edge.http import Api, mask_error
from poutama.edge.media import JSON, HeaderPairs
from poutama.errors import PoutamaError
from poutama.laptop.protocol import HttpProtocol

PIECE = 1 << 20
"""Most bytes of a body that are handed over, and written, at once."""
READ_AHEAD = 1 << 18
"""Bytes from which a client is made to wait; twice that are held at most, and a packet."""
LINGER_BYTES = 64 << 20
"""How much of an upload that was refused is still listened to: a client that is cut off while
it sends may never read why."""


class Exchange:
    """One request, its body and its response."""

    def __init__(
        self, protocol: StreamingProtocol, transport: asyncio.Transport, url: bytes, method: str
    ) -> None:
        path, _, query = url.decode("latin-1").partition("?")
        self.method = method
        self.path = unquote(path)
        self.query = query
        self.headers: Mapping[str, str] = {}
        self.reader = asyncio.StreamReader(READ_AHEAD)
        self.reader.set_transport(transport)
        self.keep_alive = False
        self.begun = False
        self._protocol = protocol

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end.

        Raises:
            ConnectionError: the client is gone.
        """
        return await self._protocol.receive(self.reader)

    async def answer(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        """Send a whole response; no body, if it was only asked what there is."""
        await self.begin(status, headers, len(body))
        if self.method != "HEAD":
            await self.write(body)

    async def begin(self, status: int, headers: HeaderPairs, length: int) -> None:
        """Begin a response whose body has `length` bytes."""
        self.begun = True
        # What is still to come would be taken for the next request.
        self.keep_alive = self.keep_alive and self.reader.at_eof()
        head = [b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())]
        head += [name + b": " + value for name, value in headers]
        if status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            head.append(b"content-length: %d" % length)
        if not self.keep_alive:
            head.append(b"connection: close")
        await self.write(b"\r\n".join(head) + b"\r\n\r\n")

    async def write(self, piece: bytes) -> None:
        """Send more of the body, once what was sent before has left.

        Raises:
            ConnectionError: the client is gone.
        """
        await self._protocol.send(piece)


StreamRoute: TypeAlias = Callable[[Exchange], Awaitable[None]]
"""Answers an exchange; a ConnectionError may leave it, and is nobody's fault."""


class StreamingProtocol(HttpProtocol):
    """One connection, some of whose requests are streams."""

    def __init__(
        self, api: Api, max_body_bytes: int, prefix: bytes, route: StreamRoute, **given: Any
    ) -> None:
        self._prefix = prefix
        self._route = route
        self._streaming = False
        self._writable = asyncio.Event()
        self._writable.set()
        super().__init__(api, max_body_bytes, **given)

    async def receive(self, reader: asyncio.StreamReader) -> bytes:
        """Wait for more of a body; used by an exchange."""
        if self._transport.is_closing():
            raise ConnectionResetError
        piece = await reader.read(PIECE)
        self._heard = True
        return piece

    async def send(self, piece: bytes) -> None:
        """Write once there is room; used by an exchange."""
        await self._writable.wait()
        if self._transport.is_closing():
            raise ConnectionResetError
        self._heard = True
        self._transport.write(piece)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._writable.set()
        if self._receiving is not None:
            self._receiving.set_exception(ConnectionResetError())

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()
        super().resume_writing()

    def shutdown(self) -> None:
        super().shutdown()
        if self._receiving is not None:
            # Nothing more is listened to: it would only be waited for.
            self._transport.abort()

    def on_headers_complete(self) -> None:
        if not self._url.startswith(self._prefix) or self._closing:
            super().on_headers_complete()
            return
        method = self._parser.get_method().decode("latin-1")
        exchange = Exchange(self, self._transport, self._url, method)
        exchange.headers = self._headers
        exchange.keep_alive = self._parser.should_keep_alive()
        self._receiving = exchange.reader
        if self._headers.get("expect", "").lower() == "100-continue" and not self._busy:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # In line with what else was asked on this connection.
        self._waiting.append((partial(self._stream, exchange), exchange.keep_alive))
        self._wake()

    async def _stream(self, exchange: Exchange) -> None:
        self._streaming = True
        try:
            await self._route(exchange)
            await _hear_out(exchange)
        except ConnectionError:
            exchange.keep_alive = False
        except Exception as error:  # the last net
            exchange.keep_alive = False
            body = mask_error(error)
            if not exchange.begun:
                with suppress(ConnectionError):
                    await exchange.answer(PoutamaError.status, JSON.headers, body)
        finally:
            self._streaming = False
        self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> None:
        if self._transport.is_closing():
            return
        if exchange.keep_alive and not self._closing:
            self._transport.resume_reading()
        else:
            self._closing = True
            if exchange.begun or not self._waiting:
                self._transport.close()

    def _refuse(self, error: Exception, cause: Exception | None = None) -> None:
        if self._receiving is not None:
            self._receiving.set_exception(ConnectionResetError())
            self._receiving = None
        super()._refuse(error, cause)

    def _watch(self) -> None:
        if self._streaming and not self._heard:
            self._transport.abort()
        else:
            super()._watch()


async def _hear_out(exchange: Exchange) -> None:
    """Take in what the client is still sending, so that it comes to read the answer."""
    rest = LINGER_BYTES
    while rest > 0 and (piece := await exchange.read()):
        rest -= len(piece)
