"""Features of other packages, in a function's package: their files, what they need, and the list.

`function_package` calls it. A pure distribution is copied as it is installed here; one with
compiled code is installed again, for the functions' machine. The list is what
`poutama.installed_features` reads there.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

import msgspec

from poutama.features import load_features, needed_revisions
from poutama.installed_features import LIST, Installed, InstalledFeature, find_entries
from poutama.packaging.contents import is_needed
from poutama.packaging.installed_distributions import (
    find_distributions,
    is_editable,
    is_pure,
    list_files,
    normalize_name,
)
from poutama.packaging.installer import PackageError, install_pinned


def refuse_editable() -> None:
    """See whether every installed feature can be packaged; before anything is made.

    Raises:
        PackageError: one cannot; says what to do.
    """
    for entry in find_entries():
        if is_editable(distribution(entry.distribution)):
            raise PackageError(
                f"{entry.distribution} is installed as an editable folder: install it as it is to"
                " be deployed (`uv pip install FOLDER`), and package again"
            )


def add_features(content: Path, *, architecture: str, python: str) -> None:
    """Add every installed feature, and what only features need, to the libraries in `content`.

    Raises:
        ConfigurationError: a feature cannot be loaded.
        PackageError: one cannot be packaged; says what to do.
    """
    entries = find_entries()
    found = find_distributions(
        (entry.distribution for entry in entries), without=("poutama", *_list_installed(content))
    )
    compiled = {name: each for name, each in found.items() if not is_pure(each)}
    if compiled:
        pins = [f"{name}=={each.version}" for name, each in compiled.items()]
        install_pinned(content, pins, architecture=architecture, python=python)
    histories = [history.folder for history in load_features().histories]
    for name in found.keys() - compiled.keys():
        _copy(found[name], content, histories)
    _write_list(content, entries)


def _list_installed(content: Path) -> list[str]:
    return [
        normalize_name(path.name.removesuffix(".dist-info").rpartition("-")[0])
        for path in content.glob("*.dist-info")
    ]


def _copy(installed: Distribution, content: Path, histories: Sequence[Path]) -> None:
    for path in list_files(installed):
        source = Path(str(installed.locate_file(path)))
        # Migrations are run by machines that have Alembic.
        if is_needed(path) and not any(source.is_relative_to(folder) for folder in histories):
            target = content / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _write_list(content: Path, entries: tuple[InstalledFeature, ...]) -> None:
    target = content / PurePosixPath("poutama", LIST.name)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(msgspec.json.encode(Installed(entries, needed_revisions())))
