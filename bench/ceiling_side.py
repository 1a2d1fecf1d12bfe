"""The ceiling: the same statements through asyncpg, without GraphQL and without HTTP.

Eight connections in one process, started by `bench.environment`, in sessions like the API's own.
Nothing that speaks to the database from Python can be faster.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from bench.workload import Query, Sample, Workload, summarise


class CeilingSide:
    """All connections that one workload has to the database."""

    def __init__(self, url: str, workload: Workload) -> None:
        self._url = url
        self._queries = workload.queries
        self._session = dict(workload.session)
        self._statements: Sequence[tuple[PreparedStatement[asyncpg.Record], Query]] = ()

    async def open(self) -> None:
        """Connect, and prepare every statement."""
        statements = []
        for query in self._queries:
            connection: asyncpg.Connection = await asyncpg.connect(
                self._url, server_settings=self._session
            )
            statements.append((await connection.prepare(query.text), query))
        self._statements = statements

    async def run(self, seconds: float) -> Sample:
        """Ask for so long."""
        cpu, started = time.process_time(), time.perf_counter()
        until = started + seconds
        rounds = await asyncio.gather(
            *(_repeat(statement, query.args, until) for statement, query in self._statements)
        )
        elapsed, used = time.perf_counter() - started, time.process_time() - cpu
        return summarise([one for latencies in rounds for one in latencies], elapsed, used)


async def _repeat(
    statement: PreparedStatement[asyncpg.Record], args: tuple[object, ...], until: float
) -> list[float]:
    latencies = []
    sent = time.perf_counter()
    while True:
        try:
            rows = await statement.fetch(*args)
        except asyncpg.SerializationError:  # lost a race: asked again, as the API does
            continue
        if not rows:
            raise RuntimeError("a statement returned no rows")
        now = time.perf_counter()
        latencies.append(now - sent)
        if now >= until:
            return latencies
        sent = now
