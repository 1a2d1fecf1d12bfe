"""Authenticate, then budget, then parse: counted calls, without a database."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, cast
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.edge.http import Api, Request, Response
from poutama.engine import Engine, GraphQLResponse
from poutama.errors import RateLimitedError
from poutama.features import load_features, load_model
from poutama.plan.operation import Documents, GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

VIEWER = Viewer(UUID(int=1))
SCHEMA = "{ __typename __schema { queryType { name } } }"
STEPS = {
    "decode": "poutama.edge.http.parse_body",
    "decode parameters": "poutama.edge.http.parse_parameters",
    "parse": "poutama.plan.operation.parse",
    "validate": "poutama.plan.operation.validate",
    "coerce": "poutama.plan.operation.get_variable_values",
    "plan": "poutama.engine.execution.prepare_operation",
    "normalize": "poutama.plan.binding.normalize",
    "fold": "poutama.plan.binding.fold",
    "keep": "poutama.lru.Lru.put",
}


class NoDatabase:
    """What is refused or constant needs none."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each step is taken."""
    counted: Counter[str] = Counter()

    def count(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **named: Any) -> Any:
            counted[name] += 1
            return step(*arguments, **named)

        return counting

    for name, path in STEPS.items():
        monkeypatch.setattr(path, count(name, resolve_name(path)))
    return counted


def make_engine(**settings: Any) -> Engine:
    return Engine(
        load_model(),
        cast("Database", NoDatabase()),
        Settings(rendering="json", **settings),
        load_features().procedures,
    )


async def ask(
    engine: Engine, query: str, viewer: Viewer | None = VIEWER, **options: Any
) -> GraphQLResponse:
    request = GraphQLRequest(query, variables=options.pop("variables", None))
    return await engine.execute(request, viewer, deadline=time.monotonic() + 60, **options)


STRANGE = [
    "{ goals { id } }",
    SCHEMA,
    "{ nonsense",
    'mutation { createGoal(input: {goalType: SPORTS, title: "a"}) { goal { id } } }',
    '{ goals(filter: {search: "' + "\u0301\u0316" * 5_000 + '"}) { id } }',
]


@pytest.mark.parametrize("query", STRANGE)
async def test_a_strangers_request_costs_no_parse_no_plan_and_no_byte(
    calls: Counter[str], query: str
) -> None:
    answer = await ask(make_engine(), query, None)

    assert (answer.status, b"UNAUTHENTICATED" in answer.body) == (401, True)
    assert calls == {}
    await ask(make_engine(), SCHEMA)
    assert calls["parse"] == calls["plan"] == 1, "the steps are counted"


class RejectingVerifier:
    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return None if header is None else VIEWER


async def healthy() -> None:
    return


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
async def test_a_strangers_body_is_not_even_decoded(calls: Counter[str], method: str) -> None:
    api = Api(make_engine(), RejectingVerifier(), Settings(), healthy)
    headers = {"content-type": "application/json"}
    body = b'{"query": "' + SCHEMA.encode() + b'"}'

    async def send(**more: str) -> Response:
        request = Request(method, "/graphql", f"query={SCHEMA}", {**headers, **more}, body)
        return await api.handle(request)

    response = await send()

    assert (response.status, dict(response.headers)[b"www-authenticate"]) == (401, b"Bearer")
    assert calls == {}
    assert (await send(authorization="x")).status == 200
    assert calls["decode"] + calls["decode parameters"] == 1


async def test_a_setting_lets_strangers_ask_for_the_schema_and_nothing_is_kept(
    calls: Counter[str],
) -> None:
    engine = make_engine(public_introspection=True)

    assert (await ask(engine, SCHEMA, None)).status == 200
    fragments = "{ ...F } fragment F on Query { ... { __typename } }"
    assert (await ask(engine, fragments, None)).status == 200
    assert calls["keep"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "query($id: UUID) { goals(goalId: $id) { id } }",
        "{ __typename goals { id } }",
        "{ ...F } fragment F on Query { ... { me { id } } }",
        "mutation { __typename }",
    ],
)
async def test_other_requests_of_strangers_have_no_value_looked_at(
    calls: Counter[str], query: str
) -> None:
    engine = make_engine(public_introspection=True)

    answer = await ask(engine, query, None, variables={"id": "not one"})

    assert answer.status == 401
    assert not {"coerce", "plan", "normalize", "fold", "keep"} & calls.keys()


async def test_without_introspection_the_setting_admits_no_request() -> None:
    engine = make_engine(public_introspection=True, introspection=False)
    assert (await ask(engine, SCHEMA, None)).status == 401


async def test_the_budget_is_asked_before_a_document_is_parsed_and_before_it_is_planned(
    calls: Counter[str],
) -> None:
    engine = make_engine(cost_document=10)
    spent: list[tuple[int, int, int]] = []

    async def spend(cost: int) -> None:
        spent.append((cost, calls["parse"], calls["plan"]))

    query = "{ __typename" + " " * 87 + "}"
    for _ in range(2):
        assert (await ask(engine, query, spend=spend)).status == 200

    assert spent == [(10, 0, 0), (10, 1, 0), (1, 1, 1), (1, 1, 1)]


