"""Makes a case ready: runs it once through the engine, and notes what that sends to the database.

So the ceiling runs the very text and the very values that a request leads to, in sessions with the
very settings. Called by
`bench.environment` just before the case is measured: a write changes what is read later. Nothing
here is timed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.cases import Case
from bench.workload import CONNECTIONS, Query, Workload
from poutama.db.connection import Database
from poutama.db.pooled_connection import Records
from poutama.demo.school import person_id, student_email
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

VIEWER = Viewer(person_id(student_email(1)))
SECONDS = 30.0
# What a session was set to when it began; asyncpg itself sets the encoding.
SESSION = (
    "SELECT name, setting FROM pg_settings WHERE source = 'client' AND name <> 'client_encoding'"
)


class RecordingDatabase(Database):
    """Notes every statement before it runs it."""

    def __init__(self, settings: Settings, *, url: str) -> None:
        super().__init__(settings, url=url)
        self.queries: list[Query] = []

    async def read(
        self, statement: str, args: Sequence[object] = (), *, deadline: float, name: str = "read"
    ) -> Records:
        """As `Database.read`."""
        self.queries.append(Query(statement, tuple(args)))
        return await super().read(statement, args, deadline=deadline, name=name)

    async def write(
        self, statement: str, args: Sequence[object] = (), *, deadline: float, name: str = "write"
    ) -> Records:
        """As `Database.write`."""
        self.queries.append(Query(statement, tuple(args)))
        return await super().write(statement, args, deadline=deadline, name=name)


async def record_case(case: Case, settings: Settings, url: str) -> Workload:
    """Run the case once for each connection.

    Raises:
        RuntimeError: it is not answered with data, or by more than one statement.
    """
    settings = replace(settings, rendering=case.rendering)
    database = RecordingDatabase(settings, url=url)
    try:
        engine = Engine(load_model(), database, settings, load_features().procedures)
        variables: list[Mapping[str, object]] = [{}] * CONNECTIONS
        if case.goal_each:
            found = json.loads(await _run(engine, "{ goals { id } }", {}))["data"]["goals"]
            variables = [{"goalId": goal["id"]} for goal in found[:CONNECTIONS]]
        database.queries.clear()
        answers = [await _run(engine, case.document, input) for input in variables]
        queries = tuple(database.queries)
        session = await database.read(SESSION, deadline=time.monotonic() + SECONDS)
    finally:
        await database.close()
    if len(queries) != CONNECTIONS:
        raise RuntimeError(f"{case.name}: expected one statement an operation, got {len(queries)}")
    return Workload(
        bodies=tuple(_encode(case.document, input) for input in variables),
        lengths=tuple(map(len, answers)),
        queries=queries,
        session={row["name"]: row["setting"] for row in session},
    )


async def _run(engine: Engine, document: str, variables: Mapping[str, object]) -> bytes:
    request = GraphQLRequest(document, variables=variables)
    answer = await engine.execute(request, VIEWER, deadline=time.monotonic() + SECONDS)
    if answer.status != 200 or "errors" in json.loads(answer.body):
        raise RuntimeError(f"not answered with data: {answer.body[:500]!r}")
    return answer.body


def _encode(document: str, variables: Mapping[str, object]) -> bytes:
    return json.dumps({"query": document, "variables": variables}).encode()
