"""A `poutama up` as a person runs it: a real process, its own data folder, its own free port.

Those tests use it that stop, kill and start one; others share that of `conftest`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

POUTAMA = Path(sys.executable).parent / "poutama"
STUDENT = "student-0001@demo.example"
# Not a measurement: a process that hangs must not hang the suite.
HANG_SECONDS = 120.0


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "POUTAMA_HOME": str(home), "PORT": "0", **more}


def run(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(POUTAMA), *words],
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


def servers_of(home: Path) -> list[psutil.Process]:
    def uses(process: psutil.Process) -> bool:
        try:
            return any(str(home / "postgres") in word for word in process.cmdline())
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if uses(process)]


def without_notices(text: str) -> str:
    """What a command printed, without notices of steps that take long on a slow machine."""
    return re.sub(r"^poutama: (?:.* \.\.\.|waiting for .*)\n", "", text, flags=re.MULTILINE)


@dataclass(slots=True)
class UpProcess:
    """A `poutama up` and what it has said so far."""

    process: subprocess.Popen[str]
    said: str = ""

    def wait_for(self, pattern: str) -> str:
        """Read on until a line matches; the match's first group."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(pattern, line.rstrip("\n")):
                return found[1]
        pytest.fail(f"it ended without saying {pattern!r}:\n{self.said}")

    def wait_until_ready(self) -> str:
        return self.wait_for(r"^ready: (http://127\.0\.0\.1:\d+)$")

    def end(self, *signals: signal.Signals) -> int:
        for number in signals:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait()


@contextmanager
def up(home: Path, *, program: Path = POUTAMA, **more: str) -> Iterator[UpProcess]:
    process = subprocess.Popen(
        [str(program), "up"],
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # The tests may have been started by `nohup`.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    watchdog = threading.Timer(HANG_SECONDS, process.kill)
    watchdog.start()
    try:
        yield UpProcess(process)
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
            process.wait(HANG_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def ask(address: str, token: str, query: str, **variables: object) -> Any:
    answer = httpx.post(
        f"{address}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
        timeout=HANG_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "errors" not in body, body
    return body["data"]


def token_for(home: Path, email: str = STUDENT) -> str:
    result = run(home, "token", email)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
