"""Clients that others wrote: introspection, queries, pages, mutations, errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from gql import Client, gql
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError

from tests.e2e.local_server import LocalServer

GOALS_OF_STUDENT_1 = 12


def test_apollo_client(local_server: LocalServer, node: Callable[..., Any]) -> None:
    # The script asserts; what it prints says that it went all the way.
    done = node("apollo.mjs", local_server.graphql, local_server.token())

    assert (done["goals"], done["pages"]) == (GOALS_OF_STUDENT_1, 3)


@pytest.fixture
async def session(local_server: LocalServer) -> AsyncIterator[AsyncClientSession]:
    headers = {"Authorization": f"Bearer {local_server.token()}"}
    transport = AIOHTTPTransport(url=local_server.graphql, headers=headers)
    # It asks for the schema first, and validates every document against it.
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        yield session


async def test_gql_asks_for_the_schema(session: AsyncClientSession) -> None:
    assert session.client.schema is not None
    goal = session.client.schema.type_map["Goal"]

    assert "tasks" in goal.fields  # type: ignore[attr-defined]


async def test_gql_reads_pages(session: AsyncClientSession) -> None:
    document = """
    query Page($after: String) {
      goalsConnection(first: 5, after: $after) {
        totalCount
        nodes { id title tasks { information complete } }
        pageInfo { hasNextPage endCursor }
      }
    }
    """
    ids: list[str] = []
    after = None
    while True:
        request = gql(document)
        request.variable_values = {"after": after}
        page = (await session.execute(request))["goalsConnection"]
        ids += [node["id"] for node in page["nodes"]]
        assert page["totalCount"] == GOALS_OF_STUDENT_1
        assert page["pageInfo"]["endCursor"] != after
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert len(ids) == len(set(ids)) == GOALS_OF_STUDENT_1


async def test_gql_changes_and_is_told_why_not(session: AsyncClientSession) -> None:
    create = gql(
        """
        mutation Create($input: CreateGoalInput!) {
          createGoal(input: $input) { goal { id title dueAt notes { information } } }
        }
        """
    )
    create.variable_values = {
        "input": {
            "goalType": "WELLBEING",
            "title": "Kapa haka 🪶",
            "dueAt": "2026-09-24T12:00:00.5+12:00",
            "notes": [{"information": 'say "āe"\n\\o/'}],
        }
    }
    goal = (await session.execute(create))["createGoal"]["goal"]
    assert goal == {
        "id": goal["id"],
        "title": "Kapa haka 🪶",
        "dueAt": "2026-09-24T00:00:00.5Z",
        "notes": [{"information": 'say "āe"\n\\o/'}],
    }

    delete = gql(
        "mutation Delete($id: UUID!) { deleteGoal(input: {goalId: $id}) { deletedGoalId } }"
    )
    delete.variable_values = {"id": goal["id"]}
    assert (await session.execute(delete))["deleteGoal"]["deletedGoalId"] == goal["id"]
    with pytest.raises(TransportQueryError) as caught:
        await session.execute(delete)
    assert caught.value.errors is not None
    assert caught.value.errors[0]["extensions"]["code"] == "NOT_FOUND"
