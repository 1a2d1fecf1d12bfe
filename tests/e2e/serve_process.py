"""A `poutama serve` of one's own, as a process, over a demo school and an issuer of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.e2e.up_process import HANG_SECONDS, POUTAMA
from tests.events.cloud import SignIns
from tests.unit.edge.issuer import AUDIENCE


@dataclass(slots=True)
class ServeProcess:
    """A long-running command, and what it has printed so far."""

    process: subprocess.Popen[str]
    log: Path
    address: str = ""
    printed: str = ""

    def wait_until_ready(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if found := re.match(r"ready(?:: (\S+))?$", line):
                self.address = found[1] or ""
                return self.address
        pytest.fail(f"it ended without being ready:\n{self.printed}{self.logged()}")

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests."""
        return [
            process
            for process in psutil.Process(self.process.pid).children(recursive=True)
            if "poutama.server.server_process" in process.cmdline()
        ]

    def end(self, *signals: signal.Signals) -> int:
        for number in signals:
            self.process.send_signal(number)
        return self.process.wait(HANG_SECONDS)


def settings_for(url: str, home: Path, sign_ins: SignIns) -> dict[str, str]:
    """The environment of a team that hosts itself."""
    return {
        **os.environ,
        "POUTAMA_HOME": str(home),
        "POUTAMA_PORT": "0",
        "POUTAMA_DATABASE_URL": url,
        "POUTAMA_ISSUERS": f"{sign_ins.server.url}|{AUDIENCE}",
        "SSL_CERT_FILE": str(sign_ins.authority),
    }


@contextmanager
def start(environment: Mapping[str, str], log: Path, *words: str) -> Iterator[ServeProcess]:
    """Run `poutama WORDS` while the block runs; nothing of it is left then."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(POUTAMA), *words],
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    watchdog = threading.Timer(HANG_SECONDS, process.kill)
    watchdog.start()
    family: list[psutil.Process] = []
    try:
        served = ServeProcess(process, log)
        yield served
    finally:
        watchdog.cancel()
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(HANG_SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        _, alive = psutil.wait_procs(family, timeout=HANG_SECONDS)
        assert alive == []


def run_serve(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run `poutama serve` where it is to refuse to start."""
    return subprocess.run(
        [str(POUTAMA), "serve", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
