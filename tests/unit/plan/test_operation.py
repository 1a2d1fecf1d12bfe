"""Documents are read once, and one plan serves every request of the same shape."""

from __future__ import annotations

from typing import Any

import pytest

from poutama.errors import (
    BadUserInputError,
    LimitExceededError,
    OperationNotFoundError,
    ParseFailedError,
    ValidationFailedError,
)
from poutama.features import load_model
from poutama.lru import Lru
from poutama.plan.operation import Documents, GraphQLFailure, GraphQLRequest, Operation
from poutama.plan.values import Constant, Variable
from poutama.plan.variables_shape import VariablesShape, build_trees
from poutama.settings import Settings

QUERY = """query Search(
  $id: UUID, $words: String = "a", $first: Int, $yes: Boolean!, $order: [GoalOrder!],
  $filter: GoalFilter, $types: [GoalType!]
) {
  goals(goalId: $id, first: $first, orderBy: $order, filter: $filter) {
    id
    title @include(if: $yes)
    tasks(filter: {search: $words, goal: {goalType: {in: $types}}}) { id }
  }
}"""


def read(documents: Documents, **variables: object) -> tuple[Operation, VariablesShape]:
    operation = documents.find_operation(GraphQLRequest(QUERY))
    _, shape = documents.coerce_variables(operation, {"yes": True, **variables})
    return operation, shape


@pytest.fixture
def documents() -> Documents:
    return Documents(load_model(), Settings())


ID, OTHER = "60a10000-0000-4000-8000-000000000001", "60a10000-0000-4000-8000-000000000002"
SHARED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"id": ID}, {"id": OTHER}),
    ({"words": "x"}, {"words": "y"}),
    ({}, {"words": "given, not by default"}),
    ({"first": 1}, {"first": 1000}),
    ({"types": ["SPORTS"]}, {"types": ["CAREER", "SPORTS"]}),
    ({"types": ["SPORTS"]}, {"types": []}),
    ({"order": "TITLE_ASC"}, {"order": ["TITLE_ASC"]}),
    ({"filter": {"title": {"in": ["a"]}}}, {"filter": {"title": {"in": ["b", "c"]}}}),
    ({"filter": {"or": [{"search": "a"}]}}, {"filter": {"or": [{"search": "b"}]}}),
    ({"filter": {"or": {"search": "a"}}}, {"filter": {"or": [{"search": "b"}]}}),
    ({"filter": {"version": {"lt": 1}}}, {"filter": {"version": {"lt": 2}}}),
    (
        {"filter": {"search": "a", "title": {"eq": "b"}}},
        {"filter": {"title": {"eq": "c"}, "search": "d"}},
    ),
]
APART: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"id": ID}),
    ({}, {"id": None}),
    ({"id": None}, {"id": ID}),
    ({"yes": True}, {"yes": False}),
    ({"order": ["TITLE_ASC"]}, {"order": ["TITLE_DESC"]}),
    ({"order": ["TITLE_ASC"]}, {"order": []}),
    ({"order": ["TITLE_ASC", "DUE_AT_ASC"]}, {"order": ["DUE_AT_ASC", "TITLE_ASC"]}),
    ({"filter": {}}, {"filter": {"title": {}}}),
    ({"filter": {"title": {"eq": "a"}}}, {"filter": {"title": {"contains": "a"}}}),
    ({"filter": {"dueAt": {"eq": None}}}, {"filter": {"dueAt": {"eq": "2026-02-03T00:00:00Z"}}}),
    ({"filter": {"complete": {"eq": True}}}, {"filter": {"complete": {"eq": False}}}),
    ({"filter": {"or": [{}]}}, {"filter": {"or": [{}, {}]}}),
]


@pytest.mark.parametrize(("first", "second"), SHARED)
def test_other_values_make_the_same_plan(
    documents: Documents, first: dict[str, Any], second: dict[str, Any]
) -> None:
    assert read(documents, **first) == read(documents, **second)


@pytest.mark.parametrize(("first", "second"), APART)
def test_what_a_plan_depends_on_makes_another(
    documents: Documents, first: dict[str, Any], second: dict[str, Any]
) -> None:
    (operation, shape), (same, other) = read(documents, **first), read(documents, **second)
    assert operation is same
    assert shape != other


def test_a_plan_holds_places_where_values_go(documents: Documents) -> None:
    variables = {
        "id": ID,
        "first": None,
        "order": ["TITLE_ASC"],
        "filter": {"or": [{"search": "a"}], "title": {"in": ["a"]}, "complete": {"eq": True}},
    }
    assert build_trees(read(documents, **variables)[1]) == {
        "id": Variable(("id",)),
        "words": Variable(("words",)),
        "first": None,
        "yes": Constant(True),
        "order": [Constant("TITLE_ASC")],
        "filter": {
            "or": [{"search": Variable(("filter", "or", 0, "search"))}],
            "title": {"in": Variable(("filter", "title", "in"))},
            "complete": {"eq": Constant(True)},
        },
    }


def test_what_introspection_is_asked_with_is_part_of_the_plan(documents: Documents) -> None:
    query = "query ($name: String!) { __type(name: $name) { name } }"
    operation = documents.find_operation(GraphQLRequest(query))
    shapes = [documents.coerce_variables(operation, {"name": name})[1] for name in ("Goal", "Int")]
    assert shapes[0] != shapes[1]


def test_a_document_is_read_once_for_each_of_its_operations(documents: Documents) -> None:
    text = "query A { me { id } } query B { me { name } }"
    first = documents.find_operation(GraphQLRequest(text, "A"))
    assert documents.find_operation(GraphQLRequest("".join(text), "A")) is first
    assert documents.find_operation(GraphQLRequest(text, "B")) is not first
    assert documents.find_operation(GraphQLRequest(text + " ", "A")) is not first


