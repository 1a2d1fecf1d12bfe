"""What tests know of features is in the schema, and packages of others bring their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLInputObjectType, GraphQLNamedType, get_named_type

from poutama.features import load_model
from tests import features
from tests.features import load_records
from tests.features.record import Caller, not_drawn

MODULE = """
from tests.features.record import SIGNED_IN, Case, FeatureRecord, MutationRecord

RECORD = FeatureRecord(mutations=(
    MutationRecord(name="suggestGoal", cases=(Case("a goal", {}, SIGNED_IN),), may=None, does=None),
))
"""
METADATA = "Metadata-Version: 2.1\nName: suggestions\nVersion: 1\n"
ENTRY_POINT = "[poutama.test_records]\nsuggestions = suggestions_record:RECORD\n"


def inputs_of(mutation: str) -> Iterator[str]:
    """The names of a mutation's inputs, and of theirs."""
    type_ = load_model().schema.mutation_type
    assert type_ is not None
    ((_, argument),) = type_.fields[mutation].args.items()
    yield from _names_of(get_named_type(argument.type))


def _names_of(kind: GraphQLNamedType) -> Iterator[str]:
    if isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield name
            yield from _names_of(get_named_type(field.type))


@pytest.mark.parametrize("feature", load_records())
def test_a_record_has_nothing_that_is_not_in_the_schema(feature: str) -> None:
    record = load_records()[feature]
    inputs = {name for each in record.mutations for name in inputs_of(each.name)}
    assert {*record.values} <= inputs
    assert {*record.ids} <= inputs
    assert {*record.ids.values(), *record.shown} <= set(load_model().entities)


def test_every_case_is_for_a_person_of_the_sample_rows_or_for_an_unknown_one() -> None:
    for record in load_records().values():
        for mutation in record.mutations:
            assert mutation.cases, mutation.name
            assert all(case.allowed < frozenset(Caller) for case in mutation.cases)
            assert len({case.about for case in mutation.cases}) == len(mutation.cases)


def test_every_mutation_that_ships_is_for_drawn_worlds_as_well() -> None:
    for record in load_records().values():
        for mutation in record.mutations:
            assert not_drawn not in (mutation.may, mutation.does), mutation.name


def test_another_package_brings_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suggestions_record.py").write_text(MODULE, encoding="utf-8")
    information = tmp_path / "suggestions-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(METADATA, encoding="utf-8")
    (information / "entry_points.txt").write_text(ENTRY_POINT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    records = features.load_records.__wrapped__()

    [mutation] = records["suggestions"].mutations
    assert mutation.name == "suggestGoal"
    assert records.keys() - {"suggestions"} == load_records().keys()
