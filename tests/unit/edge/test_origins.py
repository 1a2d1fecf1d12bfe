"""Pages of other origins: the headers their browsers get, and that no other page gets them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poutama.edge.http import Api, Request
from poutama.edge.origins import Origins
from poutama.errors import ConfigurationError, PayloadTooLargeError
from poutama.settings import Settings
from tests.unit.edge.test_http import (
    OneToken,
    RecordingEngine,
    error_of,
    headers_of,
    healthy,
    make_api,
    post,
)

PAGE = "https://learn.example"
ALLOWED = Settings(allowed_origins=f"{PAGE}, http://localhost:5173")


def shared_api() -> Api:
    return Api(RecordingEngine(), OneToken(), ALLOWED, healthy)


def preflight(origin: str, path: str = "/graphql") -> Request:
    asks = {"origin": origin, "access-control-request-method": "POST"}
    return Request("OPTIONS", path, "", asks, b"")


async def test_a_browser_that_asks_first_is_told_what_its_page_may_send() -> None:
    response = await shared_api().handle(preflight(PAGE))

    assert (response.status, response.body) == (204, b"")
    headers = headers_of(response)
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST"
    sent = {"authorization", "content-type", "idempotency-key"}
    assert set(headers["access-control-allow-headers"].split(", ")) == sent
    assert headers["access-control-max-age"] == "7200"
    assert headers["vary"] == "origin"
    assert "access-control-allow-credentials" not in headers


async def test_the_answer_and_a_refusal_may_both_be_read_by_the_page() -> None:
    for body in ({"query": "{ a }"}, b"no JSON"):
        response = await shared_api().handle(post(body, origin="http://localhost:5173"))
        headers = headers_of(response)
        assert headers["access-control-allow-origin"] == "http://localhost:5173"
        assert "retry-after" in headers["access-control-expose-headers"]
        assert "access-control-max-age" not in headers


async def test_a_refusal_before_the_body_is_read_may_be_read_by_the_page() -> None:
    refused = shared_api().refuse(post({"query": "{ a }"}, origin=PAGE), PayloadTooLargeError())

    assert refused.status == 413
    assert headers_of(refused)["access-control-allow-origin"] == PAGE


async def test_further_headers_may_be_sent_where_the_setting_names_them() -> None:
    settings = replace(ALLOWED, allowed_headers="traceparent, Baggage,authorization")
    api = Api(RecordingEngine(), OneToken(), settings, healthy)
    headers = headers_of(await api.handle(preflight(PAGE)))

    assert headers["access-control-allow-headers"] == (
        "authorization, content-type, idempotency-key, traceparent, baggage"
    )


@pytest.mark.parametrize("wrong", ["*", "a b", "x:y", "x\r\ny"])
def test_what_is_no_header_stops_the_server(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_ALLOWED_HEADERS: expected names"):
        Origins("", wrong)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://learn.example.evil.example", "http://learn.example", "null"],
)
async def test_other_origins_are_answered_without_leave(origin: str) -> None:
    for request in (preflight(origin), post({"query": "{ a }"}, origin=origin)):
        headers = headers_of(await shared_api().handle(request))
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["vary"] == "origin"


async def test_without_the_setting_nothing_is_said_of_origins() -> None:
    headers = headers_of(await make_api().handle(preflight(PAGE)))
    assert headers == {"allow": "GET, HEAD, OPTIONS, POST"}


async def test_nowhere_is_told_to_the_page_as_well() -> None:
    response = await shared_api().handle(Request("GET", "/nowhere", "", {"origin": PAGE}, b""))
    assert error_of(response)[0] == "NOT_FOUND"
    assert headers_of(response)["access-control-allow-origin"] == PAGE


def test_what_varies_already_varies_by_origin_too() -> None:
    input = ((b"vary", b"accept-encoding"),)
    assert Origins(PAGE).share("GET", None, input) == ((b"vary", b"accept-encoding, origin"),)


@pytest.mark.parametrize(
    "setting",
    [
        "*",
        "learn.example",
        "https://learn.example/",
        "https://Learn.example",
        "https://a b",
        "null",
    ],
)
def test_what_is_no_origin_is_refused(setting: str) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_ALLOWED_ORIGINS: expected origins"):
        Origins(setting)
