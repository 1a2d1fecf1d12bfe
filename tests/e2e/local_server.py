"""A `poutama up` of one's own, as a process: its address, its tokens, and what it has logged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

POUTAMA = Path(sys.executable).parent / "poutama"
# Not a measurement: a process that hangs must not hang the suite.
HANG_SECONDS = 120


@dataclass(slots=True)
class LocalServer:
    """A server that is running."""

    address: str
    process: int
    log: Path
    environment: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def graphql(self) -> str:
        return f"{self.address}/graphql"

    def token(self, email: str = "student-0001@demo.example") -> str:
        if email not in self.tokens:
            self.tokens[email] = self.run("token", email).strip()
        return self.tokens[email]

    def run(self, *words: str) -> str:
        """What the command says."""
        result = subprocess.run(
            [str(POUTAMA), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=True,
        )
        return result.stdout

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


@contextmanager
def run_server(home: Path, settings: Mapping[str, str]) -> Iterator[LocalServer]:
    """Run a server with its data in `home`, from when it is ready to the end of the block.

    Args:
        home: an empty folder.
        settings: environment variables.

    Raises:
        RuntimeError: it ended without being ready.
    """
    environment = {**settings, "POUTAMA_HOME": str(home), "PORT": "0"}
    log = home / "stderr"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(POUTAMA), "up"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    watchdog = Timer(HANG_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("ready: "):
                watchdog.cancel()
                address = line.removeprefix("ready: ").strip()
                yield LocalServer(address, process.pid, log, environment)
                break
        else:
            raise RuntimeError(f"ended without being ready:\n{''.join(said)}{log.read_text()}")
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=HANG_SECONDS)
