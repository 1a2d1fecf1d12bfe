"""A database that worlds are put into, engines over it: what is compared with the references."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.schema.model import Model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.golden.compiled import RENDERINGS
from tests.reference.computed import FILES
from tests.reference.policy import World
from tests.reference.rows import delete_rows, insert_rows, read_rows

COMMON = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
# What asking before has written down; the world's own entries are older.
FORGET = "delete from audit_entry where at > now() - interval '1 day'"
# The limits have tests of their own.
ENDLESS = 10**30
UNLIMITED = Settings(
    max_characters=ENDLESS,
    max_tokens=ENDLESS,
    max_depth=ENDLESS,
    max_fields=ENDLESS,
    max_root_fields=ENDLESS,
    max_aliases=ENDLESS,
    max_repeats=ENDLESS,
    max_cost=ENDLESS,
)


@dataclass(frozen=True, slots=True)
class Engines:
    """One database, and an engine for each rendering."""

    model: Model
    runner: asyncio.Runner
    database: Database
    engines: dict[str, Engine]

    def fill(self, world: World) -> None:
        """Make the world's rows the only ones there are; the plans stay, as in a server."""
        self.runner.run(delete_rows(self.database))
        self.runner.run(insert_rows(self.database, self.model, world))

    def read(self, world: World) -> World:
        """The rows that there are now, of the world's types."""
        return self.runner.run(read_rows(self.database, self.model, world))

    def ask(
        self,
        rendering: str,
        text: str,
        viewer: UUID,
        variables: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> bytes:
        """What the viewer is answered."""
        return self.runner.run(self._ask(rendering, text, viewer, variables or {}, key))

    async def _ask(
        self, rendering: str, text: str, viewer: UUID, variables: Mapping[str, Any], key: str | None
    ) -> bytes:
        deadline = time.monotonic() + 60
        if "audit" in text:
            await self.database.write(FORGET, deadline=deadline)
        answer = await self.engines[rendering].execute(
            GraphQLRequest(text, None, dict(variables)),
            Viewer(viewer),
            deadline=deadline,
            idempotency_key=key,
        )
        return answer.body


@contextmanager
def open_engines(url: str) -> Iterator[Engines]:
    """Engines over the database at `url`, while the block runs."""
    # Hypothesis runs what it is given without waiting, so the loop is one of its own.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(UNLIMITED, url=url)
        model = load_model()
        engines = {
            rendering: Engine(
                model,
                database,
                replace(UNLIMITED, rendering=rendering),
                load_features().procedures,
                computed=lambda _: FILES,
            )
            for rendering in RENDERINGS
        }
        yield Engines(model, runner, database, engines)
        runner.run(database.close())
