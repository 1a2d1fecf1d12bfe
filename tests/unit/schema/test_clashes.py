"""Two features that say the same thing twice: refused with both places."""

from __future__ import annotations

from pathlib import Path

import pytest

from poutama.errors import SchemaError
from poutama.features import load_features
from poutama.schema.load import build_model
from poutama.schema.source import Source

GOALS = "poutama/features/goals/goals.graphql"
PEOPLE = "poutama/features/people/people.graphql"


def line_of(file: str, text: str) -> int:
    lines = (Path(__file__).parents[3] / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def complaint(text: str) -> str:
    added = Source("harvest/harvest.graphql", text)
    with pytest.raises(SchemaError) as caught:
        build_model([*load_features().read_sources(), added])
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_type_of_another_feature() -> None:
    message = complaint('type Goal @table(name: "harvest") { id: UUID! }')

    assert "'Goal'" in message
    assert f"{GOALS}:{line_of(GOALS, 'type Goal')}" in message
    assert "harvest/harvest.graphql:1" in message


def test_a_field_of_another_feature() -> None:
    message = complaint('\nextend type Person {\n  name: String! @column(name: "x")\n}')

    assert "Person.name" in message
    assert f"{PEOPLE}:{line_of(PEOPLE, '  name: String!')}" in message
    assert "harvest/harvest.graphql:3" in message


def test_a_mutation_of_another_feature() -> None:
    message = complaint(
        "extend type Mutation {\n  createGoal(input: CreateGoalInput!): CreateGoalPayload!\n}"
    )

    assert "Mutation.createGoal" in message
    assert f"{GOALS}:" in message
    assert "harvest/harvest.graphql:2" in message


def test_a_table_of_another_feature() -> None:
    place = line_of(GOALS, "type Goal") - 1

    assert complaint(
        'type Harvest @table(name: "goal") @visible(person: "person_id", to: [SELF]) { id: UUID! }'
    ) == (
        f"harvest/harvest.graphql:1: Harvest: the table goal is that of Goal, at {GOALS}:{place}."
    )
