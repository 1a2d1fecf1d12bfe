"""API Gateway's and function URLs' events: what of them reaches the API, and what comes back."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from uuid import UUID

import pytest

from poutama.edge.function import ApiFunction
from poutama.edge.gateway import read_request, write_answer
from poutama.edge.http import Api, Request, Response
from poutama.edge.invocation import Environment
from poutama.engine import GraphQLResponse
from poutama.errors import UnauthenticatedError
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

RECORDED = Path(__file__).parent / "recorded"
QUERY = "{ goals { title } }"
PAYLOAD_LIMIT = 6_291_556


def recorded(name: str, **changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return {**event, **changes}


def read(event: object) -> Request:
    return read_request(event, 5.0)


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """A context of the runtime."""

    seconds: float = 29.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


FIXED = GraphQLResponse(b'{"data":{"__typename":"Query"}}')


@dataclass
class RecordingEngine:
    """Answers the same to everything; remembers what it was asked, and until when."""

    answer: GraphQLResponse = FIXED
    asked: list[tuple[GraphQLRequest, Viewer | None, bool]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    act: Callable[[], Awaitable[object]] | None = None

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
        self.seconds.append(deadline - monotonic())
        if self.act is not None:
            await self.act()
        return self.answer


class OneToken:
    """Knows one token."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        if header != "Bearer good":
            raise UnauthenticatedError
        return Viewer(UUID(int=1))


async def healthy() -> None:
    return


class Opener(Protocol):
    def __call__(self, engine: RecordingEngine, **settings: Any) -> ApiFunction: ...


@pytest.fixture
def open_function() -> Iterator[Opener]:
    environment = Environment()

    def make(engine: RecordingEngine, **settings: Any) -> ApiFunction:
        known = Settings(**settings)
        return ApiFunction(Api(engine, OneToken(), known, healthy), environment, known)

    yield make
    environment.close()


@pytest.mark.parametrize("name", ["http_api_post", "http_api_get", "function_url_post"])
def test_recorded_events_reach_the_engine_and_are_answered(
    open_function: Opener, name: str
) -> None:
    engine = RecordingEngine()

    answer = open_function(engine)(recorded(name), LambdaContext())

    [(request, viewer, read_only)] = engine.asked
    assert (request.query, viewer, read_only) == (QUERY, Viewer(UUID(int=1)), "get" in name)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"data": {"__typename": "Query"}}
    assert not answer["isBase64Encoded"]
    assert answer["headers"]["cache-control"] == "no-store"
    assert "content-length" not in answer["headers"]


def test_a_handshake_is_answered_by_what_there_is_instead(open_function: Opener) -> None:
    event = recorded("http_api_get")
    event["headers"] = {"sec-websocket-version": "13", "sec-websocket-key": "x"}
    answer = open_function(RecordingEngine())(event, LambdaContext())
    assert answer["statusCode"] == 400
    assert "Subscriptions are not served" in answer["body"]


def test_a_get_keeps_its_query_string_its_cookies_and_its_doubled_headers() -> None:
    request = read(recorded("http_api_get"))

    assert request.query_string.endswith("variables=%7B%22x%22%3A%22%C4%81%22%7D")
    assert request.headers["cookie"] == "theme=dark; seen=1%3D2"
    assert request.headers["x-note"] == "one,two"
    assert request.body == b""
    assert request.deadline == 5.0


@pytest.mark.parametrize(
    ("stage", "raw_path", "path"),
    [
        ("$default", "/graphql", "/graphql"),
        ("prod", "/prod/graphql", "/graphql"),
        ("prod", "/prod", "/"),
        ("prod", "/production/graphql", "/production/graphql"),
        ("prod", "/graphql", "/graphql"),
        ("$default", "/t%C4%81koro%20x", "/tākoro x"),
        ("$default", "", "/"),
    ],
)
def test_the_stage_is_no_part_of_the_path(stage: str, raw_path: str, path: str) -> None:
    event = recorded("http_api_post", rawPath=raw_path)
    event["requestContext"]["stage"] = stage

    assert read(event).path == path


def test_header_names_are_taken_in_any_case() -> None:
    event = recorded("http_api_post", headers={"Content-Type": "application/json"})

    assert read(event).headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "encoded", "expected"),
    [
        ("tākoro", False, "tākoro".encode()),
        (base64.b64encode(b"\x00\xff").decode(), True, b"\x00\xff"),
        (None, False, b""),
        (None, True, b""),
        ("", True, b""),
    ],
)
def test_bodies_are_bytes(body: str | None, encoded: bool, expected: bytes) -> None:
    assert read(recorded("http_api_post", body=body, isBase64Encoded=encoded)).body == expected


def test_half_of_a_surrogate_pair_in_a_body_is_the_clients_mistake(open_function: Opener) -> None:
    answer = open_function(RecordingEngine())(
        recorded("http_api_post", body='{"query":"\ud800"}'), LambdaContext()
    )

    assert answer["statusCode"] == 400
    assert "not valid UTF-8" in answer["body"]


