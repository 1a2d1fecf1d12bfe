"""The stand that cases are measured on: a database with the demo school, and the processes.

Called by `bench.__main__`. The database is private, made anew and deleted afterwards; it does
without surviving a power cut, for both sides alike. Only the two sides whose turn it is work at
a time; the others sleep.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench.cases import Case
from bench.ceiling_side import CeilingSide
from bench.children import START_SECONDS, Child, start_api, start_side
from bench.http_side import HANG_SECONDS, HttpSide
from bench.recording import VIEWER, record_case
from bench.workload import Sample
from poutama.db.embedded import EmbeddedServer
from poutama.db.migrate import migrate
from poutama.demo.loader import make_demo
from poutama.laptop.issuer import issue_token
from poutama.settings import Settings

STUDENTS = 300


@dataclass(frozen=True, slots=True)
class RoundUsage:
    """One side's round, and what the servers behind it used meanwhile, in CPU seconds."""

    sample: Sample
    api_seconds: float
    database_seconds: float


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """One case, ready to be measured."""

    case: Case
    bytes: int
    """Of a response's body."""
    _api: Child
    _http: Child
    _ceiling: Child
    _postmaster: int

    def load_api(self, seconds: float) -> RoundUsage:
        """One round over HTTP."""
        return self._turn(self._http, seconds)

    def load_database(self, seconds: float) -> RoundUsage:
        """One round of the ceiling."""
        return self._turn(self._ceiling, seconds)

    def _turn(self, side: Child, seconds: float) -> RoundUsage:
        api, database = _cpu_seconds(self._api.pid), _family_seconds(self._postmaster)
        side.start_round(seconds)
        sample: Sample = side.hear(seconds + 2 * HANG_SECONDS)
        api, database = (
            _cpu_seconds(self._api.pid) - api,
            _family_seconds(self._postmaster) - database,
        )
        return RoundUsage(sample, api, database)


@dataclass(frozen=True, slots=True)
class Environment:
    """A database with the demo school, and a folder for the issuer's key."""

    _settings: Settings
    _server: EmbeddedServer
    _home: Path

    @contextmanager
    def open_engines(self, case: Case) -> Iterator[PreparedCase]:
        """Give a case processes of its own while the block runs."""
        settings = replace(self._settings, port=0, rendering=case.rendering)
        url = self._server.url
        workload = asyncio.run(record_case(case, settings, url))
        token = issue_token(self._home, VIEWER.person_id)
        with ExitStack() as stack:
            api = stack.enter_context(start_api(settings, url, self._home))
            address = api.hear(START_SECONDS)
            http = stack.enter_context(start_side(HttpSide(address, token, workload)))
            ceiling = stack.enter_context(start_side(CeilingSide(url, workload)))
            for side in (http, ceiling):
                side.hear(START_SECONDS)
            yield PreparedCase(case, workload.lengths[0], api, http, ceiling, self._server.pid)


@contextmanager
def open_environment(settings: Settings, report: Callable[[str], None]) -> Iterator[Environment]:
    """Start the database, fill it, and delete it in the end.

    Args:
        settings: of the API, save where the database is.
        report: called with what is being done.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poutama-bench-")))
        report("starting a database")
        server = EmbeddedServer(folder / "postgres", durable=False)
        stack.callback(server.discard)
        server.start()
        migrate(server.url)
        report(f"making a school of {STUDENTS} students")
        asyncio.run(make_demo(server.url, students=STUDENTS))
        yield Environment(settings, server, folder)


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _family_seconds(pid: int) -> float:
    """Of a server and the processes that it has now."""
    children = psutil.Process(pid).children()
    return _cpu_seconds(pid) + sum(_cpu_seconds(child.pid) for child in children)
