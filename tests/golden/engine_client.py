"""A client of an engine, without HTTP: asks over a real database, as Ana or as the person named."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from poutama.db.connection import Database
from poutama.engine import Engine, GraphQLResponse
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.golden.rows import ANA


def take_data(body: Any) -> Any:
    """The data of an answer without errors, but of rows that are named and not found."""
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    assert codes <= {"NOT_FOUND"}, body
    assert body.get("data") is not None, body
    return body["data"]


@dataclass(slots=True)
class EngineClient:
    """One engine, one rendering."""

    database: Database
    rendering: str
    procedures: Mapping[str, Procedure] = field(default_factory=lambda: load_features().procedures)
    settings: Settings = field(default_factory=Settings)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        settings = replace(self.settings, rendering=self.rendering)
        self.engine = Engine(load_model(), self.database, settings, self.procedures)

    async def send(
        self, query: str, viewer: Viewer | None = ANA, /, **variables: Any
    ) -> GraphQLResponse:
        """The whole answer."""
        return await self.engine.execute(
            GraphQLRequest(query, variables=variables), viewer, deadline=time.monotonic() + 60
        )

    async def ask(self, query: str, viewer: Viewer | None = ANA, /, **variables: Any) -> Any:
        """The data; there must be no error but of a row that is not found, where null stands."""
        body = json.loads((await self.send(query, viewer, **variables)).body)
        return take_data(body)

    async def fail(
        self, query: str, viewer: Viewer | None = ANA, /, **variables: Any
    ) -> tuple[int, Any]:
        """The status and the one error; there must be no data."""
        answer = await self.send(query, viewer, **variables)
        body = json.loads(answer.body)
        assert body.get("data") is None, body
        (error,) = body["errors"]
        return answer.status, error

    async def refuse(self, query: str, viewer: Viewer | None = ANA, /, **variables: Any) -> str:
        """The code of the one error."""
        _, error = await self.fail(query, viewer, **variables)
        return str(error["extensions"]["code"])
