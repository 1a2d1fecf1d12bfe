"""A process for work on strangers' files takes nothing with it, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from poutama.isolated_process import Outcome, run_isolated

BEGIN = """
import os, signal, sys, tempfile, time
from poutama.isolated_process import Limits, limit_process
limit_process(Limits(1_000_000_000, 60, 9_000_000))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where modules are found."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def run(folder: Path, code: str) -> Outcome:
    (folder / "some_module.py").write_text(BEGIN + code)
    return run_isolated("some_module", "a word", seconds=60)


def test_what_it_prints_is_returned(folder: Path) -> None:
    outcome = run(folder, "print(*sys.argv[1:]); print('one', file=sys.stderr); sys.exit('two')")
    assert outcome == Outcome(1, "a word", "two")


def test_its_temporary_files_are_deleted_however_it_ends(folder: Path) -> None:
    code = "print(tempfile.mkdtemp(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    outcome = run(folder, code)
    assert outcome.code == -9
    assert Path(outcome.output).name.startswith("tmp")
    assert not Path(outcome.output).exists()


def test_of_what_it_prints_without_end_little_is_read(folder: Path) -> None:
    outcome = run(folder, "print('x' * 5_000_000); print('y' * 5_000_000, file=sys.stderr)")
    assert outcome.code == 0
    assert len(outcome.output) < 10_000
    assert len(outcome.error) < 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot")
def test_it_ends_with_its_parent(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    (folder / "some_module.py").write_text(
        f"{BEGIN}file = open({str(pipe)!r}, 'w')\n"
        "print('begun', file=file, flush=True)\ntime.sleep(20)\nprint('alive', file=file)"
    )
    code = "from poutama.isolated_process import run_isolated as r; r('some_module', seconds=60)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=environment) as parent, pipe.open() as file:
        assert file.readline() == "begun\n"
        parent.kill()
        assert file.read() == ""
