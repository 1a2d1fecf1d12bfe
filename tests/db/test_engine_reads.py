"""Queries on a real database, in both renderings: what golden documents do not show."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.viewer import Viewer
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, BEN, BENS_GOAL, NOWHERE, goal_id

# Searching.


@pytest.mark.parametrize("words", ["māori", "Maori", "MĀORI", "ma\u0304ori", "aor"])
async def test_a_search_ignores_case_and_macrons(client: EngineClient, words: str) -> None:
    found = await client.ask(
        """query ($w: String!) {
          search: goals(filter: {search: $w}) { title }
          title: goals(filter: {title: {contains: $w}}) { title }
          text: goals(filter: {information: {contains: $w}}) { title }
        }""",
        w=words,
    )
    assert found["search"] == [{"title": "Kōrero Māori"}, {"title": "Carve a koauau"}]
    assert found["title"] == [{"title": "Kōrero Māori"}]
    assert found["text"] == [{"title": "Carve a koauau"}]


@pytest.mark.parametrize("words", ["kōrero māori", "MĀORI  korero", "ori ero\u00b4"])
async def test_words_are_found_in_any_order(client: EngineClient, words: str) -> None:
    found = await client.ask(
        "query ($w: String!) { goals(filter: {search: $w}) { title } }", w=words
    )
    assert found["goals"] == [{"title": "Kōrero Māori"}]


@pytest.mark.parametrize("accent", ["\u0301", "\u00b4"])
async def test_an_accent_alone_finds_nothing(client: EngineClient, accent: str) -> None:
    found = await client.ask(
        """query ($w: String!) {
          search: goals(filter: {search: $w}) { title }
          title: goals(filter: {title: {contains: $w}}) { title }
          start: goals(filter: {title: {startsWith: $w}}) { title }
          none: goals(filter: {search: " "}) { title }
        }""",
        w=accent,
    )
    assert [len(found[key]) for key in ("search", "title", "start", "none")] == [0, 0, 0, 5]


async def test_a_long_text_is_looked_for_at_the_beginning_alone(client: EngineClient) -> None:
    long = "ā" * 5_000
    create = 'mutation ($t: String!) { createGoal(input: {goalType: SPORTS, title: "Long",\
 information: $t}) { goal { id } } }'
    await client.ask(create, t=f"{long}b")
    find = "query ($f: TextFilter) { goals(filter: {information: $f}) { title } }"

    assert (await client.ask(find, f={"startsWith": long}))["goals"] == [{"title": "Long"}]
    assert (await client.ask(find, f={"startsWith": long[1:] + "B"}))["goals"] == []
    assert (await client.ask(find, f={"startsWith": f"{long}bc"}))["goals"] == []
    assert (await client.ask(find, f={"contains": "a" * 99 + "B"}))["goals"] == [{"title": "Long"}]
    for condition in ({"contains": long}, {"contains": "b" + "a" * 100}):
        assert await client.refuse(find, f=condition) == "BAD_USER_INPUT"


async def test_equality_does_not_ignore_them(client: EngineClient) -> None:
    query = "query ($t: String!) { goals(filter: {title: {eq: $t}}) { id } }"
    assert (await client.ask(query, t="Korero Maori"))["goals"] == []
    assert len((await client.ask(query, t="Kōrero Māori"))["goals"]) == 1


@pytest.mark.parametrize("title", ["K\u014drero M\u0101ori", "Ko\u0304rero Ma\u0304ori"])
async def test_equality_finds_what_another_keyboard_typed(client: EngineClient, title: str) -> None:
    found = await client.ask(
        """query ($t: String!, $all: [String!]) {
          eq: goals(filter: {title: {eq: $t}}) { title }
          in: goals(filter: {title: {in: $all}}) { title }
        }""",
        t=title,
        all=["unknown", title],
    )
    assert found["eq"] == found["in"] == [{"title": "K\u014drero M\u0101ori"}]


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", "$1", "' or true --"])
async def test_nothing_in_a_search_has_a_meaning_of_its_own(
    client: EngineClient, words: str
) -> None:
    found = await client.ask(
        "query ($w: String) { goals(filter: {search: $w}) { title } }", w=words
    )
    expected = [{"title": "Science project"}] if words == "\\" else []
    assert found["goals"] == expected


# Input that cannot be used, and limits.

UNUSABLE: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a page below nothing": (
        "query ($n: Int) { it: goals(first: $n) { id } }", {"n": -1},
        "it.first: expected a number from 0, got -1.", "BAD_USER_INPUT",
    ),
    "a page too large": (
        "query ($n: Int) { it: goals(first: $n) { id } }", {"n": 1001},
        "it.first: a page may have 1000 items at most, got 1001.", "LIMIT_EXCEEDED",
    ),
    "NUL in a variable": (
        "query ($w: String) { goals(filter: {search: $w}) { id } }", {"w": "a\0"},
        "$w contains the character NUL (U+0000).", "BAD_USER_INPUT",
    ),
    "NUL in a literal": (
        '{ goals(filter: {title: {in: ["b", "\\u0000"]}}) { id } }', {},
        "goals.filter.title.in contains the character NUL (U+0000).", "BAD_USER_INPUT",
    ),
    "half a pair": (
        "query ($f: GoalFilter) { goals(filter: $f) { id } }",
        {"f": {"or": [{"title": {"startsWith": "\ud83d"}}]}},
        "$f.or.0.title.startsWith contains half of a surrogate pair, which is not a character.",
        "BAD_USER_INPUT",
    ),
    "half a pair in a list": (
        "query ($l: [String!]) { goals(filter: {title: {in: $l}}) { id } }", {"l": ["a", "\udc00"]},
        "$l contains half of a surrogate pair, which is not a character.", "BAD_USER_INPUT",
    ),
    "null in a filter": (
        "query ($b: Boolean) { it: goals(filter: {tasks: {some: {complete: {eq: true}}}, "
        "color: {isNull: $b}}) { id } }", {"b": None},
        "it.filter.color.isNull: expected a value, got null; leave it out, or use eq or isNull.",
        "BAD_USER_INPUT",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
async def test_what_cannot_be_used_is_named(client: EngineClient, case: str) -> None:
    query, variables, message, code = UNUSABLE[case]
    status, error = await client.fail(query, **variables)
    assert status == 400
    assert error["message"] == message
    assert error["extensions"]["code"] == code


async def test_nothing_is_sent_for_what_cannot_be_used(
    client: EngineClient, engine_database: Database
) -> None:
    traces: list[StatementTrace] = []
    with engine_database.observe(traces.append):
        for query, variables, _, _ in UNUSABLE.values():
            await client.fail(query, **variables)
    assert traces == []


# Who is asking.


@pytest.mark.parametrize(
    "query",
    ["{ goals { id } }", "{ goalsConnection { totalCount } }", "{ __typename me { id } }"],
)
async def test_a_request_without_a_viewer_reads_nothing(client: EngineClient, query: str) -> None:
    status, error = await client.fail(query, None)
    assert status == 401
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_all_who_are_signed_in_may_read_the_schema(
    client: EngineClient,
) -> None:
    query = "{ __typename __schema { queryType { name } } }"
    assert await client.ask(query, ANA)
    assert (await client.fail(query, None))[0] == 401


async def test_a_person_who_is_gone_is_not_signed_in(client: EngineClient) -> None:
    gone = Viewer(uuid4())
    status, error = await client.fail("{ goals { id } me { id } }", gone)
    assert (status, error["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert await client.ask("{ goals { id } }", gone) == {"goals": []}


async def test_a_plan_made_for_one_viewer_serves_the_next(client: EngineClient) -> None:
    query = "{ goals { id owner { id } tasks { goal { owner { goals { id } } } } } me { id } }"
    first, second = await client.ask(query, ANA), await client.ask(query, BEN)
    assert first["me"] == {"id": str(ANA.person_id)}
    assert [goal["id"] for goal in second["goals"]] == [str(BENS_GOAL)]
    assert str(BENS_GOAL) not in json.dumps(first)


@pytest.mark.parametrize("variables", [{"id": None}, {"id": None, "f": {}}])
async def test_null_for_an_id_lists_nothing(
    client: EngineClient, variables: dict[str, object]
) -> None:
    query = """query ($id: UUID, $f: GoalFilter) {
      one: goals(goalId: $id, filter: $f) { id } }"""
    status, error = await client.fail(query, **variables)
    assert (status, error["extensions"]["field"]) == (400, "one.goalId")
    assert error["message"].startswith("one.goalId: expected a value, got null")
    # A variable that is not there is an argument that was left out.
    assert len((await client.ask(query))["one"]) == 5


async def test_another_persons_goal_is_as_absent_as_one_that_never_was(
    client: EngineClient,
) -> None:
    query = """query ($id: UUID!) {
      goals(goalId: $id, filter: {}) { id }
      goalsConnection(filter: {id: {in: [$id]}}) { totalCount }
      through: goals(filter: {owner: {goals: {some: {id: {eq: $id}}}}}) { id }
    }"""
    alone = "query ($id: UUID!) { goals(goalId: $id) { id } }"
    refused = await client.send(alone, id=str(BENS_GOAL))
    assert refused == await client.send(alone, id=str(NOWHERE))
    assert json.loads(refused.body) == {
        "errors": [
            {
                "message": "Goal not found, or you may not see it.",
                "extensions": {"code": "NOT_FOUND", "field": "goals"},
                "path": ["goals"],
            }
        ],
        "data": None,
    }
    theirs = await client.send(query, id=str(BENS_GOAL))
    assert theirs == await client.send(query, id=str(NOWHERE))
    mine: Any = await client.ask(query, id=str(goal_id(1)))
    assert mine["goals"]
    assert len(mine["through"]) == 5


# Requests that say nothing, or everything twice.


async def test_one_root_under_two_keys_is_two_lists(client: EngineClient) -> None:
    found = await client.ask("{ b: goals(first: 1) { b: id a: id } a: goals(first: 1) { id } }")
    assert list(found) == ["b", "a"]
    assert list(found["b"][0]) == ["b", "a"]


async def test_the_same_text_asked_for_differently_is_not_confused(client: EngineClient) -> None:
    query = "query ($yes: Boolean!) { goals(first: 1) { id title @include(if: $yes) } }"
    with_title = await client.ask(query, yes=True)
    without = await client.ask(query, yes=False)
    assert "title" in with_title["goals"][0]
    assert "title" not in without["goals"][0]
    assert await client.ask(query, yes=True) == with_title


async def test_null_for_an_optional_argument_is_as_if_it_were_absent(client: EngineClient) -> None:
    query = """query ($first: Int, $after: String, $filter: GoalFilter, $o: [GoalOrder!]) {
      goals(first: $first, after: $after, filter: $filter, orderBy: $o) { id }
    }"""
    nulls: dict[str, Any] = dict.fromkeys(("first", "after", "filter", "o"))
    assert await client.ask(query, **nulls) == await client.ask("{ goals { id } }")
    assert await client.ask(query) == await client.ask("{ goals { id } }")


async def test_the_renderings_are_told_apart_by_the_settings(engine_database: Database) -> None:
    texts: set[str] = set()
    for rendering in ("json", "rows"):
        traces: list[StatementTrace] = []
        with engine_database.observe(traces.append):
            await EngineClient(engine_database, rendering).ask("{ goals { id } }", ANA)
        texts.update(trace.statement for trace in traces)
    assert len(texts) == 2


async def test_introspection_beside_variables_of_our_own_scalars(client: EngineClient) -> None:
    document = (
        "query ($since: DateTime!, $id: UUID!, $name: String!) {"
        " __type(name: $name) { name }"
        " goals(goalId: $id, filter: {createdAt: {gt: $since}}) { id } }"
    )
    data = await client.ask(document, since="2026-01-01T00:00:00Z", id=str(uuid4()), name="Goal")
    assert data == {"__type": {"name": "Goal"}, "goals": []}


@pytest.mark.parametrize("rest", ["totalCount", "__typename"])
@pytest.mark.parametrize("argument", ['after: "forged"', "first: -1"])
async def test_arguments_are_looked_at_even_where_no_row_is_asked_for(
    client: EngineClient, argument: str, rest: str
) -> None:
    _, error = await client.fail(f"{{ goalsConnection({argument}) {{ {rest} }} }}")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
