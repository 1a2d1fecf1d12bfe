"""The libraries of a package: what uv.lock says, as wheels for the functions' machine.

`build` calls it. uv comes with the project's environment and needs neither Docker nor the Python
that the functions will run on. Nothing is compiled for the target here, and every file is checked
against the hash in the lock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from poutama.errors import PoutamaError
from poutama.packaging.contents import ARCHITECTURES

PROJECT = Path(__file__).parents[2]
INSTALL_SECONDS = 600
# Published as sources alone; there is nothing to compile in them.
_WITHOUT_WHEELS = ("font-roboto",)


class PackageError(PoutamaError):
    """The package could not be made."""

    code = "PACKAGE"


def install_libraries(
    target: Path, *, extras: Sequence[str], architecture: str, python: str
) -> None:
    """Install what our project needs with these extras into `target`.

    Raises:
        PackageError: with what uv said.
    """
    locked = target.with_name(f"{target.name}.txt")
    wanted = [word for extra in extras for word in ("--extra", extra)]
    _run_uv(
        *("export", "--project", str(PROJECT), "--frozen", "--no-default-groups"),
        *("--no-emit-project", "--no-header", "--no-annotate", "--output-file", str(locked)),
        *wanted,
    )
    _run_uv(
        *("pip", "install", "--target", str(target), "--requirements", str(locked)),
        *("--python", sys.executable, "--python-version", python),
        *("--python-platform", ARCHITECTURES[architecture]),
        *("--only-binary", ":all:"),
        *(word for name in _WITHOUT_WHEELS for word in ("--no-binary", name)),
        *("--no-deps", "--require-hashes", "--link-mode", "copy"),
    )


def find_uv() -> Path:
    """The uv of this environment, or else one on PATH.

    Raises:
        PackageError: there is none.
    """
    beside = Path(sys.executable).parent / "uv"
    found = beside if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PackageError("uv is not installed here: run `make package`, which sees to it")
    return Path(found)


def _run_uv(*words: str) -> None:
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
            return
    raise PackageError(f"uv {words[0]} failed: {result.stderr.strip()}")