@pytest.mark.parametrize(("granted", "parsed"), [(0, 0), (1, 1)])
async def test_what_the_budget_refuses_is_not_parsed_or_not_planned(
    calls: Counter[str], granted: int, parsed: int
) -> None:
    left = granted

    async def spend(_cost: int) -> None:
        nonlocal left
        if left == 0:
            raise RateLimitedError
        left -= 1

    with pytest.raises(RateLimitedError):
        await ask(make_engine(), SCHEMA, spend=spend)

    assert (calls["parse"], calls["plan"]) == (parsed, 0)


NESTED = "query($f: GoalFilter) { goals(first: 1, filter: $f) { id } }"


async def test_values_are_counted_before_any_is_looked_at(calls: Counter[str]) -> None:
    nested: dict[str, object] = {"or": [{"or": [{}] * 99}] * 101}
    spent: list[int] = []

    async def spend(cost: int) -> None:
        spent.append(cost)

    answer = await ask(make_engine(), NESTED, variables={"f": nested}, spend=spend)

    (error,) = json.loads(answer.body)["errors"]
    assert error["message"] == "The variables have 10001 values or more: at most 10000 allowed."
    assert error["extensions"]["limit"] == "values"
    assert spent[-1] == (10_001 * 50 + 206) // 500, "and are paid for"
    assert not {"coerce", "plan"} & calls.keys()


async def test_a_document_that_is_refused_costs_what_reading_it_does(
    calls: Counter[str],
) -> None:
    spent: list[int] = []

    async def spend(cost: int) -> None:
        spent.append(cost)

    engine = make_engine(cost_document=10)
    for _ in range(2):
        assert (await ask(engine, "{" + " " * 98 + "x", spend=spend)).status == 400
    too_long = await ask(engine, "x" * 15_001, spend=spend)

    assert spent == [10, 10]
    assert b"LIMIT_EXCEEDED" in too_long.body
    assert calls["parse"] == 2


FIELDS = "id goalType title information complete dueAt color updatedAt createdAt"
KINDS: dict[str, Callable[[int], str]] = {
    "fields": lambda n: f"{{ a{n}: goals {{ {FIELDS} tasks {{ id information }} }} }}",
    "conditions": lambda n: (
        "{ goals(filter: {or: ["
        + " ".join(f'{{title: {{contains: "{n} {i}"}}}}' for i in range(60))
        + "]}) { id } }"
    ),
    "a changed row": lambda n: (
        f'mutation {{ createGoal(input: {{goalType: SPORTS, title: "{n}"}})'
        f" {{ goal {{ {FIELDS} }} }} }}"
    ),
    "introspection": lambda n: f"{{ a{n}: __schema {{ types {{ name fields {{ name }} }} }} }}",
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
async def test_what_is_kept_is_estimated_honestly(make: Callable[[int], str]) -> None:
    """Held against what the interpreter has allocated for many of them."""
    engine = make_engine()
    count = 80
    await prepare(engine, make(count))
    await prepare(engine, make(count + 1))
    before = kept(engine)
    tracemalloc.start()
    try:
        base, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            await prepare(engine, make(number))
        gc.collect()
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 0.7 <= (kept(engine) - before) / (now - base) <= 1.5


async def prepare(engine: Engine, query: str) -> None:
    request = GraphQLRequest(query)
    operation = engine._documents.find_operation(request)
    _, shape = engine._documents.coerce_variables(operation, None)
    await engine._prepare(operation, request, shape, VIEWER, None)


def kept(engine: Engine) -> int:
    return engine._documents._kept.bytes + engine._prepared.bytes


async def test_documents_and_plans_are_kept_up_to_so_many_bytes() -> None:
    engine = make_engine(plan_cache_bytes=500_000)
    for number in range(40):
        await prepare(engine, KINDS["conditions"](number))
        assert engine._documents._kept.bytes <= 500_000
        assert engine._prepared.bytes <= 500_000
    assert 1 <= len(engine._documents._kept) < 40
    await prepare(engine, "{ __typename }")
    assert engine._documents.find_kept(GraphQLRequest("{ __typename }")) is not None


def test_a_document_larger_than_all_is_not_kept_and_drives_none_out() -> None:
    documents = Documents(load_model(), Settings(plan_cache_bytes=50_000))
    small, large = GraphQLRequest("{ __typename }"), GraphQLRequest(KINDS["conditions"](1))
    documents.find_operation(small)
    documents.find_operation(large)
    assert documents.find_kept(large) is None
    assert documents.find_kept(small) is not None


@pytest.mark.parametrize(
    ("input", "price"),
    [
        ({"title": "a" * 100_000}, 200),
        # 4,000 objects without text, the list, the input and all variables: 50 bytes each.
        ({"tasks": [{}] * 4_000}, 400),
    ],
    ids=["text", "values"],
)
async def test_variables_are_paid_for_before_they_are_coerced(
    calls: Counter[str], input: dict[str, object], price: int
) -> None:
    engine, spent = make_engine(), Counter[str]()
    query = "mutation($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"

    async def spend(cost: int) -> None:
        spent["cost"] += cost
        if calls["validate"]:
            raise RateLimitedError

    with pytest.raises(RateLimitedError):
        await ask(engine, query, variables={"i": input}, spend=spend)
    assert calls["coerce"] == 0
    assert spent["cost"] == price + len(query) // 4
