"""Every mistake of a value is found, placed and shown as GraphQL writes it, wherever it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from poutama.errors import BadUserInputError, ValidationFailedError
from poutama.features import load_model
from poutama.plan.input_values import show_value
from poutama.plan.operation import Documents, GraphQLFailure, GraphQLRequest
from poutama.settings import Settings

DOCUMENTS = Documents(load_model(), Settings())
CREATE = "mutation ($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"
WRONG: dict[str, Any] = {
    "goalType": "SPORT", "title": None, "dueAt": True, "color": 3, "zzzz": 1,
    "tasks": [{"complete": "x"}, None],
}  # fmt: skip
MESSAGES = [
    "$i.goalType: expected a value of GoalType, got \"SPORT\". Did you mean 'SPORTS'?",
    "$i.title: expected a value, got null.",
    "$i.dueAt: expected a date and time that exists, with an offset (RFC 3339), such as"
    ' "2026-02-03T21:30:00Z", got true.',
    "$i.color: expected a string, got 3.",
    "$i.tasks[0].information: expected a value, got nothing.",
    '$i.tasks[0].complete: expected true or false, got "x".',
    "$i.tasks[1]: expected a value, got null.",
    "$i.zzzz: expected a field of CreateGoalInput.",
]


def refuse(query: str, **variables: Any) -> GraphQLFailure:
    try:
        operation = DOCUMENTS.find_operation(GraphQLRequest(query))
        DOCUMENTS.coerce_variables(operation, variables)
    except GraphQLFailure as failure:
        return failure
    raise AssertionError(query)


def test_all_mistakes_of_a_variable_are_found_at_once() -> None:
    failure = refuse(CREATE, i=WRONG)
    assert failure.kind is BadUserInputError
    assert [error.message for error in failure.errors] == MESSAGES
    assert all(error.locations for error in failure.errors)
    assert failure.errors[4].extensions == {"field": "$i.tasks[0].information"}


def test_a_literal_is_told_apart_by_its_argument_and_its_place() -> None:
    literal = """{goalType: SPORT, title: null, dueAt: true, color: 3, zzzz: 1,
      tasks: [{complete: "x"}, null]}"""
    failure = refuse(f"mutation {{ createGoal(input: {literal}) {{ goal {{ id }} }} }}")
    assert failure.kind is ValidationFailedError
    expected = [each.replace("$i.", "input.").replace('"SPORT"', "SPORT") for each in MESSAGES]
    assert [error.message for error in failure.errors] == expected
    places = [error.locations[0].column for error in failure.errors if error.locations]
    assert len(set(places)) == len(MESSAGES)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ('{ all: goals(filter: {id: {in: ["x"]}}) { id } }', "all.filter.id.in[0]"),
        ("{ goals { tasks(first: true) { id } } }", "goals.tasks.first"),
        ('query ($g: UUID = "x") { goals(goalId: $g) { id } }', "$g"),
        ('query { goals { id @skip(if: "x") } }', "@skip.if"),
        ("query { goals(orderBy: [TITLE]) { id } }", "goals.orderBy[0]"),
    ],
)
def test_a_message_says_which_argument_it_is_about(query: str, place: str) -> None:
    (error,) = refuse(query).errors
    assert error.message.startswith(f"{place}: expected ")
    assert error.locations


def test_nothing_of_the_schema_is_suggested_where_it_may_not_be_read() -> None:
    closed = Documents(load_model(), Settings(introspection=False))
    operation = closed.find_operation(GraphQLRequest(CREATE))
    with pytest.raises(GraphQLFailure) as caught:
        closed.coerce_variables(operation, {"i": WRONG})
    assert "SPORTS" not in str([error.message for error in caught.value.errors])


@pytest.mark.parametrize("value", [True, None, "it's", 1.5, "x" * 500, 10**30])
def test_a_value_is_shown_as_json_has_it_but_not_all_of_it(value: object) -> None:
    shown = show_value(value)
    assert shown == json.dumps(value) or (len(shown) < 70 and "…" in shown)
