"""The type of `docs/add-a-type.md` works as it stands."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features
from poutama.plan.operation import GraphQLRequest
from poutama.schema.load import build_model
from poutama.schema.model import Model
from poutama.schema.source import Source
from poutama.settings import Settings
from poutama.viewer import Viewer

PAGE = Path(__file__).parents[2].joinpath("docs", "add-a-type.md").read_text("utf-8")


def code(language: str) -> str:
    """The page's only block in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def extended_model() -> Model:
    links = Source("links.graphql", code("graphql"))
    return build_model([*load_features().read_sources(), links])


Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
async def ask(fresh_database_url: str) -> AsyncIterator[Ask]:
    """Ask, as a new person, an engine that has the example's type and table."""
    database = Database(Settings(), url=fresh_database_url)
    deadline = time.monotonic() + 60
    person = uuid4()
    for statement in filter(str.strip, code("sql").split(";")):
        await database.write(statement, deadline=deadline)
    await database.write(
        "insert into person (id, email, name) values ($1::uuid, $2::text, $3::text)",
        [person, "example@demo.example", "Example"],
        deadline=deadline,
    )
    engine = Engine(extended_model(), database, Settings(), load_features().procedures)

    async def send(document: str, **variables: object) -> Any:
        request = GraphQLRequest(document, None, variables)
        body = json.loads((await engine.execute(request, Viewer(person), deadline=deadline)).body)
        assert "errors" not in body, body
        return body["data"]

    yield send
    await database.close()


async def test_the_example_has_lists_pages_filters_and_mutations(ask: Ask) -> None:
    made = await ask(
        'mutation { createGoal(input: {goalType: CAREER, title: "Fly"}) { goal { id } } }'
    )
    linked = await ask(
        "mutation ($goal: UUID!) { createGoalLink(input:"
        ' {goalId: $goal, title: "Ākonga", url: "https://demo.example"})'
        " { link { id version goal { title } } } }",
        goal=made["createGoal"]["goal"]["id"],
    )
    link = linked["createGoalLink"]["link"]
    assert link["goal"] == {"title": "Fly"}
    found = await ask(
        '{ goals { links(filter: {title: {contains: "akonga"}}) { url }'
        " linksConnection(first: 1) { totalCount pageInfo { hasNextPage } } } }"
    )
    assert found["goals"][0]["links"] == [{"url": "https://demo.example"}]
    page = {"totalCount": 1, "pageInfo": {"hasNextPage": False}}
    assert found["goals"][0]["linksConnection"] == page
    changed = await ask(
        "mutation ($link: UUID!) { updateGoalLink(input:"
        ' {linkId: $link, title: "New", expectedVersion: 1}) { link { title version } }'
        " deleteGoalLink(input: {linkId: $link}) { deletedLinkId } }",
        link=link["id"],
    )
    assert changed == {
        "updateGoalLink": {"link": {"title": "New", "version": 2}},
        "deleteGoalLink": {"deletedLinkId": link["id"]},
    }
