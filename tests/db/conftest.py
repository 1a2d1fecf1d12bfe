"""Databases to run statements on, another connection to them, and engines over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.settings import Settings
from tests.db.evidence_harness import EvidenceHarness
from tests.db.job_harness import JobHarness
from tests.db.journey_exporter import JourneyExporter
from tests.db.roster_importer import Importer
from tests.db.sessions import Open, soon
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient
from tests.golden.rows import fill


@pytest.fixture
async def open_database(postgres_url: str) -> AsyncIterator[Open]:
    opened: list[Database] = []

    def open_database(**settings: Any) -> Database:
        opened.append(Database(Settings(database_url=postgres_url, **settings)))
        return opened[-1]

    yield open_database
    for database in opened:
        await database.close()
        assert database.pool.open_connections == 0


@pytest.fixture
async def database(open_database: Open) -> Database:
    database = open_database(pool_size=2)
    await database.write("CREATE TABLE word (id int PRIMARY KEY, text text)", deadline=soon())
    await database.write("INSERT INTO word VALUES (1, 'āe')", deadline=soon())
    return database


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another connection to the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def engine_database(database_url: str) -> AsyncIterator[Database]:
    """The database that a module's clients share; each test finds the rows as they were."""
    database = Database(Settings(), url=database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture(params=RENDERINGS)
async def client(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    """An engine over the rows of `tests.golden.rows`, once for each rendering."""
    await fill(engine_database)
    return EngineClient(engine_database, request.param)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[JobHarness]:
    """A harness without jobs, over the module's database."""
    database = Database(Settings(), url=database_url)
    shop = JobHarness(database)
    await shop.set_up()
    yield shop
    await database.close()


@pytest.fixture
async def harness(engine_database: Database, tmp_path: Path) -> AsyncIterator[EvidenceHarness]:
    """A person who adds evidence; at the end, what is counted of it is what there is."""
    harness = EvidenceHarness(engine_database, tmp_path / "files")
    await harness.set_up()
    yield harness
    await harness.audit()


@pytest.fixture
async def importer(engine_database: Database, tmp_path: Path) -> Importer:
    """An administrator who imports rosters."""
    importer = Importer(engine_database, tmp_path / "files")
    await importer.set_up()
    return importer


@pytest.fixture
async def exporter(engine_database: Database, tmp_path: Path) -> JourneyExporter:
    """A person who asks for exports."""
    exporter = JourneyExporter(engine_database, tmp_path / "store")
    await exporter.set_up()
    return exporter
