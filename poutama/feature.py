"""`Feature`: what a feature brings, and `FeatureSet`: what several of them are together.

A feature is a package with SDL files and a `Feature` that declares the rest. The composition root
(`edge.application`) gets a set of them from `poutama.features`; compiler, engine, jobs, store and
edge know no feature by name. Everything a function does not need at its start is declared by the
name of where it is, and imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pkgutil import resolve_name
from typing import TypeVar

from poutama.errors import ConfigurationError
from poutama.jobs.job import AnyJobKind, JobKind
from poutama.procedure import Procedure
from poutama.schedule import CORE_TASKS, Task
from poutama.schema.load import build_model, read_core_sources
from poutama.schema.model import Model
from poutama.schema.source import Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one feature brings.

    Attributes:
        name: a word, lower case; no two features have the same.
        package: the package whose `*.graphql` files are its schema.
        procedures: what the schema's `@procedure` fields call, by their functions' names.
        jobs: kind -> where its `JobKind` is, as `package.module:name`.
        tasks: name -> what the clock runs.
    """

    name: str
    package: str
    procedures: tuple[Procedure, ...] = ()
    jobs: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)

    def read_sources(self) -> list[Source]:
        """The feature's SDL files, in the order of their names."""
        found = (each for each in files(self.package).iterdir() if each.name.endswith(".graphql"))
        return [
            Source(f"{self.package}/{each.name}", each.read_text("utf-8"))
            for each in sorted(found, key=lambda each: each.name)
        ]


class FeatureSet:
    """Several features, put together.

    Raises:
        ConfigurationError: two of them have taken the same name; says which and what.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features = tuple(features)
        self.procedures: Mapping[str, Procedure] = self._merge(
            "the procedure",
            lambda feature: {each.__name__: each for each in feature.procedures},
        )
        self.jobs: Mapping[str, str] = self._merge("the job kind", lambda feature: feature.jobs)
        self.tasks: Mapping[str, Task] = {
            **CORE_TASKS,
            **self._merge("the task", lambda feature: feature.tasks, taken=CORE_TASKS),
        }

    @cached_property
    def model(self) -> Model:
        """What the schema files of all of them describe.

        Raises:
            SchemaError: they describe nothing that can be served; says where.
        """
        return build_model(self.read_sources())

    def read_sources(self) -> list[Source]:
        """The schema files of all of them, those that belong to no feature first."""
        return read_core_sources() + [
            source for feature in self.features for source in feature.read_sources()
        ]

    def load_jobs(self) -> dict[str, AnyJobKind]:
        """Import every kind of job; for workers alone.

        Raises:
            ConfigurationError: a kind is not where its feature declares it, or has a fault.
        """
        return {
            kind: _load_kind(f"feature {feature.name!r}: the job kind {kind}", place)
            for feature in self.features
            for kind, place in feature.jobs.items()
        }

    def _merge(
        self,
        what: str,
        read: Callable[[Feature], Mapping[str, T]],
        taken: Mapping[str, object] | None = None,
    ) -> dict[str, T]:
        owners = dict.fromkeys(taken or (), "poutama itself")
        merged: dict[str, T] = {}
        for feature in self.features:
            for name, value in read(feature).items():
                if name in owners:
                    raise ConfigurationError(
                        f"feature {feature.name!r}: {what} {name} is taken by"
                        f" {owners[name]}; choose another name"
                    )
                owners[name] = f"the feature {feature.name!r}"
                merged[name] = value
        return merged


def _load_kind(what: str, place: str) -> AnyJobKind:
    try:
        found = resolve_name(place)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{what}: {place} cannot be imported: {error}") from error
    if not isinstance(found, JobKind):
        raise ConfigurationError(f"{what}: {place}: expected a JobKind, got {found!r}")
    fault = found.find_fault()
    if fault is not None:
        raise ConfigurationError(f"{what}: {place}: {fault}")
    return found
