"""GraphQL over HTTP: one neutral request to one neutral response.

Called by `edge.asgi` on a long-running server and by the function handler in the cloud; knows
neither. It decides methods, media types and status codes, and it is the last net: whatever escapes
from below is masked, logged once under an id, and answered. Never speaks SQL, never reads the
environment, never logs a client's mistake or a token.
Source: https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import Protocol
from uuid import uuid4

import msgspec

from poutama.db.sqlstate import UNDEFINED
from poutama.edge.budget import Account, Budgets
from poutama.edge.content_negotiation import (
    JSON,
    HeaderPairs,
    MediaType,
    negotiate,
    negotiate_refusal,
)
from poutama.edge.content_negotiation import require_json as require_json_content
from poutama.edge.idempotency_key import parse_idempotency_key
from poutama.edge.origins import Origins
from poutama.edge.payload import parse_body, parse_parameters
from poutama.edge.requests_at_once import RequestsAtOnce
from poutama.edge.response_size import COMPRESSED_FROM, fit_body
from poutama.engine.execution import check_viewer
from poutama.engine.response import GraphQLResponse, describe_error, encode_errors
from poutama.errors import (
    AmbiguousCommit,
    BadRequestError,
    ConfigurationError,
    DatabaseError,
    DeadlineExceededError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    PoutamaError,
    RateLimitedError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from poutama.plan.operation import NO_SUBSCRIPTIONS, GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer

logger = logging.getLogger(__name__)

GRAPHQL_PATH = "/graphql"
HEALTH_PATH = "/healthz"

_GRAPHQL_METHODS = "GET, HEAD, OPTIONS, POST"
_PAGE_METHODS = "GET, HEAD, OPTIONS"
_CHALLENGE = ((b"www-authenticate", b"Bearer"),)


class Request(msgspec.Struct, frozen=True):
    """What a client sent, whichever way it came.

    Attributes:
        method: upper case.
        path: percent-decoded, from the first slash.
        query_string: what follows `?`, still encoded.
        headers: names in lower case; a header sent twice is joined by commas.
        body: all of it.
        deadline: absolute `time.monotonic()` by which it must be answered, where that is sooner
            than what the settings allow.
        compress: whether the way to the client is so long that large answers are compressed.
        accounts: the budget that it spends from, once that is known: every answer reports what is
            left of it, that of an entry point which ends the request as well.
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    deadline: float = math.inf
    compress: bool = False
    accounts: list[Account] = []  # msgspec makes a new one for each


class Response(msgspec.Struct, frozen=True):
    """What the client gets.

    The entry point adds `content-length`, and sends no body when the method was HEAD.
    """

    status: int
    headers: HeaderPairs
    body: bytes


class Executor(Protocol):
    """The part of the engine that the edge calls."""

    async def execute(
        self,
        request: GraphQLRequest,
        viewer: Viewer | None,
        *,
        deadline: float,
        read_only: bool = False,
        idempotency_key: str | None = None,
        spend: Callable[[int], Awaitable[None]] | None = None,
    ) -> GraphQLResponse: ...


class Verifier(Protocol):
    """The part of the token verifier that the edge calls."""

    async def viewer_from_authorization(self, header: str | None) -> Viewer | None: ...


Route = Callable[[Request], Awaitable[Response]]


