"""A proxy for the PostgreSQL protocol that fails on cue, at any message of the exchange.

It takes the stream apart into messages, both ways, numbers them, and at one chosen number does one
chosen thing, once. Tests walk every number with every fault. A refusal in the server's place is a
real one: the server is sent nonsense instead of the message, so that it aborts what it was doing,
and only the code of its answer is changed.

Messages: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self
from urllib.parse import parse_qs, urlsplit

import pytest

CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
FATAL = frozenset({"57P01", "57P03"})
DELAY_SECONDS = 0.02
ENCRYPTED = ("require", "verify-ca", "verify-full")


class Sender(Enum):
    """Who speaks."""

    CLIENT = auto()
    SERVER = auto()


class Action(Enum):
    """What can go wrong at a message."""

    DROP_BEFORE = auto()
    """The connection is gone before the message passes."""
    DROP_AFTER = auto()
    """The message arrives and is acted on; the connection is gone before the answer."""
    HALF = auto()
    """Half of the message passes, then the connection is gone."""
    ANSWER = auto()
    """The server's answer is an error: in place of the message if it is the client's, in place
    of what the server did say if it is the server's."""
    DELAY = auto()
    HOLD = auto()
    """The message never passes, and the connection stays."""


@dataclass(frozen=True, slots=True)
class Fault:
    action: Action
    sqlstate: str = ""

    def __str__(self) -> str:
        return f"{self.action.name} {self.sqlstate}".strip()


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it passed; `kind` is its type byte, or `startup`."""

    side: Sender
    kind: str
    raw: bytes

    def __str__(self) -> str:
        text = self.raw[5:60].decode("ascii", "replace") if self.kind in "PQC" else ""
        return f"{self.side.name} {self.kind} {text}".strip()


class Cut(Exception):  # noqa: N818
    """This connection ends here."""


@dataclass
class Channel:
    """One client's connection and its counterpart to the server."""

    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    started: bool = False
    """The session is set up; what passes now is counted."""
    disguise: str = ""
    """The SQLSTATE that the server's next error is to bear."""
    skipping: bool = False
    """The client's messages are dropped until its Sync, as a server does after an error."""
    mute: bool = False
    """The server's messages are dropped until it is ready again."""
    deaf: bool = False
    """The server may finish what it does; then the connection is cut."""


