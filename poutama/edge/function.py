"""The API as a function: one event of API Gateway in, one answer out, whatever happens.

`edge.lambda_api` opens it from a deployment's settings. Opens nothing itself, and never lets the
runtime's own limit be the one that ends a request: a client would get no response.
"""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from poutama.edge.gateway import (
    GatewayResponse,
    UnknownEventError,
    describe_event,
    read_request,
    write_answer,
)
from poutama.edge.http import Api, Request, Response, cut_off, refuse
from poutama.edge.invocation import Context, Environment, find_deadline
from poutama.edge.security_headers import SecurityHeaders
from poutama.errors import BadRequestError
from poutama.settings import Settings

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 1.0
"""Kept of an invocation's time: to answer, and for what does not look at deadlines."""
_GRACE_SECONDS = 0.5
"""Of the margin, what the API may take beyond the deadline before it is cut off."""


class ApiFunction:
    """Answers events, one at a time."""

    def __init__(self, api: Api, environment: Environment, settings: Settings) -> None:
        self._api = api
        self._environment = environment
        self._security = SecurityHeaders(settings)

    def __call__(self, event: object, context: Context) -> GatewayResponse:
        """Answer one event; whatever happens, there is an answer and no exception."""
        deadline = find_deadline(context, MARGIN_SECONDS)
        try:
            request = read_request(event, deadline)
        except BadRequestError as error:
            return self._write(_refuse_event(event, error), bodiless=False)
        response = self._environment.run(self._answer(request))
        return self._write(response, bodiless=request.method == "HEAD")

    def _write(self, response: Response, *, bodiless: bool) -> GatewayResponse:
        # Gateways and function URLs are reached by HTTPS alone.
        headers = self._security.complete(response.headers, secure=True)
        return write_answer(Response(response.status, headers, response.body), bodiless=bodiless)

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(max(0.0, request.deadline - monotonic()) + _GRACE_SECONDS):
                return await self._api.handle(request)
        except TimeoutError:
            return self._api.refuse(request, cut_off(request))


def _refuse_event(event: object, error: BadRequestError) -> Response:
    if isinstance(error, UnknownEventError):
        logger.error("%s Got %s.", error.message, describe_event(event))
    return refuse(Request("POST", "/", "", {}, b""), error)
