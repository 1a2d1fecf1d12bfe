"""`make up`: everything on this machine, in order, and nothing of it left behind.

Called by the command line. First what can be known at once (the port, the data folder), then the
database, its tables, the demo school, the API and its worker. Whatever was started is stopped in
the opposite order, on Ctrl-C, SIGTERM or an error, in any phase. Serves this machine only.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import platform
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from poutama.configuration import open_home
from poutama.db.migrate import migrate
from poutama.demo.school import student_email
from poutama.demo.seed import enrol_if_empty
from poutama.edge.http import Api
from poutama.errors import ConfigurationError
from poutama.features import load_features
from poutama.laptop.api import open_local_api
from poutama.laptop.database import LocalDatabase, run_database
from poutama.laptop.database_supervisor import supervise_database
from poutama.laptop.graphiql.assets import ensure_assets
from poutama.progress import ProgressLines
from poutama.server.files import FileRoutes, log_uses
from poutama.server.listen import check_port
from poutama.server.serve import serve
from poutama.server.stop import Stopped, StopRequest
from poutama.server.worker_supervisor import supervise_worker
from poutama.settings import Settings
from poutama.store.choose import open_store
from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore


def run_up(settings: Settings, stop: StopRequest) -> None:
    """Start everything, say `ready: ADDRESS`, and serve until asked to stop.

    Args:
        settings: the port, the data folder, and what the API needs.
        stop: entered by the caller, so that a signal is handled before this module is loaded.

    Raises:
        ConfigurationError: the port, the data folder or the database cannot be used, or the
            database died and cannot be started again; nothing is left running.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    log_uses()
    steps = ProgressLines(Console())
    check_address(settings)
    check_port(settings)
    home = open_home(settings)
    with ExitStack() as started:
        try:
            _start_and_serve(settings, home, steps, stop, started)
        except Stopped:
            pass
        finally:
            stop.begin_stopping()
            if stop.requested:
                steps.print("stopping")
    steps.print(f"stopped; your data is in {home}")


def _start_and_serve(
    settings: Settings, home: Path, steps: ProgressLines, stop: StopRequest, started: ExitStack
) -> None:
    with steps.step("environment") as step:
        # Before anything is started: what a feature of another package got wrong.
        features = load_features()
        _ = features.procedures
        step.note = f"Python {platform.python_version()}, data in {home}"
    with steps.step("database") as step:
        database = started.enter_context(run_database(settings, home))
        step.note = database.name
    with steps.step("migrations") as step:
        applied = migrate(database.url, histories=features.histories)
        step.note = f"{len(applied)} applied" if applied else "up to date"
    enrol_if_empty(settings, database.url, steps)
    with steps.step("graphiql") as step:
        step.note = "installed" if ensure_assets(home).is_dir() else "not there; see above"
    store = open_store(settings, os.environ, home)
    serve(
        partial(_open_api_and_worker, settings, database, home, store, stop),
        settings,
        stop,
        lambda address: _announce(address, steps),
        FileRoutes(store) if isinstance(store, DirectoryStore) else None,
    )
    if stop.error is not None:
        raise stop.error


@asynccontextmanager
async def _open_api_and_worker(
    settings: Settings, database: LocalDatabase, home: Path, store: ObjectStore, stop: StopRequest
) -> AsyncIterator[Api]:
    """The API, and beside it the worker that runs its jobs and the schedule."""
    url = database.url
    async with (
        supervise_database(database.server, stop),
        supervise_worker(settings, url, home) as wake,
    ):
        # A queue of AWS's is one that the worker looks into by itself.
        local_wake = None if settings.queue_url else wake
        async with open_local_api(settings, url, home, store=store, wake=local_wake) as api:
            yield api


def _announce(address: str, steps: ProgressLines) -> None:
    program = Path(sys.argv[0])
    # On its own line and at once: people and programs wait for it.
    print(f"ready: {address}", flush=True)
    steps.print(f"  try it     {address}/graphiql")
    steps.print(f"  a token    {program} token {student_email(1)}")
    steps.print("  stop       Ctrl-C")


def check_address(settings: Settings) -> None:
    """Refuse what the local server cannot or must not listen on.

    Raises:
        ConfigurationError: not a port, or an address that others could reach.
    """
    if not 0 <= settings.port <= 65535:
        raise ConfigurationError(f"port: expected a number from 0 to 65535, got {settings.port}")
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise ConfigurationError(
            f"POUTAMA_HOST: expected an address of this machine alone, such as 127.0.0.1,"
            f" got {settings.host!r}; `poutama serve` listens on others"
        )
