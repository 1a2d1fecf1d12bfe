"""What the product does, one folder a feature; and the set of all that are installed.

A folder with a module `feature` that defines `FEATURE` is a feature. Other packages bring theirs by
the entry point group `poutama.features`: see `poutama.installed_features` and `docs/extend.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from poutama.feature import Feature, FeatureSet
from poutama.installed_features import find_features, find_revisions
from poutama.schema.model import Model


@cache
def load_features() -> FeatureSet:
    """Every feature of this installation.

    Raises:
        ConfigurationError: two of them have taken the same name, or one of another package cannot
            be loaded.
    """
    found: list[Feature] = []
    for module in iter_modules(__path__):
        if module.ispkg:
            found.append(import_module(f"{__name__}.{module.name}.feature").FEATURE)
    return FeatureSet([*found, *find_features()])


def load_model() -> Model:
    """What the schema files of every feature describe together."""
    return load_features().model


@cache
def needed_revisions() -> Mapping[str, str]:
    """Feature -> the newest migration that its code knows; see `poutama.db.revisions`."""
    return find_revisions(load_features())
