"""`make` on a machine whose Python is missing, too old or lame: one clear line, nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def prepare(folder: Path, **pythons: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/prepare` where the only programs are the shell's and these pythons."""
    return run_script(folder, "prepare", **pythons)


def run_script(
    folder: Path, script: str, *words: str, **pythons: str
) -> subprocess.CompletedProcess[str]:
    programs = folder / "bin"
    programs.mkdir()
    for name in ("sh", "env", "head", "rm", "touch", "cat"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    for name, text in pythons.items():
        program = programs / name.replace("_", ".")
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    return subprocess.run(
        ["sh", str(ROOT / ".ci" / script), *words],
        cwd=folder,
        env={"PATH": str(programs), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


OLD = 'case "$1" in -V) echo "Python 3.9.6";; *) exit 1;; esac'
# Debian's python3 without python3-venv: new enough, but `import ensurepip, venv` fails.
LAME = 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac'


@pytest.mark.parametrize(
    ("pythons", "complaint"),
    [
        ({}, "poutama: Python 3.11 or newer is needed and there is none"),
        ({"python3": OLD}, "poutama: Python 3.11 or newer is needed, this is Python 3.9.6"),
        ({"python3": LAME}, "poutama: python3 cannot make virtual environments"),
        ({"python3": OLD, "python3_12": LAME}, "poutama: python3.12 cannot make"),
    ],
    ids=["none", "old", "lame", "old and lame"],
)
def test_a_python_that_will_not_do(tmp_path: Path, pythons: dict[str, str], complaint: str) -> None:
    result = prepare(tmp_path, **pythons)
    assert result.returncode == 1
    assert result.stderr.startswith(complaint)
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / ".venv").exists()


def test_the_first_python_that_will_do_is_taken(tmp_path: Path) -> None:
    makes = 'case "$1" in -V) echo "Python 3.13.1";; -m) echo "$*" >&2; exit 1;; esac'
    result = prepare(tmp_path, python3=OLD, python3_13=makes)
    assert result.stdout == "environment: making .venv with Python 3.13.1\n"
    assert result.stderr.splitlines()[0] == "-m venv .venv"
    assert result.returncode == 1


SHIM = "exit 127"
"""Of a version that is installed, but not chosen."""


def test_the_first_version_that_runs_is_found(tmp_path: Path) -> None:
    pythons = {"python3_14": SHIM, "python3_13": "exit 0", "python3_12": "exit 0"}
    found = run_script(tmp_path, "find-python", "3.14", "3.13", "3.12", **pythons)
    assert (found.returncode, found.stdout) == (0, "python3.13\n")


def test_a_version_that_pyenv_keeps_is_found_beside_its_shim(tmp_path: Path) -> None:
    kept = tmp_path / ".pyenv" / "versions" / "3.14.2" / "bin" / "python"
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\nexit 0\n")
    kept.chmod(0o755)
    found = run_script(tmp_path, "find-python", "3.14", python3_14=SHIM)
    assert (found.returncode, found.stdout) == (0, f"{kept}\n")


def test_where_there_is_none_nothing_is_printed(tmp_path: Path) -> None:
    found = run_script(tmp_path, "find-python", "3.14", "3.13", python3_13=SHIM)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")


def test_make_without_a_word_lists_the_commands() -> None:
    result = subprocess.run(
        ["make"], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    commands = {line.split()[1] for line in result.stdout.splitlines()}
    assert commands >= {"up", "test", "check", "bench", "test-cockroach", "clean"}
