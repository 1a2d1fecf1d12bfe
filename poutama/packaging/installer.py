"""Wheels for the functions' machine, by uv.

`libraries` and `features` call it. uv comes with the project's environment and needs neither Docker
nor the Python that the functions will run on. Nothing is compiled for the target here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from poutama.errors import PoutamaError
from poutama.packaging.contents import ARCHITECTURES

PROJECT = Path(__file__).parents[2]
INSTALL_SECONDS = 600


class PackageError(PoutamaError):
    """The package could not be made."""

    code = "PACKAGE"


def install_pinned(
    target: Path, pins: Iterable[str], *, architecture: str, python: str, hashes: bool = False
) -> None:
    """Install exactly these into `target`, for that machine.

    Args:
        target: a folder.
        pins: lines of a requirements file, each with its version.
        architecture: a key of `ARCHITECTURES`.
        python: version of the functions' runtime.
        hashes: whether each has its hashes, and every file is checked against them.

    Raises:
        PackageError: with what uv said.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as requirements:
        requirements.write("\n".join(pins))
        requirements.flush()
        run_uv(
            *("pip", "install", "--target", str(target), "--requirements", requirements.name),
            *("--python", sys.executable, "--python-version", python),
            *("--python-platform", ARCHITECTURES[architecture]),
            *("--only-binary", ":all:"),
            *("--no-deps", "--link-mode", "copy"),
            *(("--require-hashes",) if hashes else ()),
        )


def find_uv() -> Path:
    """The uv of this environment, or else one on PATH.

    Raises:
        PackageError: there is none.
    """
    beside = Path(sys.executable).parent / "uv"
    found = beside if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PackageError("uv is not installed here: run `make package`, which installs it")
    return Path(found)


def run_uv(*words: str) -> str:
    """Run uv; returns what it printed.

    Raises:
        PackageError: it failed; with what it said.
    """
    command = [str(find_uv()), "--quiet", "--no-python-downloads", *words]
    # The second try trusts the certificates of this machine, which a company's proxy asks for.
    for trust in ({}, {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}):
        result = subprocess.run(  # noqa: S603  a fixed command
            command,
            env={**os.environ, **trust},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if result.returncode == 0:
            return result.stdout
    raise PackageError(f"uv {words[0]} failed: {result.stderr.strip()}")
