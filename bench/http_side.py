"""The API's side: eight clients on keep-alive connections, each asking again once it is answered.

Everything shares two cores, so a client is a protocol on prebuilt bytes: it verifies the status
and the length of every response and does no more. Runs in a process of its own, started by
`bench.environment`; what it costs is measured with each round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import cast

from bench.workload import Sample, Workload, summarise

STATUS = b"HTTP/1.1 200 "
LENGTH = b"content-length: "
HEAD_END = b"\r\n\r\n"
# Beyond the round itself: a side that has not answered by then does not answer.
HANG_SECONDS = 30.0


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, request: bytes, length: int) -> None:
        self._request = request
        self._length = length
        self._missing = 0
        self._transport: asyncio.Transport | None = None
        self._sent = self._until = 0.0
        self._done: asyncio.Future[None] | None = None
        self.latencies: list[float] = []

    def begin(self, until: float) -> asyncio.Future[None]:
        """Ask until then; done with the answer that comes after."""
        self.latencies = []
        self._until = until
        self._done = asyncio.get_running_loop().create_future()
        self._send()
        return self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, since uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._missing = self._read_head(data)
        if self._missing > 0:
            return
        if self._missing < 0:
            self._fail("a response is longer than it says")
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        if now < self._until:
            self._send()
        elif self._done is not None:
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  a Protocol
        self._fail("the connection was lost")

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _read_head(self, data: bytes) -> int:
        """How many bytes of the response are still to come."""
        end = data.find(HEAD_END)
        start = data.find(LENGTH, 0, end) + len(LENGTH)
        if not data.startswith(STATUS) or end < 0 or start < len(LENGTH):
            self._fail(f"a response begins {data[:300]!r}")
            return 1
        length = int(data[start : data.index(b"\r", start)])
        if length != self._length:
            self._fail(f"a response has {length} bytes, not {self._length}")
            return 1
        return end + len(HEAD_END) + length - len(data)

    def _fail(self, reason: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(RuntimeError(reason))


class HttpSide:
    """All connections that one workload has to the API."""

    def __init__(self, address: str, token: str, workload: Workload) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self._host, self._port = host, int(port)
        self._requests = [_frame(f"{host}:{port}", token, body) for body in workload.bodies]
        self._lengths = workload.lengths
        self._clients: Sequence[Client] = ()

    async def open(self) -> None:
        """Connect every client."""
        loop = asyncio.get_running_loop()
        clients = []
        for request, length in zip(self._requests, self._lengths, strict=True):
            make = partial(Client, request, length)
            _, client = await loop.create_connection(make, self._host, self._port)
            clients.append(client)
        self._clients = clients

    async def run(self, seconds: float) -> Sample:
        """Ask for so long.

        Raises:
            RuntimeError: a response had another status or length than expected.
            TimeoutError: a response did not come.
        """
        cpu, started = time.process_time(), time.perf_counter()
        rounds = [client.begin(started + seconds) for client in self._clients]
        async with asyncio.timeout(seconds + HANG_SECONDS):
            await asyncio.gather(*rounds)
        elapsed, used = time.perf_counter() - started, time.process_time() - cpu
        latencies = [one for client in self._clients for one in client.latencies]
        return summarise(latencies, elapsed, used)


def _frame(host: str, token: str, body: bytes) -> bytes:
    head = (
        "POST /graphql HTTP/1.1\r\n"
        f"host: {host}\r\n"
        "accept: application/graphql-response+json, application/json\r\n"
        "content-type: application/json\r\n"
        f"authorization: Bearer {token}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
