"""What a careless or hostile client sends: a clear error each, nothing logged, nothing written."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.local_server import LocalServer

COUNT = "{ goalsConnection { totalCount } }"
CREATE = "mutation C($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"
STRICT = {"Accept": "application/graphql-response+json", "Content-Type": "application/json"}


@pytest.fixture
def client(local_server: LocalServer) -> Iterator[httpx.Client]:
    """Signed in; afterwards the log must be as before, and so must the goals."""
    headers = {
        **STRICT,
        "Authorization": f"Bearer {local_server.token('student-0002@demo.example')}",
    }
    with httpx.Client(base_url=local_server.address, headers=headers, timeout=60) as client:
        before = post(client, {"query": COUNT}).json()
        logged = local_server.logged()
        yield client
        assert post(client, {"query": COUNT}).json() == before
        assert local_server.logged() == logged


def post(client: httpx.Client, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/graphql", content=content, headers=headers)


def code_of(response: httpx.Response) -> str:
    body = response.json()
    assert body.get("data") is None
    assert body["errors"][0]["message"]
    code: str = body["errors"][0]["extensions"]["code"]
    return code


def status_of_first_error(response: httpx.Response) -> int:
    """An error with a path was met while executing, and that has begun with 200."""
    return 200 if "path" in response.json()["errors"][0] else 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"query":', 400, "BAD_REQUEST"),
        (b"", 400, "BAD_REQUEST"),
        (b'{"query":"\xff\xfe"}', 400, "BAD_REQUEST"),
        (b'{"query":"{ me\x00 }"}', 400, "BAD_REQUEST"),
        (b'{"query":"{ me \\ud800 }"}', 400, "BAD_REQUEST"),
        (b'{"query":"{ me \\u0000 }"}', 400, "BAD_USER_INPUT"),
        (b'{"query":1}', 400, "BAD_REQUEST"),
        (b'[{"query":"{ me { id } }"}]', 400, "BAD_REQUEST"),
        (b'{"query":"{","x":' + b"[" * 100_000 + b"}", 400, "BAD_REQUEST"),
        (b'{"query":"' + b"{goals" * 20_000 + b'"}', 400, None),
        (b'{"query":"' + b"[" * 50_000 + b'"}', 400, None),
        (b'{"query":"{ a(x: ' + b"[" * 900 + b"]" * 900 + b') }"}', 400, None),
        (b'{"query":"{ goals { titel } }"}', 400, "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query":"{ goals(first: \\"1\\") { id } }"}', 400, "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query":"{"}', 400, "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_what_is_no_request_is_refused(
    client: httpx.Client, body: bytes, status: int, code: str | None
) -> None:
    response = post(client, body)

    assert response.status_code == status, response.text[:500]
    assert code_of(response) != "INTERNAL"
    assert code is None or code_of(response) == code


@pytest.mark.parametrize(
    "input",
    [
        {"title": "a\x00b"},
        {"title": 1},
        {"title": None},
        {"title": ["a"]},
        {"titel": "a"},
        {"goalType": "SLEEPING"},
        {"dueAt": "99999-01-01T00:00:00Z"},
        {"dueAt": "9999-12-31T23:59:59-14:00"},
        {"dueAt": "0000-01-01T00:00:00Z"},
        {"dueAt": "2026-02-30T00:00:00Z"},
        {"dueAt": "2026-02-03T00:00:00"},
        {"dueAt": 10**30},
        {"complete": "yes"},
        {"color": "red"},
        {"tasks": {"information": None}},
    ],
    ids=lambda input: json.dumps(input),
)
def test_a_value_that_cannot_be_used_is_named(client: httpx.Client, input: dict[str, Any]) -> None:
    goal = {"goalType": "SPORTS", "title": "Swim", **input}
    response = post(client, {"query": CREATE, "variables": {"i": goal}})

    assert response.status_code == status_of_first_error(response)
    assert code_of(response) == "BAD_USER_INPUT"
    assert next(iter(input)) in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("title", ["\\u0000", "a\\u{0}b", "\\uD800", "\\u{D800}"])
def test_characters_no_column_holds_are_refused_in_the_document_too(
    client: httpx.Client, title: str
) -> None:
    input = f'{{goalType: SPORTS, title: "{title}"}}'
    query = f"mutation {{ createGoal(input: {input}) {{ goal {{ id }} }} }}"
    response = post(client, {"query": query})

    assert code_of(response) in {
        "BAD_USER_INPUT",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
    }
    assert response.status_code == status_of_first_error(response)


def test_a_body_of_ten_megabytes_is_refused(client: httpx.Client) -> None:
    response = post(client, {"query": COUNT, "padding": "x" * 10_000_000})

    assert (response.status_code, code_of(response)) == (413, "PAYLOAD_TOO_LARGE")


def test_a_body_that_does_not_say_how_long_it_is_is_counted(client: httpx.Client) -> None:
    def ten_megabytes() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    response = client.post("/graphql", content=ten_megabytes())

    assert (response.status_code, code_of(response)) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
def test_what_a_form_on_another_site_can_send_is_refused(client: httpx.Client, kind: str) -> None:
    goal = {"goalType": "SPORTS", "title": "Forged"}
    body = {"query": CREATE, "variables": {"i": goal}}

    response = post(client, body, **{"Content-Type": kind})

    assert (response.status_code, code_of(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_mutation_by_get_is_refused(client: httpx.Client) -> None:
    query = 'mutation { createGoal(input: {goalType: SPORTS, title: "x"}) { goal { id } } }'
    response = client.get("/graphql", params={"query": query})

    assert (response.status_code, code_of(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


def test_a_client_that_announces_more_than_it_sends_is_forgotten(
    local_server: LocalServer, client: httpx.Client
) -> None:
    address = urlsplit(local_server.address)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 1000\r\n\r\n{"query"'
        )

    assert post(client, {"query": COUNT}).status_code == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x.y.z", "Basic eDp5", "Bearer " + "x" * 10_000]
)
def test_a_bad_token_is_challenged(client: httpx.Client, authorization: str) -> None:
    response = post(client, {"query": COUNT}, Authorization=authorization)

    assert (response.status_code, code_of(response)) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"
