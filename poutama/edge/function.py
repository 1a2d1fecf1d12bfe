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
from poutama.errors import BadRequestError

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 1.0
"""Kept of an invocation's time: to answer, and for what does not look at deadlines."""
_GRACE_SECONDS = 0.5
"""Of the margin, what the API may take beyond the deadline before it is cut off."""


class ApiFunction:
    """Answers events, one at a time."""

    def __init__(self, api: Api, environment: Environment) -> None:
        self._api = api
        self._environment = environment

    def __call__(self, event: object, context: Context) -> GatewayResponse:
        """Answer one event; whatever happens, there is an answer and no exception."""
        deadline = find_deadline(context, MARGIN_SECONDS)
        try:
            request = read_request(event, deadline)
        except BadRequestError as error:
            return _refuse_event(event, error)
        response = self._environment.run(self._answer(request))
        return write_answer(response, bodiless=request.method == "HEAD")

    async def _answer(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(max(0.0, request.deadline - monotonic()) + _GRACE_SECONDS):
                return await self._api.handle(request)
        except TimeoutError:
            return refuse(request, cut_off(request))


def _refuse_event(event: object, error: BadRequestError) -> GatewayResponse:
    if isinstance(error, UnknownEventError):
        logger.error("%s Got %s.", error.message, describe_event(event))
    return write_answer(refuse(Request("POST", "/", "", {}, b""), error), bodiless=False)
