"""Which database a laptop uses, started when no process runs it yet.

In this order: `POUTAMA_DATABASE_URL`; the embedded PostgreSQL whose data the home folder holds
already; a `cockroach` on PATH; the embedded PostgreSQL, made anew. Called by `laptop.up` and the
command line; never stops a server that it did not start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from poutama.db import cockroach, embedded
from poutama.db.cockroach import CockroachServer, find_cockroach
from poutama.db.connection import Database
from poutama.db.embedded import EmbeddedServer
from poutama.laptop.database_supervisor import DatabaseServer
from poutama.settings import Settings

POSTGRES = "postgres"
COCKROACH = "cockroach"


@dataclass(frozen=True, slots=True)
class LocalDatabase:
    """Where the database is, what to call it in front of people, and its server if it is ours."""

    url: str
    name: str
    server: DatabaseServer | None = None


@contextmanager
def run_database(settings: Settings, home: Path) -> Iterator[LocalDatabase]:
    """Own the database while the block runs: start it, and stop it at the end.

    Raises:
        ConfigurationError: the URL cannot be used, another process runs it, or it does not start.
    """
    if settings.database_url:
        # Made only to report now, and in one way, what is wrong with the URL.
        Database(settings)
        yield LocalDatabase(settings.database_url, "POUTAMA_DATABASE_URL")
        return
    server, name = _choose_server(home)
    # Not `with server`: a signal between its start and its entry must not leave it running.
    try:
        server.start()
        yield LocalDatabase(server.url, name, server)
    finally:
        server.stop()


@contextmanager
def borrow_database(settings: Settings, home: Path) -> Iterator[LocalDatabase]:
    """Use the database that `poutama up` runs; when none does, run it for the block alone."""
    running = embedded.running_url(home / POSTGRES) or cockroach.running_url(home / COCKROACH)
    if running and not settings.database_url:
        yield LocalDatabase(running, "the running database")
        return
    with run_database(settings, home) as database:
        yield database


def _choose_server(home: Path) -> tuple[EmbeddedServer | CockroachServer, str]:
    program = find_cockroach()
    if program and not (home / POSTGRES / "data").exists():
        return CockroachServer(program, home / COCKROACH), "CockroachDB, one node"
    return EmbeddedServer(home / POSTGRES), "PostgreSQL 18, embedded"
