"""Finds the features that other packages bring, by the entry point group `poutama.features`.

`poutama.features` asks when a process starts. A function's package has the answer written down in
`installed.json` beside this module, by `packaging`: looking through the metadata of every library
would be a part of each cold start. Never decides what a feature may do; `FeatureSet` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import msgspec

from poutama.db.revisions import CORE, CORE_HISTORY, find_head
from poutama.errors import ConfigurationError
from poutama.feature import API, Feature, FeatureSet

GROUP = "poutama.features"
LIST = Path(__file__).parent / "installed.json"


class InstalledFeature(msgspec.Struct, frozen=True):
    """An entry point.

    Attributes:
        value: `package.module:NAME`.
        distribution: the package that has it, by the name it was installed under.
        version: of that package.
    """

    value: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        return f"{self.distribution} {self.version}"


class Installed(msgspec.Struct, frozen=True):
    """What `packaging` writes down for functions.

    Attributes:
        entries: of every feature of another package.
        revisions: feature -> the newest migration that its code knows.
    """

    entries: tuple[InstalledFeature, ...]
    revisions: Mapping[str, str]


def find_features() -> list[Feature]:
    """The features of other packages, in the order of the packages' names.

    Raises:
        ConfigurationError: one of them cannot be loaded, or was written for another version; names
            its package.
    """
    written = read_list()
    return [_load(entry) for entry in (find_entries() if written is None else written.entries)]


def find_revisions(features: FeatureSet) -> Mapping[str, str]:
    """Feature -> the newest migration that its code knows, the core's own among them.

    Raises:
        ConfigurationError: a feature's migrations have no newest one.
    """
    written = read_list()
    if written is not None:
        return written.revisions
    own = {history.feature: find_head(history) for history in features.histories}
    return {CORE: find_head(CORE_HISTORY), **own}


def find_entries() -> tuple[InstalledFeature, ...]:
    """The entry points of this environment."""
    # heavy: only where there is no list
    from importlib.metadata import entry_points

    found = (
        InstalledFeature(each.value, each.dist.name, each.dist.version)
        for each in entry_points(group=GROUP)
        if each.dist is not None
    )
    return tuple(sorted(found, key=lambda entry: (entry.distribution, entry.value)))


@cache
def read_list() -> Installed | None:
    """What was written down; None outside of functions' packages."""
    if not LIST.is_file():
        return None
    return msgspec.json.decode(LIST.read_bytes(), type=Installed)


def _load(entry: InstalledFeature) -> Feature:
    where = f"feature of {entry.origin}: {entry.value}"
    try:
        found: object = resolve_name(entry.value)
    except Exception as error:  # the package may do anything while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigurationError(
            f"{where} cannot be imported ({reason}); mend or uninstall the package"
        ) from error
    if not isinstance(found, Feature):
        raise ConfigurationError(
            f"{where}: expected a poutama.feature.Feature, got {type(found).__name__}"
        )
    if found.api != API:
        raise ConfigurationError(
            f"feature {found.name!r} of {entry.origin}: api: expected {API}, the version of this"
            f" poutama, got {found.api}; install a version of the package that was written for it"
        )
    return replace(found, origin=entry.origin)