def test_the_least_recently_used_documents_are_dropped() -> None:
    documents = Documents(load_model(), Settings(plan_cache_size=2))
    queries = [GraphQLRequest(f"{{ me {{ a{number}: id }} }}") for number in range(3)]
    first, second = (documents.find_operation(query) for query in queries[:2])
    assert documents.find_operation(queries[0]) is first
    documents.find_operation(queries[2])
    assert documents.find_operation(queries[0]) is first
    assert documents.find_operation(queries[1]) is not second


def test_a_cache_holds_no_more_than_it_may() -> None:
    kept: Lru[int, str] = Lru(3)
    for number in range(100):
        kept.put(number, str(number))
        assert len(kept) <= 3
    assert [kept.get(number) for number in (96, 97, 99)] == [None, "97", "99"]
    # 98 was used longest ago.
    kept.put(98, "again")
    kept.put(100, "100")
    assert [kept.get(number) for number in (97, 98, 99, 100)] == [None, "again", "99", "100"]
    assert kept.pop(98) == "again"
    assert kept.pop(98) is None
    assert len(kept) == 2


def test_a_document_that_was_refused_is_not_kept(documents: Documents) -> None:
    for _ in range(2):
        with pytest.raises(GraphQLFailure) as caught:
            documents.find_operation(GraphQLRequest("{ nonsense }"))
        assert caught.value.kind is ValidationFailedError


WRONG: dict[str, tuple[GraphQLRequest, type[Exception] | None, str]] = {
    "nothing": (GraphQLRequest(""), ParseFailedError, "Unexpected <EOF>"),
    "no GraphQL": (GraphQLRequest("{ goals { id }"), ParseFailedError, "Expected Name"),
    "half a pair": (GraphQLRequest('{ a(b: "\\ud800") }'), ParseFailedError, "Invalid Unicode"),
    "an unknown field": (GraphQLRequest("{ gaols { id } }"), ValidationFailedError, "'gaols'"),
    "a mapping directive": (
        GraphQLRequest('{ goals { id @column(name: "x") } }'), ValidationFailedError, "@column",
    ),
    "a fragment in itself": (
        GraphQLRequest("{ me { ...A } } fragment A on Person { ...A }"), ValidationFailedError,
        "Cannot spread fragment 'A' within itself",
    ),
    "a subscription": (
        GraphQLRequest("subscription { goals { id } }"), ValidationFailedError,
        "Subscriptions are not served, by WebSocket or otherwise: send queries and mutations",
    ),
    "an empty selection": (GraphQLRequest("{ goals { } }"), ParseFailedError, "Expected Name"),
    "an empty operation": (GraphQLRequest("query A { }"), ParseFailedError, "Expected Name"),
    "an empty fragment": (
        GraphQLRequest("{ me { id ... { } } }"), ParseFailedError, "Expected Name",
    ),
    "the same key twice": (
        GraphQLRequest("{ me { x: id x: name } }"), ValidationFailedError, "conflict",
    ),
    "no operation": (
        GraphQLRequest("fragment A on Person { id }"), ValidationFailedError, "never used",
    ),
    "several operations": (
        GraphQLRequest("query A { me { id } } query B { me { id } }"), None, "operationName",
    ),
    "an operation that is not there": (GraphQLRequest("query A { me { id } }", "B"), None, '"B"'),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_run_is_told_in_its_class(documents: Documents, case: str) -> None:
    request, kind, message = WRONG[case]
    if kind is None:
        with pytest.raises(OperationNotFoundError, match=message):
            documents.find_operation(request)
    else:
        with pytest.raises(GraphQLFailure, match=message) as caught:
            documents.find_operation(request)
        assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "$yes: "),
        ({"yes": None}, "$yes: "),
        ({"yes": "true"}, "$yes: "),
        ({"yes": True, "first": 2**31}, "from -2147483648 to 2147483647"),
        ({"yes": True, "first": 1.5}, "$first: "),
        ({"yes": True, "types": ["sports"]}, "$types"),
        ({"yes": True, "filter": {"nope": {}}}, "$filter.nope: "),
        ({"yes": True, "id": "1"}, 'such as "0b4f'),
        ({"yes": True, "order": [None]}, "$order"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(
    documents: Documents, variables: dict[str, Any], message: str
) -> None:
    operation = documents.find_operation(GraphQLRequest(QUERY))
    with pytest.raises(GraphQLFailure) as caught:
        documents.coerce_variables(operation, variables)
    assert caught.value.kind is BadUserInputError
    assert message in caught.value.errors[0].message


def test_a_variable_too_many_is_no_mistake(documents: Documents) -> None:
    operation = documents.find_operation(GraphQLRequest("{ me { id } }"))
    assert documents.coerce_variables(operation, {"more": 1}) == ({}, VariablesShape())


def test_without_introspection_nothing_is_suggested() -> None:
    documents = Documents(load_model(), Settings(introspection=False))
    with pytest.raises(GraphQLFailure) as caught:
        documents.find_operation(GraphQLRequest("{ gaols { id } }"))
    assert "Did you mean" not in caught.value.errors[0].message


def test_too_many_tokens_are_no_syntax_error() -> None:
    documents = Documents(load_model(), Settings(max_tokens=5))
    with pytest.raises(LimitExceededError, match="at most 5 allowed"):
        documents.find_operation(GraphQLRequest("{ me { id name } }"))
