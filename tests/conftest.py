"""The servers and databases that tests run on.

PostgreSQL by default: one embedded server a session, one cheap database for each that asks. Under
`make test-cockroach` (`POUTAMA_TEST_ENGINE=cockroachdb`) the same fixtures give databases of the
cluster at `POUTAMA_COCKROACH_URL`, or of a private node of the `cockroach` on PATH.

| fixture | scope | gives the URL of |
|---|---|---|
| `postgres_url` | function | an empty database |
| `fresh_database_url` | function | a migrated, empty database |
| `database_url` | module | a migrated database that the module's tests share |
| `data_folder` | function | (no URL) an empty folder for a server of the test's own |
| `make_database` | session | `make_database(migrated=True)`: as many as a test wants |
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import settings

from poutama.db.cockroach import CockroachServer, find_cockroach
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.errors import ConfigurationError
from poutama.features import load_features
from tests.database_reset import Schema, empty, read_schema
from tests.unit_scheduling import UnitScheduling, count_workers, is_controller, rank

T = TypeVar("T")

ENGINE = os.environ.get("POUTAMA_TEST_ENGINE", "postgresql")
COCKROACH_URL = os.environ.get("POUTAMA_COCKROACH_URL", "")
EXAMPLES = os.environ.get("POUTAMA_EXAMPLES", "")
SURELY_LOCKED_SECONDS = 60.0
SERVERS = Path(tempfile.gettempdir()) / f"poutama-tests-{os.geteuid()}"


def pytest_configure(config: pytest.Config) -> None:
    """A developer's own settings must not change what the tests see."""
    if is_controller(config):
        return  # its workers read which engine to test
    for name in [name for name in os.environ if name.startswith("POUTAMA_")]:
        del os.environ[name]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return count_workers(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> UnitScheduling:
    return UnitScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under `-n` the units that last longest come first."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))


# How long one example takes is a matter of the machine, and of what else runs on it.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


class Server(Protocol):
    """Whatever has databases: an embedded server, a private node, a cluster."""

    def url_of(self, database: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster that `POUTAMA_COCKROACH_URL` names."""

    url: str

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))


@dataclass(slots=True)
class DatabaseMaker:
    """Makes databases on the session's server, and drops them when it is closed.

    Migrating takes seconds on CockroachDB, where every statement of a migration is a job. There a
    migrated database that is dropped is emptied, looked over, and given to the next that asks.
    """

    server: Server
    made: list[str] = field(default_factory=list)
    template: str = ""
    migrated: dict[str, Schema] = field(default_factory=dict)
    """On CockroachDB: what the migrations have left in each."""
    spare: list[str] = field(default_factory=list)

    def __call__(self, *, migrated: bool = True) -> str:
        if migrated and self.spare:
            return self.server.url_of(self.spare.pop())
        name = f"poutama_test_{uuid4().hex}"
        source = self._migrated_template() if migrated and ENGINE == "postgresql" else ""
        self._execute(f"create database {name}" + (f" template {source}" if source else ""))
        self.made.append(name)
        url = self.server.url_of(name)
        if migrated and not source:
            _in_thread(url, None)
            self.migrated[name] = _on_a_loop(read_schema, url)
        return url

    def drop(self, url: str) -> None:
        name = urlsplit(url).path.removeprefix("/")
        schema = self.migrated.get(name)
        if schema is not None and _on_a_loop(partial(empty, schema=schema), url):
            self.spare.append(name)
            return
        self._drop(name)

    def close(self) -> None:
        if not isinstance(self.server, Cluster):
            return  # all of it is thrown away
        for name in list(self.made):
            self._drop(name)

    def _drop(self, name: str) -> None:
        self.made.remove(name)
        self._execute(
            f"drop database {name} " + ("with (force)" if ENGINE == "postgresql" else "cascade")
        )

    def _migrated_template(self) -> str:
        """Migrating takes a second, cloning what was migrated a few milliseconds."""
        if not self.template:
            url = self(migrated=False)
            _in_thread(url, None)
            self.template = urlsplit(url).path.removeprefix("/")
        return self.template

    def _execute(self, statement: str) -> None:
        database = "postgres" if ENGINE == "postgresql" else "defaultdb"
        _in_thread(self.server.url_of(database), statement)


def _in_thread(url: str, statement: str | None) -> None:
    """Run one statement, or the migrations, on a loop of its own: the caller may be on one."""

    async def execute(url: str) -> None:
        assert statement is not None
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    if statement is None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(migrate, url, histories=load_features().histories).result()
    else:
        _on_a_loop(execute, url)


def _on_a_loop(work: Callable[[str], Coroutine[Any, Any, T]], url: str) -> T:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work(url))).result()


def _discard_abandoned() -> None:
    """Delete what sessions that were killed left behind; leave alone what is still in use."""
    SERVERS.mkdir(exist_ok=True)
    for folder in SERVERS.iterdir():
        with suppress(ConfigurationError, FileNotFoundError):
            # Between making its folder and locking it a session's server belongs to no session.
            if folder.stat().st_mtime < time.time() - SURELY_LOCKED_SECONDS:
                EmbeddedServer(folder).discard()


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    """The session's server; started for the first test that needs a database."""
    with ExitStack() as stack:
        if ENGINE == "postgresql":
            _discard_abandoned()
            server = EmbeddedServer(SERVERS / uuid4().hex[:12], durable=False, tcp=True)
            stack.callback(server.discard)
            server.start()
            yield server
        elif COCKROACH_URL:
            yield Cluster(COCKROACH_URL)
        elif program := find_cockroach():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poutama-")))
            yield stack.enter_context(CockroachServer(program, folder, durable=False))
        else:
            pytest.skip("skipped: no cockroach")


@pytest.fixture(scope="session")
def make_database(database_server: Server) -> Iterator[DatabaseMaker]:
    maker = DatabaseMaker(database_server)
    yield maker
    maker.close()


@pytest.fixture
def postgres_url(make_database: DatabaseMaker) -> Iterator[str]:
    url = make_database(migrated=False)
    yield url
    make_database.drop(url)


@pytest.fixture
def fresh_database_url(make_database: DatabaseMaker) -> Iterator[str]:
    url = make_database()
    yield url
    make_database.drop(url)


@pytest.fixture(scope="module")
def database_url(make_database: DatabaseMaker) -> Iterator[str]:
    url = make_database()
    yield url
    make_database.drop(url)


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A folder that servers may keep their data in.

    Not `tmp_path`: root's servers run as `nobody`, and every pytest that starts on this machine
    closes the folder above it to everyone but its owner.
    """
    folder = Path(tempfile.mkdtemp(prefix="poutama-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def database_engine() -> str:
    """`postgresql` or `cockroachdb`."""
    return ENGINE


@pytest.fixture(scope="session")
def examples() -> int | None:
    """How many generated documents `POUTAMA_EXAMPLES` asks for; None for the usual ones."""
    return int(EXAMPLES) if EXAMPLES else None
