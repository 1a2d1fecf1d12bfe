"""Where the database is: the hosts of its URL, tried in random order until one answers.

`poutama.db.connection` opens every connection through `Hosts.open`. Each host has its own short
time, so one that swallows packets does not use up the request's. A session that its role may not
set up in full is opened with the rest. Never logs the URL, which may hold a password.
"""

from __future__ import annotations

import logging
import random
import ssl
import time
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from poutama.db.socket_probe import keep_alive
from poutama.db.sqlstate import ConnectionPhase, Failure, FailureKind, failure_of
from poutama.db.tls import build_tls
from poutama.errors import ConfigurationError
from poutama.settings import Settings

logger = logging.getLogger(__name__)

_LOCAL = frozenset({"", "localhost", "127.0.0.1", "[::1]"})
_TLS_PARAMETERS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey"})


class Hosts:
    """Opens connections to one cluster."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        server_settings: dict[str, str],
        privileged: dict[str, str] | None = None,
    ) -> None:
        """Read the URL; no host is looked up before the first connection.

        Args:
            settings: TLS, and how long a host has to answer.
            url: where the hosts are.
            server_settings: the parameters of every session.
            privileged: those that a role may lack the right to set; it does without them then.

        Raises:
            ConfigurationError: the URL or the TLS settings cannot be used.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres"):
            raise ConfigurationError(
                "POUTAMA_DATABASE_URL: expected postgresql://user@host/name, got one that begins"
                f" with {parts.scheme[:20]!r}"
            )
        user, at, places = parts.netloc.rpartition("@")
        query = dict(parse_qsl(parts.query))
        rest = urlencode({name: query[name] for name in query.keys() - _TLS_PARAMETERS})
        self._urls = [
            urlunsplit(parts._replace(netloc=user + at + place, query=rest))
            for place in places.split(",")
        ]
        local = all(_name_of(place) in _LOCAL for place in places.split(","))
        local = local and query.get("host", "/").startswith(("/", "localhost", "127.0.0.1"))
        self._tls: ssl.SSLContext | bool = build_tls(settings, query, local=local) or False
        self._seconds = settings.database_connect_seconds
        self._server_settings = server_settings
        self._privileged = privileged or {}

    async def open(self, deadline: float) -> asyncpg.Connection:
        """Open one connection, to whichever host answers first in a random order.

        Raises:
            Failure: RECONNECT when at least one host may answer later, EXPIRED when the deadline
                has passed, MISCONFIGURED when no host ever will.
        """
        failure: Failure | None = None
        for url in random.sample(self._urls, len(self._urls)):
            seconds = min(self._seconds, deadline - time.monotonic())
            if seconds <= 0:
                break
            try:
                connection = await self._connect(url, seconds)
            except Exception as error:
                latest = failure_of(error, ConnectionPhase.CONNECT)
                if failure is None or latest.outcome is FailureKind.RECONNECT:
                    failure = latest
            else:
                keep_alive(connection)
                return connection
        raise failure or Failure(FailureKind.EXPIRED)

    async def _connect(self, url: str, seconds: float) -> asyncpg.Connection:
        until = time.monotonic() + seconds
        while True:
            try:
                connection: asyncpg.Connection = await asyncpg.connect(
                    url,
                    ssl=self._tls,
                    timeout=max(0.001, until - time.monotonic()),
                    server_settings={**self._server_settings, **self._privileged},
                )
            except asyncpg.InsufficientPrivilegeError:
                if not self._privileged:
                    raise
                names = ", ".join(self._privileged)
                logger.warning("the database role may not set %s: the server's own holds", names)
                self._privileged = {}
            else:
                return connection


def _name_of(place: str) -> str:
    name, colon, port = place.rpartition(":")
    return name if colon and port.isdigit() else place.rstrip(":")
