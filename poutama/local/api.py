"""Puts the API together for a laptop: the engine of production, with a local issuer and GraphiQL.

Called by `local.up`. The only place in local mode that knows all the rooms; never deployed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from poutama.db.connection import Database
from poutama.db.keys import forget_expired_keys
from poutama.edge.budget import open_budgets
from poutama.edge.http import Api
from poutama.edge.tokens import Authenticator
from poutama.engine import Engine
from poutama.engine.trusted import read_trusted_documents
from poutama.journeys import build_procedures
from poutama.local.graphiql.assets import assets_folder
from poutama.local.graphiql.page import graphiql_routes
from poutama.local.issuer import local_verifier
from poutama.schema.load import load_model
from poutama.settings import Settings

# Whoever asks for /healthz is not kept waiting longer than this.
HEALTH_SECONDS = 5.0


@asynccontextmanager
async def open_api(settings: Settings, url: str, home: Path) -> AsyncIterator[Api]:
    """The API over the database at `url`, trusting the issuer in `home`, while the block runs.

    Raises:
        ConfigurationError: a setting cannot be used.
        UnavailableError: the database does not answer.
    """
    trusted = read_trusted_documents(settings.trusted_documents)
    database = Database(settings, url=url)
    budgets = open_budgets(settings, database)

    async def ask_database() -> object:
        deadline = time.monotonic() + HEALTH_SECONDS
        return await database.read("select 1 as alive", deadline=deadline, name="health")

    try:
        # Now, so that the first person who asks does not wait for it.
        await ask_database()
        # Nothing else does it here; in the cloud the schedule does.
        await forget_expired_keys(database, deadline=time.monotonic() + settings.request_seconds)
        yield Api(
            Engine(load_model(), database, settings, build_procedures(settings), trusted),
            Authenticator(local_verifier(home)),
            settings,
            health=ask_database,
            routes=graphiql_routes(assets_folder(home)),
            budgets=budgets,
        )
    finally:
        await database.close()
