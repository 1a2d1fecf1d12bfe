"""`poutama chaos` as it runs: a real server killed under writers and readers, then the audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from poutama.chaos import client as clients
from poutama.chaos.chaos_rows import find_rows, read_mark, write_mark
from poutama.chaos.counters import RunCounters
from poutama.chaos.database_nodes import CommandNodes, Commands, EmbeddedNode, Nodes, Outage
from poutama.chaos.durability import Anomaly, judge
from poutama.chaos.history import (
    History,
    HistoryRecord,
    OperationKind,
    OperationOutcome,
    Run,
    gather,
)
from poutama.chaos.run import ChaosPlan, run_chaos
from poutama.db.connection import Database
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.laptop.direct_api import DirectApi
from poutama.settings import Settings

PLAN = ChaosPlan(name="t", began="2026-02-03T00:00:00Z", writers=4, readers=2)
SETTINGS = Settings()
NOTHING_TAKEN_AWAY = CommandNodes((), Commands())


async def run(plan: ChaosPlan, nodes: Nodes, url: str, enough: int = 0) -> History:
    """Run the plan, or until so many operations have ended."""
    records: list[HistoryRecord] = []
    stop = asyncio.Event()

    def keep(record: HistoryRecord) -> None:
        records.append(record)
        if enough and len(records) >= enough:
            stop.set()

    await run_chaos(plan, nodes, (SETTINGS, url), DirectApi, RunCounters(keep), stop)
    first = records[0]
    assert isinstance(first, Run)
    return gather(first, records[1:])


@pytest.fixture
async def connection(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database_url)
    yield connection
    await connection.close()


@pytest.fixture
def server(database_engine: str, tmp_path: Path) -> Iterator[EmbeddedServer]:
    if database_engine != "postgresql":
        pytest.skip("kills the embedded PostgreSQL")
    server = EmbeddedServer(tmp_path / "server")
    try:
        server.start()
        migrate(server.url)
        yield server
    finally:
        server.discard()


async def test_a_server_killed_under_load_keeps_its_promises(
    server: EmbeddedServer,
) -> None:
    plan = replace(PLAN, seconds=10.0, every=1.5, down=0.3, keep=True)
    history = await run(plan, EmbeddedNode(server), server.url)
    verdict = judge(history)
    assert [str(violation) for violation in verdict.violations] == []
    assert {fault.action for fault in history.faults} == set(Outage)
    kinds = {op.kind for op in history.operations if op.outcome is OperationOutcome.ACKNOWLEDGED}
    assert kinds == set(OperationKind)
    assert verdict.outcomes[OperationOutcome.ACKNOWLEDGED] > 100


async def test_what_the_database_lost_afterwards_is_missed(
    fresh_database_url: str, connection: asyncpg.Connection
) -> None:
    """The verdict is about the rows, not about what was counted on the way."""
    plan = replace(PLAN, seconds=60.0, keep=True)
    history = await run(plan, NOTHING_TAKEN_AWAY, fresh_database_url, enough=300)
    assert judge(history).passed
    assert history.faults == []
    await connection.execute(
        "DELETE FROM goal_note WHERE id = (SELECT n.id FROM goal_note AS n"
        " JOIN goal AS g ON g.id = n.goal_id WHERE g.title LIKE 'notes%' LIMIT 1)"
    )
    database = Database(SETTINGS, url=fresh_database_url)
    found = await find_rows(database, "t", deadline=time.monotonic() + 60)
    await database.close()
    again = judge(msgspec.structs.replace(history, found=found))
    assert Anomaly.LOST in {violation.rule for violation in again.violations}


async def test_the_run_removes_its_own_people_alone(
    fresh_database_url: str, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "INSERT INTO person (id, email, name) VALUES"
        " (gen_random_uuid(), 'chaos-u-1@demo.example', 'Chaos'),"
        " (gen_random_uuid(), 'student-0001@demo.example', 'Student')"
    )
    plan = replace(PLAN, seconds=60.0)
    history = await run(plan, NOTHING_TAKEN_AWAY, fresh_database_url, enough=50)
    assert judge(history).passed
    assert await connection.fetchval("SELECT count(*) FROM person") == 2
    for table in ("goal", "goal_note", "goal_task", "idempotency_key"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_client_that_repeats_without_a_key_is_found_out(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What every retry loop by hand does: send it again, and hope."""

    class RetryingClient(DirectApi):
        async def __call__(
            self,
            document: str,
            variables: Mapping[str, object],
            *,
            person: UUID,
            deadline: float,
            key: str | None = None,
        ) -> bytes:
            if "createGoalNote" in document:
                await super().__call__(document, variables, person=person, deadline=deadline)
            return await super().__call__(
                document, variables, person=person, deadline=deadline, key=key
            )

    records: list[HistoryRecord] = []
    monkeypatch.setattr(clients, "DEADLINES", (10.0,))
    plan = replace(PLAN, seconds=1.0)
    await run_chaos(
        plan,
        NOTHING_TAKEN_AWAY,
        (SETTINGS, fresh_database_url),
        RetryingClient,
        RunCounters(records.append),
        asyncio.Event(),
    )
    first = records[0]
    assert isinstance(first, Run)
    broken = {violation.rule for violation in judge(gather(first, records[1:])).violations}
    assert Anomaly.DOUBLED in broken


@pytest.mark.parametrize(("mark", "version"), [("7", None), ("7.1", None), ("8", 12)])
def test_a_mark_is_read_as_it_was_written(mark: str, version: int | None) -> None:
    assert read_mark(write_mark(mark, version)) == (mark, version)


def test_a_text_of_another_persons_is_an_unknown_mark() -> None:
    assert read_mark("Practise the haka") == ("Practise the haka", None)
