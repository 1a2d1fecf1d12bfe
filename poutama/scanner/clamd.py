"""ClamAV's daemon over a socket: the file is sent, so that the daemon needs no access to it.

`virus_scanner` opens it. One connection a file, bounded in time, in what is sent at once and in
what is read. Every answer but the two that are known is a failure.
Source: https://docs.clamav.net/manual/Usage/Scanning.html#clamd, man 8 clamd (INSTREAM)
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TypeAlias
from urllib.parse import urlsplit

from poutama.errors import ConfigurationError, UnavailableError

CHUNK = 1 << 16
LONGEST_ANSWER = 4_096

_COMMAND = b"zINSTREAM\0"
_END = b"\0\0\0\0"
_FOUND = re.compile(rb"stream: (.+) FOUND")
_CLEAN = b"stream: OK"

_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ClamdScanner:
    """See `VirusScanner`."""

    def __init__(self, address: str, seconds: float) -> None:
        """Take the address of a daemon.

        Args:
            address: `tcp://HOST:PORT`, or `unix:///PATH` of a socket on this machine.
            seconds: longest that one file may take.

        Raises:
            ConfigurationError: one of them cannot be used.
        """
        if seconds <= 0:
            raise ConfigurationError("POUTAMA_SCANNER_SECONDS: expected more than 0")
        self._seconds = seconds
        self._path, self._host, self._port = _read_address(address)

    async def scan(self, path: Path, *, deadline: float) -> str | None:
        """As `VirusScanner.scan`."""
        seconds = min(self._seconds, deadline - monotonic())
        try:
            async with asyncio.timeout(seconds):
                answer = await self._send_file(path)
        except TimeoutError as error:
            raise UnavailableError("The virus scanner did not answer in time.") from error
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise UnavailableError("The virus scanner cannot be reached.") from error
        if answer == _CLEAN:
            return None
        if found := _FOUND.fullmatch(answer):
            return found[1].decode("ascii", "replace")
        shown = ascii(answer.decode("ascii", "replace"))
        raise UnavailableError(f"The virus scanner could not scan the file: it answered {shown}.")

    async def _send_file(self, path: Path) -> bytes:
        reader, writer = await self._connect()
        try:
            # It may stop reading, and say why: the file is too long for it.
            with suppress(ConnectionError):
                await _send(path, writer)
            return (await reader.readuntil(b"\0"))[:-1]
        finally:
            writer.close()

    async def _connect(self) -> _Streams:
        if self._path is not None:
            return await asyncio.open_unix_connection(self._path, limit=LONGEST_ANSWER)
        return await asyncio.open_connection(self._host, self._port, limit=LONGEST_ANSWER)


async def _send(path: Path, writer: asyncio.StreamWriter) -> None:
    writer.write(_COMMAND)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            writer.write(len(chunk).to_bytes(4, "big") + chunk)
            await writer.drain()
    writer.write(_END)
    await writer.drain()


def _read_address(address: str) -> tuple[str | None, str, int]:
    """Path of a socket, or else host and port."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc:
            return parts.path, "", 0
        if parts.scheme == "tcp" and parts.hostname and parts.port and not parts.path:
            return None, parts.hostname, parts.port
    except ValueError:
        pass
    raise ConfigurationError(
        f"POUTAMA_SCANNER: expected tcp://HOST:PORT or unix:///PATH, got {address!r}"
    )
