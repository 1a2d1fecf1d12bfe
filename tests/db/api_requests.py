"""Requests of one person to the API over a database, and the statements that each takes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.edge.http import Api, Request
from poutama.engine import Engine
from poutama.engine.trusted_documents import TrustedDocuments
from poutama.features import load_features, load_model
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.golden.rows import ANA, fill

JSON = {"content-type": "application/json", "accept": "application/graphql-response+json"}


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    body: dict[str, Any]
    statements: list[str]

    @property
    def error(self) -> dict[str, Any]:
        assert self.body.get("data") is None, self.body
        error: dict[str, Any] = self.body["errors"][0]
        return error

    @property
    def code(self) -> str:
        return str(self.error["extensions"]["code"])


class Ana:
    """All is sent by Ana."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return ANA


@dataclass(slots=True)
class Server:
    """The API over a database."""

    database: Database
    settings: Settings
    trusted: TrustedDocuments | None = None

    async def send(self, request: Request) -> Response:
        procedures = load_features().procedures
        engine = Engine(load_model(), self.database, self.settings, procedures, self.trusted)
        await fill(self.database)
        traces: list[StatementTrace] = []
        with self.database.observe(traces.append):
            response = await Api(engine, Ana(), self.settings, self.healthy).handle(request)
        statements = [trace.statement for trace in traces]
        return Response(response.status, json.loads(response.body), statements)

    async def post(self, body: object, **headers: str) -> Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send(Request("POST", "/graphql", "", {**JSON, **headers}, content))

    async def ask(self, query: str, **variables: Any) -> Response:
        return await self.post({"query": query, "variables": variables})

    async def healthy(self) -> None:
        return
