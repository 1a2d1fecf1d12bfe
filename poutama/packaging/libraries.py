"""The libraries that poutama needs in a package: what uv.lock says, or else what is installed.

`function_package` calls it. In a checkout the lock decides, and every file is checked against its
hash. Where poutama is a library in the environment of another project, the versions in that
environment decide: they are what the project has tested with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from poutama.packaging.installed_distributions import find_distributions
from poutama.packaging.installer import PROJECT, install_pinned, run_uv


def install_libraries(
    target: Path, *, extras: Sequence[str], architecture: str, python: str
) -> None:
    """Install what poutama needs with these extras into `target`.

    Raises:
        PackageError: with what uv said, or what is not installed.
    """
    locked = (PROJECT / "uv.lock").is_file()
    pins = read_lock(extras) if locked else read_environment(extras)
    install_pinned(target, pins, architecture=architecture, python=python, hashes=locked)


def read_lock(extras: Sequence[str]) -> list[str]:
    """Lines of a requirements file, with hashes, as uv.lock has them.

    Raises:
        PackageError: with what uv said.
    """
    wanted = [word for extra in extras for word in ("--extra", extra)]
    exported = run_uv(
        *("export", "--project", str(PROJECT), "--frozen", "--no-default-groups"),
        *("--no-emit-project", "--no-header", "--no-annotate"),
        *wanted,
    )
    return exported.splitlines()


def read_environment(extras: Sequence[str]) -> list[str]:
    """Lines of a requirements file, as this environment has them.

    Raises:
        PackageError: something that is needed is not installed.
    """
    found = find_distributions([f"poutama[{','.join(extras)}]"])
    return [f"{name}=={each.version}" for name, each in found.items() if name != "poutama"]
