"""A server that speaks clamd's protocol, as strictly as clamd: frames, a limit, and three answers.

Written from man 8 clamd. It finds one thing, the test file that all scanners find.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

# https://www.eicar.org/download-anti-malware-testfile/, in two parts, lest scanners find this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class ClamdServer:
    """One daemon.

    Attributes:
        address: as the setting has it.
        stream_max_length: as in clamd.conf; more is not read.
        answer: sent instead of what is true; None: the truth.
        silent: whether it never answers.
        received: the files that were sent to it, whole.
    """

    address: str = ""
    stream_max_length: int = 1_000_000
    answer: bytes | None = None
    silent: bool = False
    received: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        if command != b"zINSTREAM\0":
            writer.write(b"UNKNOWN COMMAND\0")
            return
        data = b""
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            if len(data) + length > self.stream_max_length:
                writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                await writer.drain()
                return
            data += await reader.readexactly(length)
        self.received.append(data)
        if self.silent:
            await reader.read()
            return
        found = b"stream: Eicar-Test-Signature FOUND" if EICAR in data else b"stream: OK"
        writer.write((found if self.answer is None else self.answer) + b"\0")
        await writer.drain()


@asynccontextmanager
async def run_clamd(path: Path | None = None) -> AsyncIterator[ClamdServer]:
    """A daemon at a socket of this machine, or at a port, while the block runs."""
    clamd = ClamdServer()
    if path is not None:
        server = await asyncio.start_unix_server(clamd.serve, path)
        clamd.address = f"unix://{path}"
    else:
        server = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
        clamd.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield clamd
