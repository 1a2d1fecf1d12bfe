"""The ASGI side: bodies are read to the limit and no further, requests end with their clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from poutama.edge import asgi
from poutama.edge.asgi import Application, AsgiMessage, AsgiScope
from poutama.edge.http import Api
from poutama.engine import GraphQLResponse
from poutama.engine.writes_in_progress import finish_writing
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

LIMIT = 100
BODY = b'{"query":"{ a }"}'


class EchoEngine:
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
        return GraphQLResponse(request.query.encode())


class RejectingVerifier:
    async def viewer_from_authorization(self, header: str | None) -> Viewer | None:
        return Viewer(UUID(int=1))


async def healthy() -> None:
    return


def open_application(engine: EchoEngine | None = None, seconds: float = 29.0) -> Application:
    settings = Settings(max_body_bytes=LIMIT)
    return Application(
        Api(engine or EchoEngine(), RejectingVerifier(), settings, healthy), LIMIT, seconds
    )


async def wait_for_ever() -> AsgiMessage:
    await asyncio.Event().wait()
    raise AssertionError


class Server:
    """As much of an ASGI server as one connection needs; says what was left unread."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.unread = 0
        self.after: Callable[[], Awaitable[AsgiMessage]] = wait_for_ever
        """What comes after the messages."""

    async def request(
        self,
        messages: Sequence[AsgiMessage],
        **scope: Any,
    ) -> tuple[int, dict[bytes, bytes], bytes] | None:
        queue = list(messages)
        sent: list[AsgiMessage] = []

        async def receive() -> AsgiMessage:
            if queue:
                return queue.pop(0)
            return await self.after()

        async def send(message: AsgiMessage) -> None:
            sent.append(message)

        whole: AsgiScope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
            **scope,
        }
        await self.application(whole, receive, send)
        self.unread = len(queue)
        if not sent:
            return None
        start, body = sent
        return start["status"], dict(start["headers"]), body["body"]


@pytest.fixture
def server() -> Server:
    return Server(open_application())


def chunk(body: bytes, *, more: bool = False) -> AsgiMessage:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_one_piece_is_answered(server: Server) -> None:
    answered = await server.request([chunk(BODY)])

    assert answered is not None
    status, headers, body = answered
    assert (status, body) == (200, b"{ a }")
    assert headers[b"content-length"] == b"5"


async def test_a_body_in_pieces_is_put_together(server: Server) -> None:
    answered = await server.request(
        [chunk(BODY[:5], more=True), chunk(BODY[5:], more=True), chunk(b"")]
    )

    assert answered is not None
    assert answered[2] == b"{ a }"


async def test_an_announced_body_over_the_limit_is_not_even_begun(server: Server) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"101")]

    answered = await server.request([chunk(b"x" * 101)], headers=headers)

    assert answered is not None
    assert answered[0] == 413
    assert server.unread == 1


@pytest.mark.parametrize(
    "announced", [[], [(b"content-length", b"10")], [(b"content-length", b"nonsense")]]
)
async def test_a_longer_body_than_announced_is_read_no_further_than_the_limit(
    server: Server, announced: list[tuple[bytes, bytes]]
) -> None:
    pieces = [chunk(b"x" * 60, more=True)] * 10

    answered = await server.request(
        pieces, headers=[(b"content-type", b"application/json"), *announced]
    )

    assert answered is not None
    assert answered[0] == 413
    assert server.unread == 8


async def test_a_body_of_exactly_the_limit_is_read(server: Server) -> None:
    answered = await server.request([chunk(BODY.ljust(LIMIT))])

    assert answered is not None
    assert answered[0] == 200


async def test_a_client_that_leaves_is_not_answered(server: Server) -> None:
    assert await server.request([chunk(b"{", more=True), {"type": "http.disconnect"}]) is None


async def test_a_client_that_left_before_the_answer_is_no_error(server: Server) -> None:
    async def receive() -> AsgiMessage:
        return chunk(BODY)

    sent: list[AsgiMessage] = []

    async def send(message: AsgiMessage) -> None:
        sent.append(message)
        raise BrokenPipeError

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [],
    }
    await server.application(scope, receive, send)
    assert len(sent) == 1, "it goes on sending to who has left"