@pytest.mark.parametrize("body", ["%%%", "abc", "ab c=", "ā"])
def test_a_body_that_is_not_the_base64_it_says_is_refused(open_function: Opener, body: str) -> None:
    event = recorded("http_api_post", body=body, isBase64Encoded=True)

    answer = open_function(RecordingEngine())(event, LambdaContext())

    assert answer["statusCode"] == 400
    assert "not base64" in answer["body"]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (recorded("rest_api_post"), "http"),
        (recorded("load_balancer"), "http"),
        (recorded("sqs_batch"), "version"),
        (recorded("schedule"), "rawPath"),
        (recorded("http_api_post", version="3.0"), "payload format '3.0'"),
        (recorded("http_api_post", headers=["a"]), "$.headers"),
        (recorded("http_api_post", headers={"a": 1}), "$.headers"),
        (recorded("http_api_post", body={}), "$.body"),
        (recorded("http_api_post", requestContext={}), "http"),
        (recorded("http_api_post", requestContext=None), "$.requestContext"),
        (recorded("http_api_post", isBase64Encoded="false"), "$.isBase64Encoded"),
        ({}, "version"),
        ([], "array"),
        ("text", "str"),
        (None, "null"),
        (1.5, "float"),
    ],
)
def test_an_event_of_an_unknown_shape_is_refused_and_logged_without_its_content(
    open_function: Opener, event: object, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = open_function(RecordingEngine())(event, LambdaContext())

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    [record] = caplog.records
    assert says in record.getMessage()
    assert "123456789012" not in record.getMessage()


def test_cookies_that_are_set_stand_apart_and_other_doubled_headers_are_joined() -> None:
    headers = (
        (b"set-cookie", b"a=1; Path=/"),
        (b"set-cookie", b"b=2, 3"),
        (b"vary", b"origin"),
        (b"vary", b"accept-encoding"),
    )

    answer = write_answer(Response(200, headers, b"{}"), bodiless=False)

    assert answer["cookies"] == ["a=1; Path=/", "b=2, 3"]
    assert answer["headers"] == {"vary": "origin, accept-encoding"}


@pytest.mark.parametrize(
    ("body", "encoded"),
    [(b"", False), ("tākoro".encode(), False), (b"\xff\x00", True), (b'"' * 300_000, True)],
)
def test_a_body_goes_as_text_unless_it_is_none_or_base64_is_shorter(
    body: bytes, encoded: bool
) -> None:
    answer = write_answer(Response(200, (), body), bodiless=False)

    assert answer["isBase64Encoded"] is encoded
    sent = answer["body"]
    assert (base64.b64decode(sent) if encoded else sent.encode()) == body


def test_a_head_has_the_headers_and_no_body(open_function: Opener) -> None:
    event = recorded("http_api_get", rawPath="/healthz")
    event["requestContext"]["http"]["method"] = "HEAD"

    answer = open_function(RecordingEngine())(event, LambdaContext())

    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert answer["headers"]["content-type"].startswith("application/json")


def test_a_large_answer_is_compressed_for_who_accepts_it(open_function: Opener) -> None:
    body = json.dumps({"data": ["tākoro"] * 3000}).encode()

    answer = open_function(RecordingEngine(GraphQLResponse(body)))(
        recorded("http_api_post"), LambdaContext()
    )

    assert answer["isBase64Encoded"]
    assert answer["headers"]["content-encoding"] == "gzip"
    assert answer["headers"]["vary"] == "accept-encoding"
    assert gzip.decompress(base64.b64decode(answer["body"])) == body


@pytest.mark.parametrize("filling", ["x", '"', "ā", "\u0001", "😀"])
def test_the_largest_answer_there_may_be_fits_into_a_functions_payload(
    open_function: Opener, filling: str
) -> None:
    limit = Settings().max_response_bytes
    body = filling.encode() * (limit // len(filling.encode()))
    event = recorded("http_api_post", headers={"authorization": "Bearer good"})
    event["headers"]["content-type"] = "application/json"

    answer = open_function(RecordingEngine(GraphQLResponse(body)))(event, LambdaContext())

    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < PAYLOAD_LIMIT


def test_an_answer_that_is_too_large_is_an_error_that_says_so(open_function: Opener) -> None:
    body = b"x" * (Settings().max_response_bytes + 1)
    event = recorded("function_url_post")

    answer = open_function(RecordingEngine(GraphQLResponse(body)))(event, LambdaContext())

    assert answer["statusCode"] == 422
    [error] = json.loads(answer["body"])["errors"]
    assert error["extensions"] == {
        "code": "RESPONSE_TOO_LARGE",
        "value": len(body),
        "allowed": len(body) - 1,
    }


@pytest.mark.parametrize(("left", "allowed", "most"), [(60, 29, 29), (10, 29, 9), (0.2, 29, 0)])
def test_a_request_has_the_time_that_is_left_or_what_the_settings_allow(
    open_function: Opener, left: float, allowed: float, most: float
) -> None:
    engine = RecordingEngine()

    open_function(engine, request_seconds=float(allowed))(
        recorded("http_api_post"), LambdaContext(left)
    )

    assert engine.seconds[0] <= most
    assert engine.seconds[0] > most - 1


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("http_api_post", 503, "AMBIGUOUS_COMMIT"),
        ("http_api_get", 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_what_does_not_end_by_the_deadline_is_cut_off(
    open_function: Opener, name: str, status: int, code: str
) -> None:
    never = asyncio.Event()
    engine = RecordingEngine(act=never.wait)

    function = open_function(engine)
    answer = function(recorded(name), LambdaContext(0.0))

    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["errors"][0]["extensions"]["code"] == code
    engine.act = None
    assert function(recorded(name), LambdaContext())["statusCode"] == 200


async def test_an_answer_that_is_too_large_for_a_function_is_too_large_on_a_laptop() -> None:
    engine = RecordingEngine(GraphQLResponse(b"0123456789" * 100_000))
    api = Api(engine, OneToken(), Settings(max_response_bytes=900_000), healthy)
    event = recorded("http_api_post")
    headers = {"content-type": "application/json", "authorization": "Bearer good"}
    asked = Request("POST", "/graphql", "", headers, event["body"].encode())

    refused = await api.handle(asked)
    assert refused.status == 422
    headers["accept-encoding"] = "gzip"
    sent = await api.handle(asked)
    assert (sent.status, (b"content-encoding", b"gzip") in sent.headers) == (200, True)
