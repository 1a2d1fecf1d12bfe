"""Makes a package: libraries, features of other packages, our own files, bytecode, zip.

Called by `poutama package`. Works in a folder of its own and puts the finished file in place at
the end. The same sources and lock make the same bytes on every machine.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from poutama.errors import ConfigurationError
from poutama.packaging.bytecode import compile_sources
from poutama.packaging.contents import (
    ARCHITECTURES,
    MEGABYTE,
    PACKAGES,
    Package,
    is_needed,
    is_ours_to_ship,
)
from poutama.packaging.features import add_features, refuse_editable
from poutama.packaging.installer import PROJECT, PackageError
from poutama.packaging.libraries import install_libraries
from poutama.packaging.reproducible_zip import write_archive
from poutama.progress import ProgressLines

_OURS = PROJECT / "poutama"


@dataclass(frozen=True, slots=True)
class Built:
    """A package that was made.

    Attributes:
        path: the zip.
        size: its bytes.
        unpacked: the bytes of what is in it.
        compiled: whether bytecode is among it.
    """

    path: Path
    size: int
    unpacked: int
    compiled: bool


def build_packages(
    python: str, folder: Path, architectures: Sequence[str] | None, steps: ProgressLines
) -> bool:
    """Make every package for these architectures, or for all; each is a step with its size.

    Returns whether bytecode is in them.

    Raises:
        ConfigurationError, PackageError: as `build_package`.
    """
    compiled = True
    for package in PACKAGES:
        for architecture in architectures or ARCHITECTURES:
            with steps.step(f"{package.name}-{architecture}") as step:
                built = build_package(package, architecture, python, folder)
                step.note = (
                    f"{built.path}, {built.size / MEGABYTE:.1f} MB"
                    f" ({built.unpacked / MEGABYTE:.0f} MB unpacked, Python {python})"
                )
            compiled = compiled and built.compiled
    return compiled


def build_package(package: Package, architecture: str, python: str, folder: Path) -> Built:
    """Make one package as `folder/NAME-ARCHITECTURE.zip`.

    Args:
        package: which one.
        architecture: a key of `ARCHITECTURES`.
        python: version of the functions' runtime, such as `3.14`.
        folder: where to; made if it is missing.

    Raises:
        ConfigurationError: an unknown version or architecture.
        PackageError: it cannot be made, or is too large.
    """
    _check_target(python, architecture)
    refuse_editable()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package.name}-{architecture}.zip"
    with tempfile.TemporaryDirectory(prefix="poutama-package-") as name:
        content = Path(name) / "content"
        install_libraries(content, extras=package.extras, architecture=architecture, python=python)
        add_features(content, architecture=architecture, python=python)
        _prune(content)
        _copy_ours(content)
        compiled = compile_sources(content, python)
        write_archive(content, path)
        unpacked = sum(file.stat().st_size for file in content.rglob("*") if file.is_file())
    built = Built(path, path.stat().st_size, unpacked, compiled)
    _check_size(package, built)
    return built


def _check_size(package: Package, built: Built) -> None:
    for allowed, size, state in (
        (package.largest, built.size, ""),
        (package.largest_unpacked, built.unpacked, " unpacked"),
    ):
        if size > allowed:
            built.path.unlink()
            raise PackageError(
                f"{built.path.name}: expected at most {allowed / MEGABYTE:.0f} MB{state}, got"
                f" {size / MEGABYTE:.1f}; look for a dependency of a feature that is not needed"
            )


def _check_target(python: str, architecture: str) -> None:
    if not re.fullmatch(r"3\.\d{1,2}", python):
        raise ConfigurationError(
            f"POUTAMA_FUNCTION_PYTHON: expected a version such as 3.14, got {python[:20]!r}"
        )
    if architecture not in ARCHITECTURES:
        expected = " or ".join(ARCHITECTURES)
        raise ConfigurationError(f"--architecture: expected {expected}, got {architecture[:20]!r}")


def _prune(content: Path) -> None:
    for file in [path for path in content.rglob("*") if path.is_file() or path.is_symlink()]:
        if not is_needed(PurePosixPath(file.relative_to(content).as_posix())):
            file.unlink()


def _copy_ours(content: Path) -> None:
    for source in _OURS.rglob("*"):
        name = source.relative_to(PROJECT)
        if source.is_file() and is_ours_to_ship(PurePosixPath(name.as_posix())):
            target = content / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
