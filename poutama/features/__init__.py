"""What the product does, one folder a feature; and the set of all that are installed.

A folder with a module `feature` that defines `FEATURE` is a feature. Other packages bring theirs by
the entry point group `poutama.features`: see `poutama.installed` and `docs/extend.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules

from poutama.feature import Feature, FeatureSet
from poutama.installed import find_features, find_revisions
from poutama.procedure import Procedure
from poutama.schema.model import Model
from poutama.settings import Settings


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


def build_procedures(settings: Settings) -> Mapping[str, Procedure]:
    """Name in the schema files -> procedure."""
    return {
        name: partial(procedure, settings=settings)
        if "settings" in signature(procedure).parameters
        else procedure
        for name, procedure in load_features().procedures.items()
    }


PROCEDURES = build_procedures(Settings())
"""With every setting at its default."""
