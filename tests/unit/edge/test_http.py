"""GraphQL over HTTP: methods, media types, status codes and what a client reads."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from poutama.edge.http import Api, Request, Response
from poutama.engine import GraphQLResponse
from poutama.errors import (
    ConfigurationError,
    MethodNotAllowedError,
    PoutamaError,
    UnauthenticatedError,
    UnavailableError,
)
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
VIEWER = Viewer(UUID(int=1))


FIXED = GraphQLResponse(b'{"data":{"__typename":"Query"}}')


@dataclass
class RecordingEngine:
    """Answers the same to everything and remembers what it was asked."""

    answer: GraphQLResponse = FIXED
    error: Exception | None = None
    keys: list[str | None] = field(default_factory=list)
    asked: list[tuple[GraphQLRequest, Viewer | None, bool]] = field(default_factory=list)

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer | None,
        *,
        deadline: float,
        read_only: bool = False,
        idempotency_key: str | None = None,
        spend: Callable[[int], Awaitable[None]] | None = None,
    ) -> GraphQLResponse:
        self.asked.append((request, viewer, read_only))
        self.keys.append(idempotency_key)
        if self.error is not None:
            raise self.error
        return self.answer


class OneToken:
    """Knows one token."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        if header is None:
            return None
        if header != "Bearer good":
            raise UnauthenticatedError
        return VIEWER


async def healthy() -> None:
    return


def make_api(engine: RecordingEngine | None = None, **options: Any) -> Api:
    settings = Settings(max_body_bytes=200_000)
    return Api(
        engine or RecordingEngine(), OneToken(), settings, options.pop("health", healthy), **options
    )


