"""HTTP/1.1 on one connection: uvicorn's protocol, and the bounds that it leaves to proxies.

`server.serve` hands it to uvicorn. llhttp parses, uvicorn speaks ASGI; here is only what a server
without a proxy in front needs besides: heads have a size and a time, a connection that makes no
progress is closed, and a trailer is never taken for a header. It answers only what is not a request
yet, by `server.refusals`.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from poutama.errors import BadRequestError, HeadTooLargeError
from poutama.server.refusals import Refusals
from poutama.settings import Settings

MAX_HEAD_BYTES = 65_536
"""Of a request's line and headers; of its trailers; of what frames one chunk."""
MAX_HEADERS = 200
MAX_PIPELINED = 64
"""Requests that may wait for the responses before theirs. One read of the socket can hold thousands
of small ones, and each takes a few KiB once it is parsed."""
HEAD_SECONDS = 20.0
"""Longest time for a request's head to arrive, from its first byte or the connection's start."""
CHECK_SECONDS = 10.0
MIN_BYTES = 2_400
"""Least progress between two checks: 240 bytes a second, of a body or of a response."""
MALFORMED = "The request is not well-formed HTTP."


class BoundedProtocol(HttpToolsProtocol):
    """One connection. The parser calls the methods that begin with `on_`."""

    refusals: ClassVar[Refusals]
    """Of the server's settings: `open_protocol` has them."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self._received = self._parsed = 0
        """Bytes, and how many there were when the parser last had something to show for them."""
        self._checked = self._unsent = 0
        """Bytes received, and bytes to be sent, at the last check."""
        self._awaited: object = None
        """The request whose body was awaited at the last check."""
        self._head_due: float | None = None
        self._refusal = BadRequestError(MALFORMED)
        """What is answered when the parser stops."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_due = self.loop.time() + HEAD_SECONDS
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._head_due is None and not self.cycle.more_body:
            self._head_due = self.loop.time() + HEAD_SECONDS
        super().data_received(data)
        # What the parser keeps to itself: a line, or a chunk's size, that does not end.
        if self._received - self._parsed > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refusal = HeadTooLargeError()
            self.send_400_response("")

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            raise self._refuse(BadRequestError("Too many requests ahead of their responses."))
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._received - self._parsed > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._check_head()
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise self._refuse(BadRequestError("Only HTTP/1.0 and HTTP/1.1 are spoken here."))
        self._parsed = self._received
        super().on_headers_complete()
        self._head_due = None
        if self.parser.should_upgrade():
            self._answer_without_upgrade()
        # Trailers are added to this one, which nothing reads.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._parsed = self._received
        super().on_body(body)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent = 0

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            raise self._refuse(HeadTooLargeError())

    def _answer_without_upgrade(self) -> None:
        """There is nothing to upgrade to, and the parser reads nothing that follows such a head."""
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            raise self._refuse(BadRequestError("There is nothing to upgrade to."))
        self.cycle.keep_alive = False

    def _refuse(self, error: BadRequestError) -> BadRequestError:
        """The error to raise in the parser, which stops it; uvicorn then has it answered."""
        self._refusal = error
        return error

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's own words
        """Answer what is not a request, and end the connection; uvicorn calls this."""
        error = self._refusal
        line, secure = STATUS_LINE[error.status], self.scheme == "https"
        headers = self.scope["headers"] if self.scope else ()
        self.transport.write(self.refusals.write(line, error, [*headers], secure=secure))
        self.transport.close()

    def _check(self) -> None:
        """Close the connection if its client makes no progress."""
        busy = self.cycle is not None and not self.cycle.response_complete
        awaited = self.cycle if busy and self._awaits_body() else None
        unsent = self.transport.get_write_buffer_size()
        late = self._head_due is not None and self._head_due < self.loop.time()
        if (
            (awaited is not None and awaited is self._awaited and self._is_slow())
            or (self._unsent > 0 and unsent > max(0, self._unsent - MIN_BYTES))
            or (late and not busy)
        ):
            self.transport.abort()
            return
        self._awaited, self._unsent, self._checked = awaited, unsent, self._received
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check)

    def _awaits_body(self) -> bool:
        return self.cycle.more_body and not self.flow.read_paused

    def _is_slow(self) -> bool:
        return self._received - self._checked < MIN_BYTES


def open_protocol(settings: Settings) -> type[BoundedProtocol]:
    """Return the protocol of a server with these settings.

    Raises:
        ConfigurationError: as `Refusals`.
    """
    return type("SettledProtocol", (BoundedProtocol,), {"refusals": Refusals(settings)})
