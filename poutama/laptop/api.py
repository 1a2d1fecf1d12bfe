"""Puts the API together for a laptop: that of production, with a local issuer and GraphiQL.

Called by `laptop.up` and by the measurements; never deployed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from poutama.edge import application
from poutama.edge.application import ping_database
from poutama.edge.http import Api
from poutama.edge.tokens import Authenticator
from poutama.engine.execution import Wake
from poutama.laptop.graphiql.assets import assets_folder
from poutama.laptop.graphiql.page import graphiql_routes
from poutama.laptop.issuer import local_verifier
from poutama.server.resources import open_server_resources
from poutama.settings import Settings
from poutama.store.objects import ObjectStore


@asynccontextmanager
async def open_local_api(
    settings: Settings,
    url: str,
    home: Path,
    *,
    store: ObjectStore | None = None,
    wake: Wake | None = None,
) -> AsyncIterator[Api]:
    """The API over the database at `url`, trusting the issuer in `home`, while the block runs.

    Args:
        settings: all of them.
        url: of the database.
        home: the data folder.
        store: the one that files are served from, where they are.
        wake: has a worker look at a job, where there is a worker.

    Raises:
        ConfigurationError: a setting cannot be used.
        UnavailableError: the database does not answer.
    """
    resources = open_server_resources(settings, url, home, store)
    try:
        # Now, so that the first person who asks does not wait for it.
        await ping_database(resources.database)
        yield application.open_api(
            resources,
            verifier=Authenticator(local_verifier(home)),
            routes=graphiql_routes(assets_folder(home)),
            wake=wake,
        )
    finally:
        await resources.close()
