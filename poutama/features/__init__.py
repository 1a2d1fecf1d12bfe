"""What the product does, one folder a feature; and the set of all that are installed.

A folder with a module `feature` that defines `FEATURE` is a feature. Packages of other people's
bring theirs by the entry point `poutama.features`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules

from poutama.feature import Feature, FeatureSet
from poutama.procedure import Procedure
from poutama.schema.model import Model
from poutama.settings import Settings


@cache
def load_features() -> FeatureSet:
    """Every feature of this installation.

    Raises:
        ConfigurationError: two of them have taken the same name.
    """
    found: list[Feature] = []
    for module in iter_modules(__path__):
        if module.ispkg:
            found.append(import_module(f"{__name__}.{module.name}.feature").FEATURE)
    return FeatureSet(found)


def load_model() -> Model:
    """What the schema files of every feature describe together."""
    return load_features().model


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
