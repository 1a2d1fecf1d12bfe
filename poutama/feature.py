"""`Feature`: what a feature brings, and `FeatureSet`: what several of them are together.

A feature is a package with SDL files and a `Feature` that declares the rest. The composition root
(`edge.application`) gets a set of them from `poutama.features`; compiler, engine, jobs, store and
edge know no feature by name. Everything a function does not need at its start is declared by the
name of where it is, and imported when it is first used.

Packages of other teams use this module, `poutama.schedule` and `poutama.procedure`:
`docs/extend.md` walks through one.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from pkgutil import resolve_name
from typing import TypeAlias, TypeVar
from uuid import UUID

from poutama.db.revisions import CORE, FeatureMigrations
from poutama.db.transaction import Transaction
from poutama.errors import ConfigurationError
from poutama.export_section import ExportSection
from poutama.function_signatures import check_computed, check_procedures
from poutama.jobs.job import AnyJobKind, JobKind
from poutama.personal_data import (
    CORE_IMPERSONAL_TABLES,
    CORE_PERSONAL_DATA,
    PersonalData,
    StoredData,
)
from poutama.procedure import Procedure, ProcedureFunction
from poutama.schedule import CORE_TASKS, Task
from poutama.schema.load import build_model, read_core_sources
from poutama.schema.model import Model
from poutama.schema.source import Source
from poutama.sql.computed import Compute

API = 1
"""The version of what a feature of another package may rely on. A change that can break one raises
it; `docs/extend.md` lists what belongs to it."""

CORE_COMPUTED = ("download_url", "inline_url", "upload_form")
"""What `@computed` fields of every feature may name: addresses and forms, signed by the store."""

BUILT_IN = "poutama"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

T = TypeVar("T")

AnswerAccess: TypeAlias = Callable[[Transaction, UUID], Awaitable[UUID]]
"""Adds the job that writes down all there is of a person, for that person; returns its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one feature brings.

    Attributes:
        name: a word, lower case; no two features have the same.
        package: the package whose `*.graphql` files are its schema.
        api: the `API` it was written for; a feature of another package must say.
        procedures: what the schema's `@procedure` fields call, by their functions' names.
        jobs: kind -> where its `JobKind` is, as `package.module:name`.
        tasks: name -> what the clock runs.
        computed: name -> what makes a `@computed` field of its columns' values. Pure; runs once a
            row.
        migrations: the folder in `package` that has its Alembic revisions; empty: it has none.
        exports: what it adds to the export of a learning journey.
        personal_data: where it keeps what is about people, and what erasing a person does there.
        stored_data: the files about people that it keeps.
        impersonal_tables: its tables that hold nothing about people.
        answer_access: where the function is that adds the job which answers a request for access,
            as `package.module:name`; one feature has it.
        pages: path -> where the `PublicPage` is that answers GET there without a token, as
            `package.module:name`.
        origin: what it was installed from; set when it is loaded.
    """

    name: str
    package: str
    api: int | None = None
    procedures: tuple[ProcedureFunction, ...] = ()
    jobs: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    computed: Mapping[str, Compute] = field(default_factory=dict)
    migrations: str = ""
    exports: tuple[ExportSection, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    stored_data: tuple[StoredData, ...] = ()
    impersonal_tables: tuple[str, ...] = ()
    answer_access: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    origin: str = BUILT_IN

    @property
    def history(self) -> FeatureMigrations | None:
        """Where its revisions are; None where it has none of its own.

        Raises:
            ConfigurationError: its package has no folder of that name.
        """
        if not self.migrations:
            return None
        folder = Path(str(self._files)) / self.migrations
        if not folder.is_dir():
            raise ConfigurationError(
                f"feature {self.name!r}: migrations: {folder} is not a folder; ship it with the"
                " package"
            )
        return FeatureMigrations(self.name, folder)

    @property
    def _files(self) -> Traversable:
        try:
            return files(self.package)
        except (ImportError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"feature {self.name!r} of {self.origin}: package: {self.package!r} cannot be"
                f" imported: {error}"
            ) from error

    def read_sources(self) -> list[Source]:
        """The feature's SDL files, in the order of their names.

        Raises:
            ConfigurationError: the package is not found, or a file is not UTF-8.
        """
        found = (each for each in self._files.iterdir() if each.name.endswith(".graphql"))
        return [self._read(each) for each in sorted(found, key=lambda each: each.name)]

    def _read(self, file: Traversable) -> Source:
        name = f"{self.package.replace('.', '/')}/{file.name}"
        try:
            return Source(name, file.read_text("utf-8"))
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"{name}: cannot be read: {error}") from error


class FeatureSet:
    """Several features, put together.

    Raises:
        ConfigurationError: two of them have taken the same name; says which and what.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features = tuple(features)
        for feature in self.features:
            _check_types(feature)
        _check_names(self.features)
        self.procedures: Mapping[str, Procedure] = self._merge(
            "the procedure",
            lambda feature: {each.name: each for each in map(Procedure.of, feature.procedures)},
        )
        self.jobs: Mapping[str, str] = self._merge("the job kind", lambda feature: feature.jobs)
        self.tasks: Mapping[str, Task] = {
            **CORE_TASKS,
            **self._merge("the task", lambda feature: feature.tasks, taken=CORE_TASKS),
        }
        self.computed: Mapping[str, Compute] = self._merge(
            "the computed field", lambda feature: feature.computed, taken=CORE_COMPUTED
        )
        self.pages: Mapping[str, str] = self._merge("the page", lambda feature: feature.pages)
        self.exports: Mapping[str, ExportSection] = self._merge(
            "the export section", lambda feature: {each.name: each for each in feature.exports}
        )

    @property
    def personal_data(self) -> tuple[PersonalData, ...]:
        """Where all of them keep what is about people, and what belongs to none of them."""
        return CORE_PERSONAL_DATA + tuple(
            declared for feature in self.features for declared in feature.personal_data
        )

    @property
    def stored_data(self) -> tuple[StoredData, ...]:
        """The files about people that all of them keep."""
        return tuple(declared for feature in self.features for declared in feature.stored_data)

    @property
    def impersonal_tables(self) -> frozenset[str]:
        """The tables that hold nothing about people."""
        owned = (name for feature in self.features for name in feature.impersonal_tables)
        return frozenset((*CORE_IMPERSONAL_TABLES, *owned))

    def load_answer_access(self) -> AnswerAccess:
        """Import what answers a request for access.

        Raises:
            ConfigurationError: no feature does.
        """
        for feature in self.features:
            if feature.answer_access:
                found: AnswerAccess = resolve_name(feature.answer_access)
                return found
        raise ConfigurationError("answer_access: expected one feature that has it, got none")

    @cached_property
    def model(self) -> Model:
        """What the schema files of all of them describe.

        Raises:
            SchemaError: they describe nothing that can be served, or a procedure or computed field
                is missing, unnamed or of other types; says where.
        """
        model = build_model(self.read_sources())
        check_computed(model, {**dict.fromkeys(CORE_COMPUTED), **self.computed})
        check_procedures(model, self.procedures)
        return model

    def read_sources(self) -> list[Source]:
        """The schema files of all of them, those that belong to no feature first."""
        return read_core_sources() + [
            source for feature in self.features for source in feature.read_sources()
        ]

    @cached_property
    def histories(self) -> list[FeatureMigrations]:
        """The migrations of those that have their own, for `poutama.db.migrate`.

        Raises:
            ConfigurationError: a feature's folder is not there.
        """
        found = (feature.history for feature in self.features)
        return [history for history in found if history is not None]

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
        taken: Iterable[str] = (),
    ) -> dict[str, T]:
        owners = dict.fromkeys(taken, "poutama itself")
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


