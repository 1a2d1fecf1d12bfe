"""The socket under a connection: keep-alive, and whether it is readable, without reading it.

`poutama.db.hosts` and `poutama.db.pooled_connection` call it. The driver has no public access to
its socket; only this module takes the private one. Never reads or writes.
"""

from __future__ import annotations

import select
import socket

import asyncpg

_KEEP_ALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


def keep_alive(connection: asyncpg.Connection) -> None:
    """Have the kernel detect a host that vanished silently, also in mid-statement."""
    peer = _socket_of(connection)
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in _KEEP_ALIVE:
        if hasattr(socket, option):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)


class SocketProbe:
    """Polls a socket for unsolicited data: a microsecond, no round trip."""

    __slots__ = ("_poll",)

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._poll = None
        peer = _socket_of(connection)
        if peer is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(peer.fileno(), select.POLLIN)

    def is_readable(self) -> bool:
        """Return whether data has arrived: on an idle connection, its end."""
        return self._poll is not None and bool(self._poll.poll(0))


def _socket_of(connection: asyncpg.Connection) -> socket.socket | None:
    peer: socket.socket | None = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    return peer
