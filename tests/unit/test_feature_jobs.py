"""A feature's kinds of jobs are what they are declared to be, or no worker starts."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from poutama.errors import ConfigurationError
from poutama.feature import Feature, FeatureSet
from poutama.features import load_features
from poutama.jobs.job import AnyJobKind, Empty, Finished, JobKind, Step


class Loose(msgspec.Struct, frozen=True):
    """Takes unknown fields."""


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cannot be made without arguments."""

    place: int


class Odd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Has what JSON cannot hold."""

    place: Missing = None  # type: ignore[name-defined]  # noqa: F821


async def step(step: Step[Any, Any]) -> Finished:
    return Finished()


async def step_of_two(step: Step[Any, Any], more: int) -> Finished:
    return Finished()


def not_async(step: Step[Any, Any]) -> Finished:
    return Finished()


def kind(**changes: Any) -> AnyJobKind:
    return JobKind(**{"input": Empty, "checkpoint": Empty, "step": step, **changes})


GOOD = kind()
LOOSE_INPUT = kind(input=Loose)
DICT_INPUT = kind(input=dict)
ODD = kind(checkpoint=Odd)
LOOSE_CHECKPOINT = kind(checkpoint=Loose)
BEGUN = kind(checkpoint=Begun)
NOT_ASYNC = kind(step=not_async)
OF_TWO = kind(step=step_of_two)


def feature(name: str, place: str) -> Feature:
    return Feature(name=name, package="tests", jobs={"TIDY": f"{__name__}:{place}"})


def test_every_kind_that_ships_can_be_loaded() -> None:
    features = load_features()
    kinds = features.load_jobs()
    assert set(kinds) == set(features.jobs)
    assert all(isinstance(each, JobKind) for each in kinds.values())


def test_a_kind_is_found_where_its_feature_declares_it() -> None:
    assert FeatureSet([feature("own", "GOOD")]).load_jobs() == {"TIDY": GOOD}


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        ("MISSING", "cannot be imported: .*no attribute 'MISSING'"),
        ("step", "expected a JobKind, got <function step"),
        ("LOOSE_INPUT", "input: Loose needs frozen=True, forbid_unknown_fields=True"),
        ("DICT_INPUT", "input: expected a msgspec.Struct, got <class 'dict'>"),
        ("LOOSE_CHECKPOINT", "checkpoint: Loose needs frozen=True, forbid_unknown_fields=True"),
        ("ODD", "checkpoint: Odd cannot be read from JSON: name 'Missing' is not defined"),
        ("BEGUN", "checkpoint: Begun.place needs a default"),
        ("NOT_ASYNC", "step: expected an async def, got <function not_async"),
        ("OF_TWO", r"step: expected one parameter, got \(step: .*, more: .*\)"),
    ],
)
def test_a_fault_is_one_line_with_feature_kind_and_place(place: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        FeatureSet([feature("own", place)]).load_jobs()
    where = f"feature 'own': the job kind TIDY: {re.escape(__name__)}:{place}"
    assert re.match(f"{where}:? {fault}", raised.value.message)
    assert "\n" not in raised.value.message


def test_a_kind_that_another_feature_has_is_refused_at_start() -> None:
    with pytest.raises(ConfigurationError) as raised:
        FeatureSet([feature("first", "GOOD"), feature("second", "GOOD")])
    assert raised.value.message == (
        "feature 'second': the job kind TIDY is taken by the feature 'first'; choose another name"
    )
