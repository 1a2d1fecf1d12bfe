"""Pages and cursors on a real database, in both renderings: what the comparisons do not show."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, BEN, BENS_GOAL, goal_id


def cursor(*parts: object) -> str:
    return b64encode(json.dumps(parts).encode()).decode()


PAGES = """query ($o: [GoalOrder!], $first: Int, $after: String, $last: Int, $before: String) {
  goalsConnection(orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
@pytest.mark.parametrize(
    "order",
    ["CREATED_AT_ASC", "DUE_AT_ASC", "DUE_AT_DESC", "TITLE_DESC", "COMPLETE_ASC"],
)
@pytest.mark.parametrize("way", ["forward", "backward"])
async def test_pages_put_together_are_the_list(
    client: EngineClient, way: str, order: str, size: int
) -> None:
    whole = await client.ask("query ($o: [GoalOrder!]) { goals(orderBy: $o) { id } }", o=[order])
    count, place, more, end = (
        ("first", "after", "hasNextPage", "endCursor")
        if way == "forward"
        else ("last", "before", "hasPreviousPage", "startCursor")
    )
    found: list[object] = []
    at = None
    while True:
        answer = await client.ask(PAGES, o=[order], **{count: size, place: at})
        page, info = answer["goalsConnection"], answer["goalsConnection"]["pageInfo"]
        found = found + page["nodes"] if way == "forward" else page["nodes"] + found
        assert page["totalCount"] == 5
        facts = (info["hasNextPage"], info["hasPreviousPage"])
        left = len(found) < 5
        assert facts == ((left, at is not None) if way == "forward" else (at is not None, left))
        at = info[end]
        if not info[more]:
            break
    assert found == whole["goals"]


async def test_what_is_before_a_page_is_of_the_list_and_its_filter(client: EngineClient) -> None:
    query = """query ($f: GoalFilter, $after: String, $before: String) {
      goalsConnection(filter: $f, after: $after, before: $before) {
        nodes { id } pageInfo { hasPreviousPage hasNextPage startCursor endCursor } } }"""

    async def ask(**arguments: object) -> Any:
        return (await client.ask(query, **arguments))["goalsConnection"]

    first = (await ask(f={"title": {"startsWith": "run"}}))["pageInfo"]["startCursor"]
    # The first goal of all is before it; of those that are complete there is none.
    for condition, before in ((False, True), (True, False)):
        page = await ask(f={"complete": {"eq": condition}}, after=first)
        assert page["pageInfo"]["hasPreviousPage"] is before
        assert page["pageInfo"]["hasNextPage"] is False
    empty = await ask(after=(await ask())["pageInfo"]["endCursor"])
    assert empty["nodes"] == []
    assert empty["pageInfo"] == {
        "hasPreviousPage": True, "hasNextPage": False, "startCursor": None, "endCursor": None,
    }  # fmt: skip


async def test_a_cursor_is_short_whatever_it_is_sorted_by(client: EngineClient) -> None:
    text = "\u4e00" * 10_000
    created = await client.ask(
        "mutation ($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }",
        i={"goalType": "SPORTS", "title": "Long", "information": text},
    )
    answer = await client.ask(PAGES, o=["INFORMATION_ASC"], last=1)
    (node,) = answer["goalsConnection"]["nodes"]
    cursor = answer["goalsConnection"]["pageInfo"]["startCursor"]
    assert node == created["createGoal"]["goal"]
    assert len(cursor) < 1_000
    before = await client.ask(PAGES, o=["INFORMATION_ASC"], before=cursor)
    assert len(before["goalsConnection"]["nodes"]) == 5


async def test_all_arguments_that_cannot_be_used_are_named_at_once(client: EngineClient) -> None:
    query = """{ mine: goals(filter: {title: null, color: {eq: null}, or: [{search: null}]}) {
      tasksConnection(filter: {complete: {eq: null}, goal: null}) { __typename } } }"""
    body = json.loads((await client.send(query)).body)
    assert [error["message"].partition(":")[0] for error in body["errors"]] == [
        "mine.tasksConnection.filter.goal", "mine.filter.title", "mine.filter.or[0].search",
    ]  # fmt: skip
    assert all(error["path"] == ["mine"] for error in body["errors"])


async def test_first_and_last_together_are_refused(client: EngineClient) -> None:
    _, error = await client.fail(PAGES, first=1, last=1)
    assert error["message"] == "goalsConnection.last: expected first or last, not both."


async def test_a_page_of_nothing_tells_that_more_follows(client: EngineClient) -> None:
    page = await client.ask(
        """{ goalsConnection(first: 0) {
          nodes { id } totalCount pageInfo { hasNextPage startCursor endCursor } } }"""
    )
    assert page["goalsConnection"] == {
        "nodes": [],
        "totalCount": 5,
        "pageInfo": {"hasNextPage": True, "startCursor": None, "endCursor": None},
    }


async def test_a_cursor_shows_only_what_the_viewer_may_see(client: EngineClient) -> None:
    for viewer in (ANA, BEN):
        forged = cursor("Query.goals createdAt", "0001-01-01T00:00:00Z", str(BENS_GOAL))
        mine = await client.ask("{ goals { id } }", viewer)
        query = "query ($after: String) { goals(after: $after) { id } }"
        assert await client.ask(query, viewer, after=forged) == mine


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "e30=",
        cursor(),
        cursor("Query.goals createdAt"),
        cursor("Query.goals title", "a", str(goal_id(1))),
        cursor("Person.goals createdAt", "2026-02-03T00:00:00Z", str(goal_id(1))),
    ],
)
async def test_a_cursor_of_something_else_is_refused(client: EngineClient, wrong: str) -> None:
    _, error = await client.fail("query ($a: String) { it: goals(after: $a) { id } }", a=wrong)
    assert error["message"].startswith("it.after: expected a cursor from this list")
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "it.after"}
