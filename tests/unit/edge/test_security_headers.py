"""Every answer, whichever way it leaves, limits what browsers do with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from poutama.edge.function import ApiFunction
from poutama.edge.http import Api
from poutama.edge.invocation import Environment
from poutama.edge.security_headers import SecurityHeaders
from poutama.errors import ConfigurationError
from poutama.laptop.graphiql.page import POLICY, graphiql_routes
from poutama.server.files import FileRoutes
from poutama.server.server_application import ServerApplication
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from poutama.viewer import Viewer
from tests.unit.edge.test_http_asgi import EchoEngine, healthy

WANTED = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
STRICT = {"strict-transport-security": "max-age=31536000"}
REQUESTS = [
    ("POST", "/graphql"),
    ("PUT", "/graphql"),
    ("OPTIONS", "/graphql"),
    ("GET", "/healthz"),
    ("GET", "/nowhere"),
    ("POST", "/broken"),
]


class Known:
    """Takes every caller for one person, and breaks for one of them."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        if header == "broken":
            raise RuntimeError
        return Viewer(UUID(int=1))


def make_api(home: Path) -> Api:
    return Api(EchoEngine(), Known(), Settings(), healthy, routes=graphiql_routes(home))


async def ask_server(
    home: Path, method: str, path: str, *, scheme: str = "http", stopping: bool = False
) -> dict[str, str]:
    store = DirectoryStore(home, b"secret", "http://files.example")
    application = ServerApplication(make_api(home), Settings(), FileRoutes(store))
    application.stopping = stopping
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", b"broken")] if path == "/broken" else []
    path = "/graphql" if path == "/broken" else path
    scope = {"type": "http", "scheme": scheme, "method": method, "path": path}
    await application({**scope, "query_string": b"", "headers": headers}, receive, send)
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def holds(headers: dict[str, str], wanted: dict[str, str]) -> bool:
    return wanted.items() <= headers.items()


@pytest.mark.parametrize(("method", "path"), [*REQUESTS, ("GET", "/files/a"), ("POST", "/files")])
async def test_every_answer_of_a_server_has_them(tmp_path: Path, method: str, path: str) -> None:
    headers = await ask_server(tmp_path, method, path)
    assert holds(headers, WANTED)
    assert "strict-transport-security" not in headers
    assert holds(await ask_server(tmp_path, method, path, scheme="https"), {**WANTED, **STRICT})


async def test_a_server_that_stops_sends_them(tmp_path: Path) -> None:
    assert holds(await ask_server(tmp_path, "GET", "/healthz", stopping=True), WANTED)


async def test_the_page_to_try_it_in_keeps_its_own_policy(tmp_path: Path) -> None:
    headers = await ask_server(tmp_path, "GET", "/graphiql")
    assert headers["content-security-policy"] == POLICY
    assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=()"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.fixture
def function(tmp_path: Path) -> Iterator[ApiFunction]:
    environment = Environment()
    yield ApiFunction(make_api(tmp_path), environment, Settings())
    environment.close()


class TimeLeft:
    """The context of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_every_answer_of_a_function_has_them(function: ApiFunction, method: str, path: str) -> None:
    headers = {"authorization": "broken"} if path == "/broken" else {}
    event = {
        "version": "2.0",
        "rawPath": "/graphql" if path == "/broken" else path,
        "headers": headers,
        "requestContext": {"http": {"method": method}},
    }
    assert holds(function(event, TimeLeft())["headers"], {**WANTED, **STRICT})


def test_an_event_that_is_none_is_refused_with_them(function: ApiFunction) -> None:
    assert holds(function({}, TimeLeft())["headers"], {**WANTED, **STRICT})


def test_a_response_keeps_what_it_says_itself() -> None:
    own = ((b"content-security-policy", b"sandbox"),)
    completed = SecurityHeaders(Settings()).complete(own, secure=False)
    assert [value for name, value in completed if name == own[0][0]] == [b"sandbox"]


def test_the_time_for_https_is_a_setting() -> None:
    def strict(seconds: int) -> list[bytes]:
        headers = SecurityHeaders(Settings(hsts_seconds=seconds)).complete((), secure=True)
        return [value for name, value in headers if name == b"strict-transport-security"]

    assert (strict(300), strict(0)) == ([b"max-age=300"], [])
    with pytest.raises(ConfigurationError, match="POUTAMA_HSTS_SECONDS"):
        SecurityHeaders(Settings(hsts_seconds=-1))