async def test_head_has_the_headers_of_get_and_no_body(server: Server) -> None:
    asked = {"path": "/healthz", "headers": []}
    got = await server.request([chunk(b"")], method="GET", **asked)
    headed = await server.request([chunk(b"")], method="HEAD", **asked)

    assert got is not None
    assert headed == (got[0], got[1], b"")


async def test_a_header_sent_twice_is_not_quietly_one_of_them(server: Server) -> None:
    twice = [(b"content-type", b"application/json"), (b"content-type", b"text/plain")]

    answered = await server.request([chunk(BODY)], headers=twice)

    assert answered is not None
    assert answered[0] == 415


CONNECT: AsgiMessage = {"type": "websocket.connect"}


async def test_a_websocket_is_answered_by_what_there_is_instead(server: Server) -> None:
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    answered = await server.request([CONNECT], type="websocket", extensions=extensions)

    assert answered is not None
    assert answered[0] == 400
    assert b"Subscriptions are not served" in answered[2]


async def test_a_websocket_that_can_only_be_closed_is_closed_with_the_reason() -> None:
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        return CONNECT

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    scope: AsgiScope = {"type": "websocket", "path": "/graphql", "headers": []}
    await open_application()(scope, receive, send)

    (closed,) = sent
    assert closed["type"] == "websocket.close"
    assert "Subscriptions are not served" in closed["reason"]
    assert len(closed["reason"]) <= 123


class StuckEngine(EchoEngine):
    """Never answers, and notes that it was cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cancelled = False

    async def execute(self, *words: Any, **input: Any) -> GraphQLResponse:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError


async def test_a_request_whose_client_leaves_is_cancelled() -> None:
    engine = StuckEngine()
    server = Server(open_application(engine))

    assert await server.request([chunk(BODY), {"type": "http.disconnect"}]) is None
    assert engine.cancelled


class WritingEngine(EchoEngine):
    """Writes until it may end."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def execute(self, *words: Any, **input: Any) -> GraphQLResponse:
        with finish_writing():
            await self.may_end.wait()
        return GraphQLResponse(b"written")


async def test_a_request_that_writes_finishes_though_its_client_leaves() -> None:
    engine = WritingEngine()
    server = Server(open_application(engine))
    left = asyncio.Event()

    async def leave() -> AsgiMessage:
        left.set()
        return {"type": "http.disconnect"}

    server.after = leave
    request = asyncio.ensure_future(server.request([chunk(BODY)]))
    await left.wait()
    engine.may_end.set()

    answered = await request
    assert answered is not None
    assert answered[2] == b"written"


async def test_a_request_that_writes_is_cut_off_at_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi, "GRACE_SECONDS", 0.0)
    server = Server(open_application(WritingEngine(), seconds=0.01))

    assert await server.request([chunk(BODY), {"type": "http.disconnect"}]) is None


@pytest.mark.parametrize(("method", "code"), [("POST", b"AMBIGUOUS_COMMIT"), ("GET", b"DEADLINE")])
async def test_a_request_that_does_not_end_is_cut_off_and_answered(
    monkeypatch: pytest.MonkeyPatch, method: str, code: bytes
) -> None:
    monkeypatch.setattr(asgi, "GRACE_SECONDS", 0.0)
    engine = StuckEngine()
    server = Server(open_application(engine, seconds=0.01))

    answered = await server.request([chunk(BODY)], method=method, query_string=b"query={a}")

    assert answered is not None
    status, headers, body = answered
    assert (status, headers[b"connection"]) == (503 if method == "POST" else 504, b"close")
    assert code in body
    assert engine.cancelled


async def test_a_request_that_is_cancelled_with_the_server_is_answered() -> None:
    engine = StuckEngine()
    server = Server(open_application(engine))
    asked = asyncio.create_task(server.request([chunk(BODY)]))
    await engine.begun.wait()

    asked.cancel()

    answered = await asked
    assert answered is not None
    assert answered[0] == 503


async def test_a_body_that_does_not_arrive_in_time_is_refused() -> None:
    server = Server(open_application(seconds=0.01))

    answered = await server.request([chunk(b"{", more=True)])

    assert answered is not None
    assert (answered[0], answered[1][b"connection"]) == (504, b"close")
