"""The records of every feature: what the tests know of its mutations.

A module of this folder with a `RECORD` is one, called as the feature is. A package that brings a
feature of its own brings its record by the entry point `poutama.test_records`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from graphql import ObjectTypeDefinitionNode, ObjectTypeExtensionNode, parse

from poutama.features import load_features
from tests.features.record import (
    Case,
    FeatureRecord,
    MutationRecord,
    SampleRow,
    Values,
    VisibleType,
)

HERE = Path(__file__).parent
GROUP = "poutama.test_records"


@cache
def load_records() -> dict[str, FeatureRecord]:
    """Feature -> its record."""
    names = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    found = {name: import_module(f"{__name__}.{name}") for name in names}
    records = {name: module.RECORD for name, module in found.items() if hasattr(module, "RECORD")}
    return records | {each.name: each.load() for each in entry_points(group=GROUP)}


@cache
def mutation_records() -> dict[str, MutationRecord]:
    """Mutation -> its record."""
    return {each.name: each for record in load_records().values() for each in record.mutations}


@cache
def mutation_cases() -> list[tuple[MutationRecord, Case]]:
    """Every case of every mutation."""
    return [(record, case) for record in mutation_records().values() for case in record.cases]


def sample_rows() -> Iterator[SampleRow]:
    """The sample rows of every feature, in an order they can be inserted in."""
    records = load_records()
    for name in TopologicalSorter(
        {name: each.needs for name, each in records.items()}
    ).static_order():
        yield from records[name].rows()


@cache
def shown_types() -> dict[str, VisibleType]:
    """Type -> what a payload may show of it."""
    return {kind: each for record in load_records().values() for kind, each in record.shown.items()}


@cache
def ids() -> dict[str, str]:
    """Input field -> the type whose row it names."""
    return {name: kind for record in load_records().values() for name, kind in record.ids.items()}


@cache
def values_of(mutation: str, name: str) -> Values | None:
    """The values that its feature's record has for an input field of a mutation."""
    for record in load_records().values():
        if any(each.name == mutation for each in record.mutations):
            return record.values.get(name)
    raise LookupError(missing_record(mutation))


@cache
def place_of(mutation: str) -> str:
    """Where the record of a mutation is, or has to be."""
    for feature in load_features().features:
        for source in feature.read_sources():
            if mutation in _mutations_in(source.text):
                own = feature.package == f"poutama.features.{feature.name}"
                return f"tests/features/{feature.name}.py" if own else f"{GROUP}: {feature.name}"
    raise LookupError(f"no feature has the mutation {mutation}")


def missing_record(mutation: str) -> str:
    """What to do for a mutation without a record."""
    return (
        f"{place_of(mutation)}: no record of {mutation};"
        " add a MutationRecord like those in tests/features/goals.py"
    )


def missing_values(mutation: str, name: str) -> str:
    """What to do for an input field that nothing is known of."""
    return f"{place_of(mutation)}: no values for {name!r}, an input of {mutation}; add some"


def missing_shown(mutation: str, kind: str) -> str:
    """What to do for a type of a payload that nothing is known of."""
    return (
        f"{place_of(mutation)}: `shown` says nothing of {kind}, which {mutation} answers with;"
        " add a Shown like those in tests/features/goals.py"
    )


def _mutations_in(text: str) -> Iterator[str]:
    for node in parse(text).definitions:
        match node:
            case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode():
                if node.name.value == "Mutation":
                    yield from (field.name.value for field in node.fields or ())
