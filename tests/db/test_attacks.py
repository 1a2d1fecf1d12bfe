"""Attacks as tests: each is refused with the right error, and without a word to the database.

The checks that graphql-cop (https://github.com/dolevf/graphql-cop) makes, and more of their kind,
over HTTP against the real engine. Ana asks; Ben must never be seen.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

import pytest
from graphql import get_introspection_query

from poutama.db.connection import Database
from poutama.edge.http import Api, Request
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.settings import Settings
from tests.db.api_requests import JSON, Ana, Server
from tests.golden.rows import BENS_GOAL, BENS_NOTE, BENS_TASK, NOWHERE, fill, person_id
from tests.unit.plan.test_limits import ATTACKS

CREATE = 'mutation { createGoal(input: {goalType: SPORTS, title: "x"}) { goal { id } } }'


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    settings = Settings(database_url=database_url)
    database = Database(settings)
    await database.dialect()
    yield Server(database, settings)
    await database.close()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_asks_for_too_much_never_reaches_the_database(
    server: Server, attack: str
) -> None:
    limit, _, query, value, allowed = ATTACKS[attack]
    outcome = await server.ask(query)

    assert outcome.status == 400
    assert outcome.error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": limit,
        "value": value,
        "allowed": allowed,
    }
    assert outcome.statements == []


DEAR = {
    "pages within pages": "{ goalsConnection(first: 900) { nodes { tasks(first: 900) { id } } } }",
    "round and round": "{ " + "goals { owner { " * 5 + "id" + " } }" * 5 + " }",
    "ten aliases of a long page": "{ "
    + " ".join(f"a{n}: goalsConnection(first: 900) {{ nodes {{ id title }} }}" for n in range(10))
    + " }",
}


@pytest.mark.parametrize("attack", DEAR)
async def test_what_costs_too_much_never_reaches_the_database(server: Server, attack: str) -> None:
    outcome = await server.ask(DEAR[attack])

    extensions = outcome.error["extensions"]
    assert (outcome.code, extensions["limit"]) == ("LIMIT_EXCEEDED", "cost")
    assert extensions["value"] > extensions["allowed"] == 5_000
    assert outcome.statements == []


@pytest.mark.parametrize("attack", DEAR)
async def test_without_the_limit_it_would_reach_it(server: Server, attack: str) -> None:
    server.settings = replace(server.settings, max_cost=10**9, rendering="rows")
    outcome = await server.ask(DEAR[attack])

    assert outcome.status == 200
    assert len(outcome.statements) == 1


async def test_a_page_in_a_variable_is_counted_though_the_plan_is_kept(server: Server) -> None:
    query = "query($n: Int!) { goalsConnection(first: $n) { nodes { tasks(first: $n) { id } } } }"
    engine = Engine(load_model(), server.database, server.settings, load_features().procedures)
    api = Api(engine, Ana(), server.settings, server.healthy)

    async def status(first: int) -> int:
        body = json.dumps({"query": query, "variables": {"n": first}}).encode()
        return (await api.handle(Request("POST", "/graphql", "", JSON, body))).status

    await fill(server.database)
    assert [await status(first) for first in (5, 900, 5, 900)] == [200, 400, 200, 400]


async def test_a_huge_list_in_the_variables_is_refused(server: Server) -> None:
    outcome = await server.ask(
        "query($ids: [UUID!]) { goals(filter: {id: {in: $ids}}) { id } }", ids=[str(NOWHERE)] * 501
    )

    assert outcome.error["extensions"]["limit"] == "batch"
    assert outcome.statements == []


async def test_a_huge_list_in_the_document_is_refused(server: Server) -> None:
    ids = ",".join(f'"{NOWHERE}"' for _ in range(60))
    server.settings = replace(server.settings, max_batch_size=50)
    outcome = await server.ask(f"{{ goals(filter: {{id: {{in: [{ids}]}}}}) {{ id }} }}")

    assert outcome.error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": "batch",
        "value": 60,
        "allowed": 50,
    }


async def test_many_rows_at_once_are_refused(server: Server) -> None:
    goal = {"goalType": "SPORTS", "title": "x", "tasks": [{"information": "a"}] * 501}
    outcome = await server.ask(
        "mutation($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }", i=goal
    )

    assert outcome.error["extensions"]["limit"] == "batch"
    assert outcome.statements == []


async def test_a_batch_of_ten_is_refused(server: Server) -> None:
    outcome = await server.post([{"query": "{ me { id } }"}] * 10)

    assert (outcome.status, outcome.code, outcome.statements) == (400, "BAD_REQUEST", [])
    assert "Batches are not served" in outcome.error["message"]


async def test_duplicated_directives_are_refused(server: Server) -> None:
    outcome = await server.ask("{ me { id @include(if: true) @include(if: true) } }")

    assert (outcome.code, outcome.statements) == ("GRAPHQL_VALIDATION_FAILED", [])


async def test_unknown_directives_are_refused(server: Server) -> None:
    outcome = await server.ask("{ me { id " + "@aa" * 40 + " } }")

    assert (outcome.code, outcome.statements) == ("GRAPHQL_VALIDATION_FAILED", [])


async def test_a_mutation_by_get_is_refused(server: Server) -> None:
    request = Request("GET", "/graphql", urlencode({"query": CREATE}), JSON, b"")
    outcome = await server.send(request)

    assert (outcome.status, outcome.code, outcome.statements) == (405, "METHOD_NOT_ALLOWED", [])


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
async def test_what_a_form_can_send_is_refused(server: Server, kind: str) -> None:
    outcome = await server.post(urlencode({"query": CREATE}).encode(), **{"content-type": kind})

    assert (outcome.status, outcome.code, outcome.statements) == (415, "UNSUPPORTED_MEDIA_TYPE", [])


async def test_deep_introspection_is_refused(server: Server) -> None:
    lists = "fields { type { " * 3 + "name" + " } }" * 3
    outcome = await server.ask(f"{{ __schema {{ types {{ {lists} }} }} }}")

    assert (outcome.code, outcome.statements) == ("GRAPHQL_VALIDATION_FAILED", [])


async def test_a_schema_that_is_kept_to_oneself_is_not_told_nor_hinted_at(server: Server) -> None:
    server.settings = replace(server.settings, introspection=False)
    assert (await server.ask(get_introspection_query())).code == "GRAPHQL_VALIDATION_FAILED"
    assert (await server.ask('{ __type(name: "Goal") { name } }')).body.get("data") is None

    for query, variables in (
        ("{ goalz { id } }", {}),
        ("{ goals(fist: 1) { id } }", {}),
        ("{ me { ...F } } fragment F on Persn { id }", {}),
        ("query($o: [GoalOrder!]) { goals(orderBy: $o) { id } }", {"o": ["DUE_AT_ACS"]}),
        ("query($f: GoalFilter) { goals(filter: $f) { id } }", {"f": {"titel": {}}}),
    ):
        outcome = await server.ask(query, **variables)
        assert "did you mean" not in outcome.error["message"].lower(), query
        assert outcome.statements == []


async def test_hints_are_there_where_the_schema_may_be_asked_for(server: Server) -> None:
    assert "Did you mean" in (await server.ask("{ goalz { id } }")).error["message"]


def forge(*parts: object) -> str:
    return b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "not base64!",
        b64encode(b"{}").decode(),
        b64encode(b"[]").decode(),
        b64encode(b"[" * 5_000).decode(),
        forge("Query.goals createdAt", "2026-02-01T09:00:00Z"),
        forge("Query.goals createdAt", "2026-02-01T09:00:00Z", "1 OR 1=1"),
        forge("Query.goals createdAt", "' OR '1'='1", str(NOWHERE)),
        forge(
            "Query.goals createdAt", "2026-02-01T09:00:00Z", "2026-02-01T09:00:00Z", str(NOWHERE)
        ),
        forge("Query.goals email", "ben@school.example", str(NOWHERE)),
        forge("Query.goals createdAt", None, str(NOWHERE)),
        forge("Query.goals createdAt", {"a": 1}, str(NOWHERE)),
        forge("Query.goals createdAt", "\x00", str(NOWHERE)),
        forge("Query.goals createdAt", "2026-02-01T09:00:00Z", [str(NOWHERE)]),
    ],
    ids=repr,
)
async def test_a_forged_cursor_is_an_error(server: Server, cursor: str) -> None:
    outcome = await server.ask(
        "query($c: String) { goalsConnection(first: 1, after: $c) { nodes { id } } }", c=cursor
    )

    assert (outcome.status, outcome.code, outcome.statements) == (400, "BAD_USER_INPUT", [])


async def test_a_cursor_before_everything_shows_nothing_of_others(server: Server) -> None:
    query = """query($c: String) {
      goalsConnection(after: $c) { totalCount nodes { id } }
      everything: goalsConnection { totalCount nodes { id } }
    }"""
    first = forge("Query.goals createdAt", "1970-01-01T00:00:00Z", str(NOWHERE))
    body = (await server.ask(query, c=first)).body

    assert body["data"]["goalsConnection"] == body["data"]["everything"]
    assert str(BENS_GOAL) not in json.dumps(body)


GUESSES = {
    "goals": ("query($id: UUID!) { goals(goalId: $id) { id title } }", BENS_GOAL),
    "a person": ("query($id: UUID!) { person(personId: $id) { id name } }", person_id(2)),
    "a person's goals": (
        "query($id: UUID!) { person(personId: $id) { goals { id } } }",
        person_id(2),
    ),
    "a filter by id": (
        "query($id: UUID!) { goalsConnection(filter: {id: {eq: $id}}) { totalCount } }",
        BENS_GOAL,
    ),
    "a filter by what belongs to it": (
        "query($id: UUID!) { goalsConnection(filter: {tasks: {some: {id: {eq: $id}}}})"
        " { totalCount } }",
        BENS_TASK,
    ),
    "an update": (
        "mutation($id: UUID!) { updateGoal(input: {goalId: $id, complete: true}) { goal { id } } }",
        BENS_GOAL,
    ),
    "an update that expects a version": (
        "mutation($id: UUID!) { updateGoal(input: {goalId: $id, expectedVersion: 9})"
        " { goal { id } } }",
        BENS_GOAL,
    ),
    "a delete": (
        "mutation($id: UUID!) { deleteGoal(input: {goalId: $id}) { deletedGoalId } }",
        BENS_GOAL,
    ),
    "a task in another's goal": (
        'mutation($id: UUID!) { createGoalTask(input: {goalId: $id, information: "x"})'
        " { task { id } } }",
        BENS_GOAL,
    ),
    "a task": (
        "mutation($id: UUID!) { deleteGoalTask(input: {taskId: $id}) { deletedTaskId } }",
        BENS_TASK,
    ),
    "a note": (
        "mutation($id: UUID!) { deleteGoalNote(input: {noteId: $id}) { deletedNoteId } }",
        BENS_NOTE,
    ),
}


@pytest.mark.parametrize("guess", GUESSES)
async def test_an_id_that_was_guessed_looks_like_one_that_nothing_has(
    server: Server, guess: str
) -> None:
    query, theirs = GUESSES[guess]

    async def outcome(id_: UUID) -> tuple[int, str]:
        answer = await server.ask(query, id=str(id_))
        return answer.status, json.dumps(answer.body)

    assert await outcome(theirs) == await outcome(NOWHERE)
