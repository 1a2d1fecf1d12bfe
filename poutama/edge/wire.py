"""Puts the rooms together: what an entry point opens, from the settings it has read.

The functions' handlers and the local mode call it, so that both run the same. Nothing here reads
the environment, and nothing is connected before it is needed: a function's environment may be
made ready, or kept as a snapshot, long before anybody asks. `edge.work` adds what only workers
need, which would be dead weight for the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from poutama.db.connection import Database
from poutama.edge.budget import open_budgets
from poutama.edge.http import Api, Route, Verifying
from poutama.edge.oidc import open_verifier
from poutama.edge.tokens import Authenticator
from poutama.engine import Engine
from poutama.engine.trusted import read_trusted_documents
from poutama.journeys import build_procedures
from poutama.schema.load import load_model
from poutama.settings import Settings

HEALTH_SECONDS = 5.0
"""Whoever asks for /healthz is not kept waiting longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What one process has of the house."""

    settings: Settings
    database: Database

    async def close(self) -> None:
        """Let go of every connection."""
        await self.database.close()


def open_rooms(settings: Settings, *, url: str | None = None) -> Rooms:
    """The rooms of one process; nothing is connected yet.

    Args:
        settings: all of them.
        url: of the database, where it is another than the settings'.

    Raises:
        ConfigurationError: a setting is missing or cannot be used.
    """
    return Rooms(settings=settings, database=Database(settings, url=url))


def open_api(
    rooms: Rooms,
    *,
    verifier: Verifying | None = None,
    routes: Mapping[str, Route] | None = None,
) -> Api:
    """Everything that is served under one address.

    Args:
        rooms: of this process.
        verifier: of tokens; None: those of the issuers in the settings.
        routes: further pages by exact path.

    Raises:
        ConfigurationError: a setting is missing or cannot be used.
    """
    settings, database = rooms.settings, rooms.database
    trusted = read_trusted_documents(settings.trusted_documents)
    return Api(
        Engine(load_model(), database, settings, build_procedures(settings), trusted),
        verifier or Authenticator(open_verifier(settings, database)),
        settings,
        health=lambda: ask_database(database),
        routes=routes,
        budgets=open_budgets(settings, database),
    )


async def ask_database(database: Database) -> None:
    """See whether the database answers.

    Raises:
        UnavailableError, DeadlineExceededError, DatabaseError: it does not.
    """
    deadline = monotonic() + HEALTH_SECONDS
    await database.read("select 1 as alive", deadline=deadline, name="health")
