"""Documents by their hash: where only published ones are served, and where there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from poutama.db.connection import Database
from poutama.edge.http import Request
from poutama.engine.document_manifest import PublishedDocument, hash_document
from poutama.engine.trusted_documents import TrustedDocuments
from poutama.settings import Settings
from tests.db.api_requests import JSON, Server

NAME = "query Name { me { name } }"


def trust(*documents: str) -> TrustedDocuments:
    return TrustedDocuments({hash_document(text): PublishedDocument(text) for text in documents})


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Server]:
    settings = Settings(database_url=database_url)
    database = Database(settings)
    await database.dialect()
    yield Server(database, settings)
    await database.close()


async def test_where_documents_are_trusted_only_they_are_served(server: Server) -> None:
    name = hash_document(NAME)
    server.trusted = trust(NAME)
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": name}}

    for body in (
        {"documentId": name},
        {"documentId": f"sha256:{name}"},
        {"extensions": persisted},
        {"query": NAME},
        {"query": NAME, "extensions": persisted},
    ):
        assert (await server.post(body)).body == {"data": {"me": {"name": "Ana"}}}
    by_get = Request("GET", "/graphql", urlencode({"documentId": name}), JSON, b"")
    assert (await server.send(by_get)).status == 200


async def test_where_documents_are_trusted_nothing_else_is_served_or_kept(server: Server) -> None:
    server.trusted = trust(NAME)
    other = "{ me { email } }"
    unknown = {"persistedQuery": {"version": 1, "sha256Hash": hash_document(other)}}

    full = await server.post({"query": other})
    assert (full.status, full.code, full.statements) == (403, "DOCUMENT_NOT_TRUSTED", [])
    # As a client registers one with servers that let it.
    registering = await server.post({"query": other, "extensions": unknown})
    assert (registering.code, registering.statements) == ("DOCUMENT_NOT_TRUSTED", [])
    for body in ({"extensions": unknown}, {"documentId": hash_document(other)}):
        outcome = await server.post(body)
        assert (outcome.status, outcome.code) == (400, "PERSISTED_QUERY_NOT_FOUND")


async def test_a_hash_that_is_not_that_of_the_document_is_refused(server: Server) -> None:
    for trusted in (None, trust(NAME)):
        server.trusted = trusted
        other = {"query": "{ me { email } }", "documentId": hash_document(NAME)}
        outcome = await server.post(other)
        assert (outcome.status, outcome.code, outcome.statements) == (400, "BAD_REQUEST", [])


ADD = """
mutation Add {
  createGoal(input: {goalType: ACADEMIC, title: "Kapa haka", information: ""}) { goal { title } }
}
"""


async def test_what_a_client_has_kept_is_served_for_some_days_after_the_next_release(
    server: Server,
) -> None:
    released = datetime(2026, 3, 2, tzinfo=UTC)
    documents = {hash_document(ADD): PublishedDocument(ADD, dropped=released)}
    now = released.timestamp() + 30 * 86_400
    server.trusted = TrustedDocuments(documents, days=30, clock=lambda: now)
    by_hash, in_full = {"documentId": hash_document(ADD)}, {"query": ADD}
    for body in (by_hash, in_full):
        assert (await server.post(body)).body == {
            "data": {"createGoal": {"goal": {"title": "Kapa haka"}}}
        }

    now += 1
    for body in (by_hash, in_full):
        outcome = await server.post(body)
        assert (outcome.status, outcome.code, outcome.statements) == (410, "DOCUMENT_EXPIRED", [])
        assert "served until 2026-04-01" in outcome.body["errors"][0]["message"]


async def test_elsewhere_clients_are_told_to_stop_sending_hashes(server: Server) -> None:
    hashed = {"persistedQuery": {"version": 1, "sha256Hash": hash_document(NAME)}}
    for body in ({"documentId": hash_document(NAME)}, {"extensions": hashed}):
        outcome = await server.post(body)

        assert (outcome.status, outcome.code) == (400, "PERSISTED_QUERY_NOT_SUPPORTED")
        # urql's client goes by the message, Apollo's by either.
        assert outcome.body["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert (await server.post({"query": NAME, "extensions": hashed})).status == 200