class Api:
    """Everything that is served under one address."""

    def __init__(
        self,
        engine: Executor,
        verifier: Verifier,
        settings: Settings,
        health: Callable[[], Awaitable[object]],
        routes: Mapping[str, Route] | None = None,
        budgets: Budgets | None = None,
        new_budgets: Budgets | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            engine: runs operations.
            verifier: turns an Authorization header into a viewer.
            settings: `request_seconds`, `max_body_bytes`, `max_response_bytes`,
                `max_requests_at_once`, `allowed_origins`, `allowed_headers` and who may ask for the
                schema.
            health: raises when the database does not answer, or lacks a migration.
            routes: further pages by exact path, GET only; the local mode's GraphiQL, for one.
            budgets: what each person may ask for in a while; None: as much as they like.
            new_budgets: the same of each account that is not a person yet, in attempts.

        Raises:
            ConfigurationError: `allowed_origins` or `allowed_headers` cannot be used.
        """
        self._engine = engine
        self._verifier = verifier
        self._settings = settings
        self._seconds = settings.request_seconds
        self._max_body_bytes = settings.max_body_bytes
        self._max_response_bytes = settings.max_response_bytes
        self._health = health
        self._budgets = budgets
        self._new_budgets = new_budgets
        self._at_once = RequestsAtOnce(settings.max_requests_at_once)
        self._origins = Origins(settings.allowed_origins, settings.allowed_headers)
        self._pages: dict[str, Route] = {**(routes or {}), HEALTH_PATH: self._answer_health}

    async def handle(self, request: Request) -> Response:
        """Answer one request; always returns a response, and never raises."""
        try:
            # Before anything else: a browser cannot send a token with a handshake.
            _refuse_websocket(request.headers)
            if request.path == GRAPHQL_PATH:
                response = await self._answer_graphql(request)
            else:
                response = await self._fit(request, await self._answer_page(request))
        except Exception as error:  # the last net
            response = refuse(request, await self._explain(error))
        return self._share(request, response)

    def refuse(self, request: Request, error: Exception) -> Response:
        """Answer a request that an entry point ends, as `handle` would: scripts can read why."""
        return self._share(request, refuse(request, error))

    async def _explain(self, error: Exception) -> Exception:
        """The reason behind a table that is not there: a migration that is missing."""
        if not isinstance(error, DatabaseError) or error.sqlstate not in UNDEFINED:
            return error
        try:
            await self._health()
        except ConfigurationError as missing:
            missing.__cause__ = error
            return missing
        except PoutamaError:
            pass
        return error

    def _share(self, request: Request, response: Response) -> Response:
        if not self._origins.any:
            return response
        origin = request.headers.get("origin")
        headers = self._origins.share(request.method, origin, response.headers)
        return Response(response.status, headers, response.body)

    async def _fit(self, request: Request, response: Response) -> Response:
        length = len(response.body)
        if length < COMPRESSED_FROM:
            return response
        if not request.compress and length <= self._max_response_bytes:
            return response
        headers, body = await fit_body(
            request.headers.get("accept-encoding"),
            response.headers,
            response.body,
            self._max_response_bytes,
        )
        return Response(response.status, headers, body)

    async def _answer_graphql(self, request: Request) -> Response:
        method = request.method
        if method == "OPTIONS":
            return _options(_GRAPHQL_METHODS)
        media = negotiate(request.headers.get("accept"))
        if method not in ("POST", "GET", "HEAD"):
            raise MethodNotAllowedError(
                f"{GRAPHQL_PATH}: expected POST, or GET for queries, got {method[:20]}.",
                allow=_GRAPHQL_METHODS,
            )
        # Before asking who it is: an issuer that is slow must not lengthen the request.
        deadline = min(monotonic() + self._seconds, request.deadline)
        authorization = request.headers.get("authorization")
        viewer = await self._verifier.viewer_from_authorization(authorization)
        check_viewer(viewer, self._settings)
        budgets = self._new_budgets if viewer and viewer.sign_in else self._budgets
        if budgets is None or viewer is None:
            return await self._execute(request, media, viewer, deadline, None)
        account = budgets.open_account(viewer.person_id, deadline)
        request.accounts.append(account)
        response = await self._execute(request, media, viewer, deadline, account)
        return Response(response.status, response.headers + account.headers(), response.body)

    async def _execute(
        self,
        request: Request,
        media: MediaType,
        viewer: Viewer | None,
        deadline: float,
        account: Account | None,
    ) -> Response:
        if request.method == "POST":
            graphql = self._parse_post(request)
        else:
            graphql = parse_parameters(request.query_string)
        run = partial(
            self._engine.execute,
            graphql,
            viewer,
            deadline=deadline,
            read_only=request.method != "POST",
            idempotency_key=parse_idempotency_key(request.headers.get("idempotency-key")),
            spend=None if account is None else account.spend,
        )
        if viewer is None:
            answer = await run()
        else:
            async with self._at_once.take_turn(viewer.person_id, deadline):
                answer = await run()
        if account is not None:
            account.owe(answer.owed)
        return await self._fit(request, _respond(media, answer.status, answer.body))

    def _parse_post(self, request: Request) -> GraphQLRequest:
        require_json_content(request.headers.get("content-type"))
        if request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaTypeError(
                "Content-Encoding: expected none, the body uncompressed."
            )
        if len(request.body) > self._max_body_bytes:
            raise body_too_large(self._max_body_bytes)
        return parse_body(request.body)

    async def _answer_page(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            raise NotFoundError("Address not found; the API is at POST /graphql.")
        if request.method == "OPTIONS":
            return _options(_PAGE_METHODS)
        if request.method not in ("GET", "HEAD"):
            expected = f"{request.path}: expected GET, got {request.method[:20]}."
            raise MethodNotAllowedError(expected, allow=_PAGE_METHODS)
        return await page(request)

    async def _answer_health(self, request: Request) -> Response:  # noqa: ARG002  a Route
        try:
            await self._health()
        except ConfigurationError as error:
            logger.error("health: %s", error.message)
            return Response(503, JSON.headers, b'{"status":"unavailable"}')
        except Exception as error:  # any failure means: not healthy
            logger.warning("health: the database does not answer (%s)", type(error).__name__)
            return Response(503, JSON.headers, b'{"status":"unavailable"}')
        return Response(200, JSON.headers, b'{"status":"ok"}')


def _refuse_websocket(headers: Mapping[str, str]) -> None:
    """Refuse a handshake, as gateways pass it on: with or without `Upgrade`."""
    if "websocket" in headers.get("upgrade", "").lower() or "sec-websocket-version" in headers:
        raise BadRequestError(NO_SUBSCRIPTIONS)


def body_too_large(max_body_bytes: int) -> PayloadTooLargeError:
    """Make the error for a body over the limit, also for entry points that stop reading early."""
    return PayloadTooLargeError(
        f"The request body is too large: expected at most {max_body_bytes} bytes."
    )


def cut_off(request: Request) -> PoutamaError:
    """Make the error for a request that an entry point ended, and log that it had to."""
    logger.error("a request was cancelled: it was not finished by its deadline")
    if request.method == "POST":
        return AmbiguousCommit(
            "The request could not be finished in the time it had: it may or may not have happened."
        )
    return DeadlineExceededError()


def refuse(request: Request, error: Exception) -> Response:
    """Turn an error into a response: its message if it is safe, else masked and logged."""
    media = negotiate_refusal(request.headers.get("accept"))
    headers = media.headers
    for account in request.accounts:
        headers += account.headers()
    if not isinstance(error, PoutamaError) or not error.safe:
        return Response(PoutamaError.status, headers, mask_error(error))
    extensions = dict(error.extensions)
    match error:
        case MethodNotAllowedError():
            # The engine refuses a mutation by GET without knowing of methods: POST is the remedy.
            allow = str(extensions.pop("allow", "POST"))
            headers = (*headers, (b"allow", allow.encode()))
        case UnauthenticatedError():
            headers += _CHALLENGE
        case RateLimitedError():
            headers += ((b"retry-after", str(extensions["retryAfter"]).encode()),)
    body = encode_errors([describe_error(error.message, error.code, extensions)])
    return Response(error.status, headers, body)


def mask_error(error: Exception) -> bytes:
    """Log an unexpected error, once, with its traceback; the body only has the id to find it by."""
    error_id = uuid4().hex
    logger.error("unexpected error, errorId=%s", error_id, exc_info=error)
    message = "Something went wrong on our side; it is logged under the errorId."
    return encode_errors([describe_error(message, PoutamaError.code, {"errorId": error_id})])


def _respond(media: MediaType, status: int, body: bytes) -> Response:
    if status == 200:
        return Response(200, media.headers, body)
    if status == 400 and media.masks_request_errors:
        return Response(200, media.headers, body)
    if status == UnauthenticatedError.status:
        return Response(status, media.headers + _CHALLENGE, body)
    return Response(status, media.headers, body)


def _options(allow: str) -> Response:
    return Response(204, ((b"allow", allow.encode()),), b"")