@dataclass
class FaultProxy:
    """Listens on 127.0.0.1 for the server behind `url`."""

    url: str
    counting_startup: bool = False
    messages: list[Message] = field(default_factory=list)
    """What passed since `arm` or `record`."""
    fired: bool = False
    connections: int = 0
    _number: int = -1
    _fault: Fault | None = None
    _counting: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        if parse_qs(urlsplit(self.url).query).get("sslmode", [""])[0] in ENCRYPTED:
            pytest.skip("skipped: the proxy reads messages, which a cluster with TLS hides")
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self._released.set()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    @property
    def proxied_url(self) -> str:
        """The server's URL, by way of this proxy."""
        parts = urlsplit(self.url)
        port = self._listener.sockets[0].getsockname()[1]
        user = parts.netloc.rpartition("@")[0] or "postgres"
        return f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable"

    def record(self) -> None:
        """Number messages from here on, without a fault."""
        self.arm(-1, None)

    def arm(self, number: int, fault: Fault | None) -> None:
        """Let `fault` happen at the message `number` from here on, once."""
        self._number, self._fault = number, fault
        self._counting, self.fired = True, False
        self.messages = []

    def rest(self) -> None:
        """Number no more messages, and let no fault happen."""
        self._counting = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            server = await self._connect()
            await self._serve(Channel((reader, writer), server))
        except (Cut, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, server[1] if server else None):
                if end is not None:
                    end.close()
                    with suppress(ConnectionError, asyncio.CancelledError):
                        await end.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.url)
        query = parse_qs(parts.query)
        port = int(query["port"][0]) if "port" in query else parts.port or 5432
        if "host" in query:
            return await asyncio.open_unix_connection(f"{query['host'][0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(parts.hostname, port)

    async def _serve(self, channel: Channel) -> None:
        if not await self._start(channel):
            return
        async with asyncio.TaskGroup() as group:
            pumps = [
                group.create_task(_until_cut(self._from_client(channel))),
                group.create_task(_until_cut(self._from_server(channel))),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()

    async def _start(self, channel: Channel) -> bool:
        """Pass the startup message; a request to cancel is passed as it is, and is all."""
        head = await channel.client[0].readexactly(8)
        if struct.unpack("!ii", head)[1] == SSL_REQUEST:
            channel.client[1].write(b"N")  # no TLS here
            head = await channel.client[0].readexactly(8)
        length, code = struct.unpack("!ii", head)
        raw = head + await channel.client[0].readexactly(length - 8)
        if code == CANCEL_REQUEST:
            channel.server[1].write(raw)
            await channel.server[1].drain()
            await channel.server[0].read()
            return False
        await self._pass(channel, Message(Sender.CLIENT, "startup", raw), self.counting_startup)
        return True

    async def _from_client(self, channel: Channel) -> None:
        while True:
            message = await _read(channel.client[0], Sender.CLIENT)
            if channel.skipping:
                if message.kind != "S":
                    continue
                channel.skipping = False
            await self._pass(channel, message, channel.started or self.counting_startup)

    async def _from_server(self, channel: Channel) -> None:
        while True:
            message = await _read(channel.server[0], Sender.SERVER)
            if channel.disguise:
                if message.kind != "E":
                    continue  # what it said of the messages before
                message = Message(Sender.SERVER, "E", error(channel.disguise))
                channel.disguise = ""
            if channel.deaf and message.kind in "ZnTE":
                raise Cut
            if channel.deaf or (channel.mute and message.kind != "Z"):
                continue
            channel.mute = False
            await self._pass(channel, message, channel.started or self.counting_startup)
            channel.started = channel.started or message.kind == "Z"

    async def _pass(self, channel: Channel, message: Message, counted: bool) -> None:
        target = channel.server[1] if message.side is Sender.CLIENT else channel.client[1]
        fault = None
        if counted and self._counting and message.kind != "X":
            if len(self.messages) == self._number and not self.fired:
                fault, self.fired = self._fault, True
            self.messages.append(message)
        if fault is None or not await self._fail(channel, message, target, fault):
            target.write(message.raw)
            await target.drain()

    async def _fail(
        self, channel: Channel, message: Message, target: asyncio.StreamWriter, fault: Fault
    ) -> bool:
        """Let the fault happen; return whether it has taken the message's place."""
        match fault.action:
            case Action.DROP_BEFORE:
                raise Cut
            case Action.DROP_AFTER:
                target.write(message.raw)
                await target.drain()
                if message.side is Sender.SERVER or message.kind not in "SQH":
                    raise Cut
                channel.deaf = True
            case Action.HALF:
                target.write(message.raw[: max(1, len(message.raw) // 2)])
                await target.drain()
                raise Cut
            case Action.ANSWER:
                await self._answer(channel, message, fault.sqlstate)
            case Action.DELAY:
                await asyncio.sleep(DELAY_SECONDS)
                return False
            case Action.HOLD:
                await self._released.wait()
                raise Cut
        return True

    async def _answer(self, channel: Channel, message: Message, sqlstate: str) -> None:
        if message.side is Sender.SERVER or sqlstate in FATAL or not channel.started:
            channel.client[1].write(error(sqlstate))
            await channel.client[1].drain()
            if sqlstate in FATAL or not channel.started:
                raise Cut
            channel.mute = message.kind != "Z"
            if message.kind == "Z":
                channel.client[1].write(message.raw)
            return
        channel.disguise = sqlstate
        if message.kind == "Q":
            channel.server[1].write(_frame("Q", b"select poutama_no_such_column\0"))
        else:
            channel.server[1].write(_frame("B", b"\0poutama_no_such_statement\0\0\0\0\0\0\0"))
            channel.skipping = message.kind != "S"
            if message.kind == "S":
                channel.server[1].write(message.raw)
        await channel.server[1].drain()


def error(sqlstate: str) -> bytes:
    """An ErrorResponse, as the server would write it."""
    severity = "FATAL" if sqlstate in FATAL else "ERROR"
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": "injected"}
    body = b"".join(f"{key}{text}\0".encode() for key, text in fields.items())
    return _frame("E", body + b"\0")


def _frame(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


async def _read(reader: asyncio.StreamReader, side: Sender) -> Message:
    head = await reader.readexactly(5)
    body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
    return Message(side, chr(head[0]), head + body)


async def _until_cut(pump: object) -> None:
    with suppress(Cut, ConnectionError, asyncio.IncompleteReadError):
        await pump  # type: ignore[misc]
