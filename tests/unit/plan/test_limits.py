"""Limits on documents: counted with fragments expanded, in bounded work, and reported exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from poutama.errors import LimitExceededError
from poutama.features import load_model
from poutama.plan.limits import check_document
from poutama.plan.operation import Documents, GraphQLFailure, GraphQLRequest
from poutama.settings import Settings

SETTINGS = Settings()
# What a limit is set to when it is taken away.
NO_LIMIT = 10**9


def bomb(levels: int, leaf: str = "id") -> str:
    """Fragments of which each spreads the next twice: 2 ** levels leaves."""
    doubling = "".join(
        f"fragment F{n} on Person {{ ...F{n + 1} ...F{n + 1} }} " for n in range(levels)
    )
    return f"{{ me {{ ...F0 }} }} {doubling} fragment F{levels} on Person {{ {leaf} }}"


def nested(levels: int) -> str:
    """Fields that lie deep only once the fragments are followed."""
    steps = "".join(
        f"fragment F{n} on Goal {{ owner {{ goals {{ ...F{n + 1} }} }} }} " for n in range(levels)
    )
    return f"{{ goals {{ ...F0 }} }} {steps} fragment F{levels} on Goal {{ id }}"


# name -> limit, setting, document, value, allowed
ATTACKS: dict[str, tuple[str, str, str, int, int]] = {
    "101 aliases": (
        "aliases",
        "max_aliases",
        "{ me { " + " ".join(f"a{n}: id" for n in range(101)) + " } }",
        101,
        15,
    ),
    "aliases in a fragment that is spread again and again": (
        "aliases",
        "max_aliases",
        "{ me { " + "...F " * 8 + "} } fragment F on Person { a: id b: name }",
        16,
        15,
    ),
    "an exponential fragment bomb": ("fields", "max_fields", bomb(30), 1_001, 1_000),
    "deep nesting": ("depth", "max_depth", "{ goals { owner " * 8 + "{ id }" + "} }" * 8, 17, 12),
    "deep nesting by fragments": ("depth", "max_depth", nested(6), 14, 12),
    "many root fields": (
        "rootFields",
        "max_root_fields",
        "{ " + "...F " * 21 + "} fragment F on Query { me { id } }",
        21,
        20,
    ),
    "the same field over and over": (
        "repeats",
        "max_repeats",
        "{ me { " + "id " * 202 + "} }",
        201,
        200,
    ),
    "the same list over and over, by fragments": (
        "repeats",
        "max_repeats",
        "{ me { " + "...F " * 102 + "} } fragment F on Person { goals { id } }",
        202,
        200,
    ),
    "many directives": (
        "directives",
        "max_directives",
        "{ me { " + "...F @include(if: true) " * 26 + "} }"
        " fragment F on Person { id @skip(if: false) }",
        52,
        50,
    ),
    "a long document": (
        "characters",
        "max_characters",
        "{ me { id } } #" + "x" * 15_000,
        15_015,
        15_000,
    ),
    "many tokens": ("tokens", "max_tokens", "{ me { id } } " * 350, 2_001, 2_000),
}


def read(query: str, settings: Settings = SETTINGS) -> None:
    Documents(load_model(), settings).find_operation(GraphQLRequest(query))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_limit_is_told_by_name_with_the_value_and_what_is_allowed(attack: str) -> None:
    limit, _, query, value, allowed = ATTACKS[attack]

    with pytest.raises(LimitExceededError) as caught:
        read(query)

    assert caught.value.extensions == {"limit": limit, "value": value, "allowed": allowed}
    assert str(value) in caught.value.message
    assert f"at most {allowed} allowed" in caught.value.message


def allowing(setting: str, value: int) -> Settings:
    values: dict[str, Any] = {setting: value}
    return replace(SETTINGS, **values)


def refusing(query: str, settings: Settings) -> str | None:
    """The limit that refuses the document, if one does."""
    try:
        read(query, settings)
    except LimitExceededError as error:
        return str(error.extensions["limit"])
    except GraphQLFailure:
        return None  # several anonymous operations, for one: the validator's business
    return None


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_the_limit_it_is_not_told(attack: str) -> None:
    limit, setting, query, _, _ = ATTACKS[attack]
    # A bomb that can be waited for once its limit is gone.
    query = bomb(9) if limit == "fields" else query

    assert refusing(query, SETTINGS) == limit
    assert refusing(query, allowing(setting, NO_LIMIT)) != limit


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "bomb" not in name])
def test_just_at_the_limit_it_is_served(attack: str) -> None:
    limit, setting, query, value, _ = ATTACKS[attack]
    if limit == "tokens":  # counting stops where the limit is: these are 350 times six
        value = 2_100

    assert refusing(query, allowing(setting, value)) != limit
    assert refusing(query, allowing(setting, value - 1)) == limit


@pytest.mark.parametrize("levels", [20, 60, 100])
def test_a_bomb_is_refused_after_as_many_selections_as_are_allowed(levels: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        check_document(parse(bomb(levels)), SETTINGS)

    assert caught.value.extensions["value"] == SETTINGS.max_fields + 1


def test_what_is_counted_is_every_selection_of_the_expanded_document() -> None:
    assert check_document(parse(bomb(3)), SETTINGS) == 1 + sum(2**n for n in range(4)) + 2**3


def test_directives_of_fragments_and_variables_count_wherever_they_are_spread() -> None:
    query = "query($a: Int @x) @x { me { ...F @x ...F } } fragment F on Person @x { id @x }"
    with pytest.raises(LimitExceededError, match="7 directives"):
        check_document(parse(query), allowing("max_directives", 6))


def test_several_operations_share_what_is_allowed() -> None:
    fragment = "fragment F on Query { me { " + "id " * 90 + "} }"
    operations = " ".join(f"query Q{n} {{ ...F }}" for n in range(11))

    with pytest.raises(LimitExceededError, match="fields or more"):
        check_document(parse(operations + fragment), SETTINGS)


@pytest.mark.parametrize(
    "query",
    [
        "{ me { ...F } } fragment F on Person { id ...F }",
        "{ me { ...F } } fragment F on Person { ...G } fragment G on Person { name ...F }",
        "{ me { ...Nowhere } }",
    ],
)
def test_fragments_that_are_wrong_are_left_to_the_validator(query: str) -> None:
    with pytest.raises(GraphQLFailure, match="fragment"):
        read(query)


@pytest.mark.parametrize(
    "query",
    [
        "{ __typename } fragment F on Goal { MANY }",
        "{ __typename } fragment F on Goal { ...G } fragment G on Goal { MANY }",
        "{ goals { ...F } } fragment F on Goal { MANY } fragment F on Goal { id }",
    ],
)
def test_what_no_operation_uses_is_counted_before_the_validator_compares_it(query: str) -> None:
    with pytest.raises(LimitExceededError, match="fields that repeat another"):
        read(query.replace("MANY", "id " * 300))


@pytest.mark.parametrize("deep", [True, False])
def test_graphiql_may_ask_for_the_whole_schema(deep: bool) -> None:
    read(
        get_introspection_query(
            descriptions=True,
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=deep,
            input_value_deprecation=deep,
            one_of=deep,
        )
    )


def test_deep_introspection_is_refused() -> None:
    lists = "fields { type { " * 3 + "name" + " } }" * 3
    with pytest.raises(GraphQLFailure, match="Maximum introspection depth exceeded"):
        read(f"{{ __schema {{ types {{ {lists} }} }} }}")


def test_only_what_is_below_introspection_has_no_depth() -> None:
    chain = "ofType { " * 12 + "name" + " }" * 12
    read(f'{{ __type(name: "Goal") {{ {chain} }} }}')
    with pytest.raises(LimitExceededError, match="nested 14 fields deep"):
        read("{ __typename " + "goals { owner { " * 6 + "goals { id }" + " } }" * 6 + " }")


def test_introspection_cannot_be_multiplied_by_aliases() -> None:
    query = "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(16)) + " }"
    with pytest.raises(LimitExceededError, match="16 aliases"):
        read(query)


DASHBOARD = """
query Dashboard { goals { ...Goal tasks { ...Step } notes { id information updatedAt createdAt } } }
fragment Goal on Goal {
  id goalType title information complete dueAt color updatedAt createdAt
}
fragment Step on GoalTask { id information complete updatedAt createdAt }
"""
GROUPS = """
query Groups {
  groups {
    id name progress { active overdue completed }
    members {
      id role acceptedAt
      person { id name goals { id title complete dueAt tasks { id information complete } } }
    }
  }
}
"""


@pytest.mark.parametrize("query", [DASHBOARD, GROUPS])
def test_what_people_look_at_every_day_is_well_within(query: str) -> None:
    read(query)


def test_a_list_in_the_variables_has_an_end() -> None:
    query = "mutation M($i: ReorderGoalTasksInput!) { reorderGoalTasks(input: $i) { goal { id } } }"
    documents = Documents(load_model(), SETTINGS)
    operation = documents.find_operation(GraphQLRequest(query))
    one = "60a10000-0000-4000-8000-000000000005"

    def coerce(tasks: int) -> Any:
        variables = {"i": {"goalId": one, "taskIds": [one] * tasks}}
        return documents.coerce_variables(operation, variables)[0]

    assert len(coerce(SETTINGS.max_batch_size)["i"]["taskIds"]) == 500
    with pytest.raises(LimitExceededError) as caught:
        coerce(501)
    assert caught.value.extensions == {"limit": "batch", "value": 501, "allowed": 500}
