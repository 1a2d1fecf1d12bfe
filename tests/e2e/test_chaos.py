"""`poutama chaos` as a person meets it: what it says, its exit code, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from poutama.chaos.history import (
    ClientOperation,
    Found,
    HistoryFile,
    HistoryRecord,
    OperationKind,
    OperationOutcome,
    Run,
)

POUTAMA = Path(sys.executable).parent / "poutama"
# Not a measurement: a process that hangs must not hang the suite.
HANG_SECONDS = 120.0
RUN = Run(name="r", began="2026-02-03T00:00:00Z", engine="postgresql", writers=1, readers=1)
NOTE = ClientOperation(
    number=1,
    client="c",
    kind=OperationKind.NOTE,
    start=0.0,
    end=0.1,
    outcome=OperationOutcome.ACKNOWLEDGED,
)
LOOK = ClientOperation(
    number=2,
    client="c",
    kind=OperationKind.FIND,
    start=0.2,
    end=0.3,
    outcome=OperationOutcome.ACKNOWLEDGED,
    subject="1",
    present=True,
)


def start(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(POUTAMA), "chaos", *words],
        env={**os.environ, "POUTAMA_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        said, complained = process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()
    return process.returncode, said, complained


def servers_of(folder: Path) -> list[psutil.Process]:
    def uses(process: psutil.Process) -> bool:
        try:
            return any(str(folder) in word for word in process.cmdline())
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if uses(process)]


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's, and that a server's account may enter."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        yield Path(folder)


def test_it_runs_judges_and_leaves_only_its_history(short_path: Path) -> None:
    process = start(short_path, "--seconds", "2", "--every", "60", "--writers", "2")
    status, said, complained = finish(process)
    assert (status, complained) == (0, ""), said
    assert "PASSED" in said
    assert "\x1b" not in said, "no terminal, no escape sequences"
    assert servers_of(short_path) == []
    (history,) = (short_path / "home" / "chaos").iterdir()
    assert [path.name for path in short_path.iterdir()] == ["home"]
    status, again, _ = finish(start(short_path, "verify", str(history)))
    assert status == 0
    assert again.splitlines() == said.splitlines()[-len(again.splitlines()) :]


def test_asked_to_stop_it_judges_what_there_is(short_path: Path) -> None:
    process = start(short_path, "--seconds", "600", "--every", "600", "--writers", "2")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    status, said, _ = finish(process)
    assert "acknowledged" in first
    assert (status, "PASSED" in said) == (0, True), said
    assert servers_of(short_path) == []


@pytest.mark.parametrize(("rows", "status", "word"), [(1, 0, "PASSED"), (0, 1, "not there")])
def test_a_history_is_judged_again(tmp_path: Path, rows: int, status: int, word: str) -> None:
    notes = {"1": rows} if rows else {}
    found = Found(notes=notes, registers={}, log={}, tasks={}, keys={})
    records: list[HistoryRecord] = [RUN, NOTE, LOOK, found]
    with HistoryFile(tmp_path / "h.jsonl") as file:
        for record in records:
            file.write(record)
    ended, said, _ = finish(start(tmp_path, "verify", str(tmp_path / "h.jsonl")))
    assert ended == status
    assert word in said


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--node", "n1"], "--node goes with --kill-command"),
        (["--kill-command", "true"], "--node goes with --kill-command"),
        (["verify", "no/such/file"], "cannot be read"),
        (["--url", "mysql://localhost/x"], "expected postgresql://"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, words: list[str], problem: str) -> None:
    status, said, complained = finish(start(tmp_path, *words))
    assert (status, said) == (1, "")
    assert problem in complained
    assert complained.count("\n") == 1
    assert list(tmp_path.rglob("*.jsonl")) == []
