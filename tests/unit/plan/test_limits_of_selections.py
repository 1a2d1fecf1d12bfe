"""Limits are counted on the operation as it is once its fragments are expanded."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from graphql import get_introspection_query

from poutama.errors import LimitExceededError
from poutama.plan.introspection import LARGEST_INTROSPECTION, PUBLISHED_LOCATIONS
from poutama.plan.nodes import Read, Text
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from tests.golden.compiled import plan_request

LIMITS = Settings(max_depth=6, max_fields=40, max_tokens=400)


def exceed(query: str, settings: Settings = LIMITS) -> str:
    """The name of the limit that the document runs into."""
    with pytest.raises(LimitExceededError) as caught:
        plan_request(GraphQLRequest(query), settings)
    return str(caught.value.extensions["limit"])


def chain(depth: int) -> str:
    """Fields inside each other, this many."""
    names = ["goals", *(["tasks", "goal"] * depth)][: depth - 1]
    return "{" + "{".join([*names, "id"]) + "}" * depth


def test_depth_counts_fields_inside_each_other() -> None:
    plan_request(GraphQLRequest(chain(6)), LIMITS)
    assert exceed(chain(7)) == "depth"


def test_depth_is_the_same_through_fragments() -> None:
    parts = ["{ goals { ...F0 } }"]
    parts += [f"fragment F{n} on Goal {{ tasks {{ goal {{ ...F{n + 1} }} }} }}" for n in range(2)]
    assert exceed(" ".join([*parts, "fragment F2 on Goal { tasks { id } }"])) == "depth"
    plan_request(GraphQLRequest(" ".join([*parts, "fragment F2 on Goal { id }"])), LIMITS)


def test_depth_counts_what_pages_are_made_of() -> None:
    plan_request(
        GraphQLRequest("{ goalsConnection { edges { node { owner { me: goals { id } } } } } }"),
        LIMITS,
    )
    below = "{ goalsConnection { edges { node { owner { goals { owner { id } } } } } } }"
    assert exceed(below) == "depth"


def test_depth_counts_a_mutations_payload_from_its_root() -> None:
    mutation = (
        'mutation {{ deleteGoal(input: {{goalId: "00000000-0000-4000-8000-000000000000"}}) '
        '{{ deletedGoalId }} createGoalTask(input: {{goalId: "00000000-0000-4000-8000-000000000000"'
        ', information: "x"}}) {{ task {{ {} }} }} }}'
    )
    fits, deeper = "goal { tasks { goal { id } } }", "goal { tasks { goal { owner { id } } } }"
    plan_request(GraphQLRequest(mutation.format(fits)), LIMITS)
    assert exceed(mutation.format(deeper)) == "depth"


def test_a_few_fragments_cannot_make_many_fields() -> None:
    doubling = ["query { goals { ...F0 } }"]
    for n in range(8):
        doubling.append(
            f"fragment F{n} on Goal {{ a{n}: owner {{ x: goals {{ ...F{n + 1} }} }}"
            f" b{n}: owner {{ x: goals {{ ...F{n + 1} }} }} }}"
        )
    doubling.append("fragment F8 on Goal { id }")
    assert exceed(" ".join(doubling), replace(LIMITS, max_depth=99)) == "fields"


@pytest.mark.parametrize(
    "query",
    [
        "{ goals { " + " ".join(f"a{n}: id" for n in range(60)) + " } }",
        "{ goals { ...F } } fragment F on Goal {" + " ".join(f"a{n}: id" for n in range(60)) + "}",
        "{ " + " ".join(f"a{n}: goals {{ ...F }}" for n in range(20)) + " }"
        " fragment F on Goal { id title }",
        "{ goals { ... on Goal { " + " ".join(["id"] * 60) + " } } }",
        "{ goals { " + "id @skip(if: true) " * 60 + " } }",
    ],
    ids=["aliases", "in a fragment", "a fragment many times", "the same field", "left out"],
)
def test_aliases_count_wherever_they_are_spread(query: str) -> None:
    assert exceed(query, replace(LIMITS, max_tokens=2000)) == "fields"


def test_tokens_are_counted_before_anything_else() -> None:
    assert exceed("{" + " goals { id }" * 101 + "}") == "tokens"
    assert exceed("{" + " nonsense" * 401) == "tokens"


@pytest.mark.parametrize(
    "query", ["{" * 399, "query (" + "$a: [" * 190, "{ goals(filter: " + "{and: [" * 95]
)
def test_deep_nesting_is_no_crash(query: str) -> None:
    with pytest.raises(Exception, match=r"Syntax Error|nested too deeply"):
        plan_request(GraphQLRequest(query), replace(LIMITS, max_tokens=100_000))


def test_nesting_deeper_than_the_interpreter_goes_is_a_limit() -> None:
    deep = "{ goals(filter: " + "{not: " * 20_000 + "{}" + "}" * 20_000 + ") { id } }"
    with pytest.raises(LimitExceededError, match="nested too deeply"):
        plan_request(
            GraphQLRequest(deep), replace(LIMITS, max_tokens=1_000_000, max_characters=1_000_000)
        )


def test_the_usual_question_for_the_whole_schema_is_answered() -> None:
    plan = plan_request(GraphQLRequest(get_introspection_query()), Settings())
    assert isinstance(plan, Read)
    (root,) = plan.roots
    assert isinstance(root, Text)
    assert '"GoalConnection"' in root.json


def test_introspection_names_published_locations_of_directives_alone() -> None:
    plan = plan_request(GraphQLRequest(get_introspection_query()), Settings())
    assert isinstance(plan, Read)
    (root,) = plan.roots
    assert isinstance(root, Text)
    schema = json.loads(root.json)
    (locations,) = (each for each in schema["types"] if each["name"] == "__DirectiveLocation")
    named = {each["name"] for each in locations["enumValues"]}
    named.update(name for each in schema["directives"] for name in each["locations"])
    assert named == PUBLISHED_LOCATIONS
    assert not {"DIRECTIVE_DEFINITION", "FRAGMENT_VARIABLE_DEFINITION"} & PUBLISHED_LOCATIONS


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { " + " ".join(f"a{n}: types {{ ...T }}" for n in range(40)) + " } }"
        " fragment T on __Type { " + " ".join(f"a{n}: fields {{ ...F }}" for n in range(40)) + " }"
        " fragment F on __Field { " + " ".join(f"a{n}: args {{ name }}" for n in range(40)) + " }",
        "{ " + " ".join(f"a{n}: __schema {{ ...S }}" for n in range(100)) + " }"
        " fragment S on __Schema { types { fields { name type { name } args { name } } } }",
    ],
    ids=["fragments", "roots"],
)
def test_introspection_cannot_be_multiplied(query: str) -> None:
    wide = Settings(max_fields=10**7, max_root_fields=200, max_aliases=100_000, max_cost=10**9)
    with pytest.raises(LimitExceededError, match=str(LARGEST_INTROSPECTION)):
        plan_request(GraphQLRequest(query), wide)


def test_introspection_may_be_switched_off() -> None:
    with pytest.raises(Exception, match="introspection has been disabled"):
        plan_request(GraphQLRequest("{ __schema { __typename } }"), Settings(introspection=False))
    plan_request(GraphQLRequest("{ __typename }"), Settings(introspection=False))
