"""Databases to run statements on, somebody else's connection to them, and engines over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.settings import Settings
from tests.db.bureau import Bureau
from tests.db.registrar import Registrar
from tests.db.sessions import Open, soon
from tests.db.studio import Studio
from tests.db.workshop import Workshop
from tests.golden.compiled import RENDERINGS
from tests.golden.desk import Desk
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
    """Somebody else's connection to the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="module")
async def desk_database(database_url: str) -> AsyncIterator[Database]:
    """The database that a module's desks share; each test finds the rows as they were at first."""
    database = Database(Settings(), url=database_url)
    yield database
    await database.close()


@pytest_asyncio.fixture(params=RENDERINGS)
async def desk(request: pytest.FixtureRequest, desk_database: Database) -> Desk:
    """An engine over the rows of `tests.golden.rows`, once for each rendering."""
    await fill(desk_database)
    return Desk(desk_database, request.param)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Workshop]:
    """A workshop without jobs, over the module's database."""
    database = Database(Settings(), url=database_url)
    shop = Workshop(database)
    await shop.set_up()
    yield shop
    await database.close()


@pytest.fixture
async def studio(desk_database: Database, tmp_path: Path) -> AsyncIterator[Studio]:
    """Whoever adds evidence; at the end, what is counted of it is what there is."""
    studio = Studio(desk_database, tmp_path / "files")
    await studio.set_up()
    yield studio
    await studio.audit()


@pytest.fixture
async def registrar(desk_database: Database, tmp_path: Path) -> Registrar:
    """Whoever imports rosters."""
    registrar = Registrar(desk_database, tmp_path / "files")
    await registrar.set_up()
    return registrar


@pytest.fixture
async def bureau(desk_database: Database, tmp_path: Path) -> Bureau:
    """Whoever asks for exports."""
    bureau = Bureau(desk_database, tmp_path / "store")
    await bureau.set_up()
    return bureau