def post(body: object, **headers: str) -> Request:
    """A request of the person whom `OneToken` knows, unless `authorization` says otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {key.replace("_", "-"): it for key, it in headers.items()}
    named = {"content-type": JSON, "authorization": "Bearer good", **named}
    return Request("POST", "/graphql", "", named, raw)


def get(query_string: str, **headers: str) -> Request:
    named = {"authorization": "Bearer good", **headers}
    return Request("GET", "/graphql", query_string, named, b"")


def headers_of(response: Response) -> Mapping[str, str]:
    return {name.decode(): value.decode() for name, value in response.headers}


def error_of(response: Response) -> tuple[str, str]:
    """The code and message of a response that must be one error and nothing else."""
    body = json.loads(response.body)
    assert set(body) == {"errors"}
    [error] = body["errors"]
    assert set(error) == {"message", "extensions"}
    return error["extensions"]["code"], error["message"]


async def test_a_post_reaches_the_engine_with_everything_it_carried() -> None:
    engine = RecordingEngine()
    request = post(
        {"query": "query A { a }", "operationName": "A", "variables": {"x": [1]}, "extensions": {}},
    )

    response = await make_api(engine).handle(request)

    assert (response.status, response.body) == (200, FIXED.body)
    assert engine.asked == [(GraphQLRequest("query A { a }", "A", {"x": [1]}, {}), VIEWER, False)]


async def test_null_parameters_are_parameters_left_out() -> None:
    engine = RecordingEngine()
    body = {"query": "{ a }", "operationName": None, "variables": None, "extensions": None}

    await make_api(engine).handle(post(body))

    assert engine.asked == [(GraphQLRequest("{ a }"), VIEWER, False)]


async def test_a_get_carries_the_same_in_its_url_and_may_only_read() -> None:
    engine = RecordingEngine()

    response = await make_api(engine).handle(
        get(
            "query=query+A%7Ba%7D&operationName=A&variables=%7B%22x%22%3A%22%C4%81%22%7D&extensions="
        )
    )

    assert response.status == 200
    assert engine.asked == [(GraphQLRequest("query A{a}", "A", {"x": "ā"}, None), VIEWER, True)]


async def test_a_mutation_by_get_is_told_to_use_post() -> None:
    api = make_api(RecordingEngine(error=MethodNotAllowedError("Mutations need POST.")))

    response = await api.handle(get("query=mutation%7Ba%7D"))

    assert response.status == 405
    assert headers_of(response)["allow"] == "POST"
    assert error_of(response) == ("METHOD_NOT_ALLOWED", "Mutations need POST.")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
async def test_other_methods_are_told_which_there_are(method: str) -> None:
    response = await make_api().handle(Request(method, "/graphql", "", {}, b""))

    assert response.status == 405
    assert headers_of(response)["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/graphql", "GET, HEAD, OPTIONS, POST"), ("/healthz", "GET, HEAD, OPTIONS")],
)
async def test_options_lists_the_methods(path: str, allow: str) -> None:
    response = await make_api().handle(Request("OPTIONS", path, "", {}, b""))

    assert (response.status, headers_of(response)["allow"], response.body) == (204, allow, b"")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL.upper()}", GRAPHQL),
        (f"{GRAPHQL},{JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{GRAPHQL}, */*", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{GRAPHQL};q=zero", GRAPHQL),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
    ],
)
async def test_the_accept_header_chooses_the_media_type(accept: str | None, expected: str) -> None:
    headers = {} if accept is None else {"accept": accept}

    response = await make_api().handle(post({"query": "{ a }"}, **headers))

    assert response.status == 200
    assert headers_of(response)["content-type"] == f"{expected}; charset=utf-8"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "application/json;charset=utf-16", ","]
)
async def test_a_client_that_accepts_neither_is_refused(accept: str) -> None:
    engine = RecordingEngine()

    response = await make_api(engine).handle(post({"query": "{ a }"}, accept=accept))

    assert (response.status, error_of(response)[0]) == (406, "NOT_ACCEPTABLE")
    assert engine.asked == []


@pytest.mark.parametrize(
    ("accept", "status", "sent"),
    [
        (JSON, 400, 200),
        (GRAPHQL, 400, 400),
        (JSON, 401, 401),
        (JSON, 503, 503),
        (GRAPHQL, 503, 503),
    ],
)
async def test_only_json_hides_that_an_operation_could_not_run(
    accept: str, status: int, sent: int
) -> None:
    api = make_api(RecordingEngine(GraphQLResponse(b'{"errors":[]}', status)))

    response = await api.handle(post({"query": "{"}, accept=accept))

    assert (response.status, response.body) == (sent, b'{"errors":[]}')


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=iso-8859-1",
        "application/jsonx",
        "application/json, text/plain",
    ],
)
async def test_what_a_form_could_send_is_not_read(content_type: str | None) -> None:
    engine = RecordingEngine()
    headers = {"authorization": "Bearer good"}
    if content_type is not None:
        headers["content-type"] = content_type

    response = await make_api(engine).handle(
        Request("POST", "/graphql", "", headers, b'{"query":"mutation { a }"}')
    )

    assert (response.status, error_of(response)[0]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert engine.asked == []


@pytest.mark.parametrize(
    "content_type",
    ["Application/JSON", 'application/json; charset="UTF-8"', "application/json;charset=utf8"],
)
async def test_json_in_utf8_is_read_however_it_is_spelled(content_type: str) -> None:
    response = await make_api().handle(post({"query": "{ a }"}, content_type=content_type))

    assert response.status == 200


async def test_a_compressed_body_is_not_read() -> None:
    response = await make_api().handle(post({"query": "{ a }"}, content_encoding="gzip"))

    assert (response.status, error_of(response)[0]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_over_the_limit_is_refused() -> None:
    response = await make_api().handle(post(b" " * 200_001))

    assert response.status == 413
    assert error_of(response) == (
        "PAYLOAD_TOO_LARGE",
        "The request body is too large: expected at most 200000 bytes.",
    )


async def test_a_bad_token_is_challenged() -> None:
    response = await make_api().handle(post({"query": "{ a }"}, authorization="Bearer bad"))

    assert (response.status, error_of(response)[0]) == (401, "UNAUTHENTICATED")
    assert headers_of(response)["www-authenticate"] == "Bearer"


async def test_an_operation_that_needs_a_person_is_challenged() -> None:
    api = make_api(RecordingEngine(GraphQLResponse(b'{"errors":[]}', 401)))

    response = await api.handle(post({"query": "{ a }"}))

    assert response.status == 401
    assert headers_of(response)["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "error", [RuntimeError("postgresql://me:secret@db"), ConfigurationError("secret")]
)
async def test_the_unexpected_is_masked_and_logged_once_under_its_id(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    response = await make_api(RecordingEngine(error=error)).handle(post({"query": "{ a }"}))

    assert response.status == 500
    assert b"secret" not in response.body
    extensions = json.loads(response.body)["errors"][0]["extensions"]
    assert extensions["code"] == "INTERNAL"
    [record] = caplog.records
    assert extensions["errorId"] in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_safe_error_of_ours_keeps_its_status_and_extensions() -> None:
    error: PoutamaError = UnavailableError("The database is away.", retryAfter=3)

    response = await make_api(RecordingEngine(error=error)).handle(post({"query": "{ a }"}))

    assert response.status == 503
    assert json.loads(response.body)["errors"][0] == {
        "message": "The database is away.",
        "extensions": {"code": "UNAVAILABLE", "retryAfter": 3},
    }


async def test_a_clients_mistakes_leave_no_trace_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO + 1)

    for request in (post(b"{"), post([]), get(""), post({"query": 1}), post({}, authorization="x")):
        assert 400 <= (await make_api().handle(request)).status < 500

    assert caplog.records == []


async def test_graphql_answers_are_not_stored() -> None:
    for request in (post({"query": "{ a }"}), post(b"{")):
        headers = headers_of(await make_api().handle(request))
        assert headers["cache-control"] == "no-store"


async def test_an_unknown_address_is_not_found() -> None:
    response = await make_api().handle(Request("GET", "/", "", {}, b""))

    assert (response.status, error_of(response)[0]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"connection": "Upgrade", "upgrade": "WebSocket"}),
        ("GET", {"sec-websocket-version": "13", "sec-websocket-protocol": "graphql-transport-ws"}),
        ("GET", {"accept": "text/event-stream"}),
        ("POST", {"accept": 'multipart/mixed;subscriptionSpec="1.0"', "content-type": JSON}),
    ],
)
async def test_who_subscribes_reads_what_there_is_instead(
    method: str, headers: dict[str, str]
) -> None:
    for path in ("/graphql", "/graphql/stream") if "accept" not in headers else ("/graphql",):
        answer = await make_api().handle(Request(method, path, "", headers, b""))
        assert answer.status in (400, 406)
        assert "Subscriptions are not served" in json.loads(answer.body)["errors"][0]["message"]


async def test_further_pages_are_found_by_their_exact_path() -> None:
    async def page(request: Request) -> Response:
        return Response(200, ((b"content-type", b"text/html"),), b"<p>")

    api = make_api(routes={"/graphiql": page})

    assert (await api.handle(Request("GET", "/graphiql", "", {}, b""))).body == b"<p>"
    assert (await api.handle(Request("POST", "/graphiql", "", {}, b""))).status == 405
    assert (await api.handle(Request("GET", "/graphiql/", "", {}, b""))).status == 404


async def test_the_idempotency_key_reaches_the_engine() -> None:
    engine = RecordingEngine()
    await make_api(engine).handle(post({"query": "{ __typename }"}, idempotency_key='"k-1"'))
    assert engine.keys == ["k-1"]


async def test_a_key_that_is_none_is_refused_before_anything_runs() -> None:
    engine = RecordingEngine()
    request = post({"query": "{ __typename }"}, idempotency_key="x" * 10_000)
    response = await make_api(engine).handle(request)
    assert (response.status, engine.asked) == (400, [])