def _is_tuple(items: object, of: Callable[[object], bool]) -> bool:
    return isinstance(items, tuple) and all(map(of, items))


def _is_mapping(items: object, of: Callable[[object], bool]) -> bool:
    return isinstance(items, Mapping) and all(
        isinstance(name, str) and of(value) for name, value in items.items()
    )


def _check_types(feature: Feature) -> None:
    """Refuse what only a type checker would: packages of others may run none."""

    def is_text(value: object) -> bool:
        return isinstance(value, str)

    fits = {
        "name": (is_text(feature.name), "a word"),
        "package": (is_text(feature.package), "the name of a package"),
        "procedures": (_is_tuple(feature.procedures, callable), "a tuple of functions"),
        "jobs": (_is_mapping(feature.jobs, is_text), "kind -> `package.module:name`"),
        "tasks": (
            _is_mapping(feature.tasks, lambda value: isinstance(value, Task)),
            "name -> Task(function, every)",
        ),
        "computed": (_is_mapping(feature.computed, callable), "name -> function"),
        "migrations": (is_text(feature.migrations), "the name of a folder"),
        "personal_data": (
            _is_tuple(feature.personal_data, lambda value: isinstance(value, PersonalData)),
            "a tuple of PersonalData",
        ),
        "stored_data": (
            _is_tuple(feature.stored_data, lambda value: isinstance(value, StoredData)),
            "a tuple of StoredData",
        ),
        "pages": (_is_mapping(feature.pages, is_text), "path -> `package.module:name`"),
        "impersonal_tables": (
            _is_tuple(feature.impersonal_tables, is_text),
            "a tuple of names of tables",
        ),
    }
    for name, (fit, expected) in fits.items():
        if not fit:
            raise ConfigurationError(
                f"feature {feature.name!r} of {feature.origin}: {name}: expected {expected}, got"
                f" {getattr(feature, name)!r}"
            )


def _check_names(features: Iterable[Feature]) -> None:
    origins: dict[str, str] = {}
    for feature in features:
        if not _NAME.fullmatch(feature.name) or feature.name == CORE:
            raise ConfigurationError(
                f"feature {feature.name!r} of {feature.origin}: name: expected at most 40"
                f" lower case letters, digits and underscores, a letter first, and not {CORE!r}"
            )
        if feature.name in origins:
            raise ConfigurationError(
                f"two features are called {feature.name!r}, of {origins[feature.name]} and of"
                f" {feature.origin}: rename or uninstall one"
            )
        origins[feature.name] = feature.origin


def _load_kind(what: str, place: str) -> AnyJobKind:
    try:
        found = resolve_name(place)
    except Exception as error:  # the package may do anything while it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigurationError(f"{what}: {place} cannot be imported: {reason}") from error
    if not isinstance(found, JobKind):
        raise ConfigurationError(f"{what}: {place}: expected a JobKind, got {found!r}")
    fault = found.find_fault()
    if fault is not None:
        raise ConfigurationError(f"{what}: {place}: {fault}")
    return found
