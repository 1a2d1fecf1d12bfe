"""API Gateway's events and answers, in and out of the neutral `Request` and `Response`.

`edge.lambda_api` calls it. HTTP APIs with payload format 2.0 and function URLs send one and the
same shape. An event of any other shape is an `UnknownEventError` that says what was found. Runs
nothing, decides nothing.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final, TypedDict
from urllib.parse import unquote

import msgspec

from poutama.edge.http import Request, Response
from poutama.errors import BadRequestError

DEFAULT_STAGE = "$default"
_VERSION: Final = "2.0"
_TEXT_BELOW = 262_144
"""Bytes below which text is sent as it is: escaped it can be six times as long, and still fits."""


class UnknownEventError(BadRequestError):
    """The event is none that this function knows."""


class GatewayResponse(TypedDict):
    """What a function returns to API Gateway."""

    statusCode: int
    headers: dict[str, str]
    cookies: list[str]
    body: str
    isBase64Encoded: bool


class _Http(msgspec.Struct):
    method: str


class _Context(msgspec.Struct):
    http: _Http
    stage: str = DEFAULT_STAGE


class HttpEvent(msgspec.Struct, rename="camel"):
    """An event of payload format 2.0, as far as we look at it."""

    version: str
    raw_path: str
    request_context: _Context
    raw_query_string: str = ""
    headers: dict[str, str] | None = None
    cookies: list[str] | None = None
    body: str | None = None
    is_base64_encoded: bool = False


def read_request(event: object, deadline: float) -> Request:
    """Turn an event into a request.

    Args:
        event: as the runtime decoded it.
        deadline: absolute `time.monotonic()` by which it must be answered.

    Raises:
        UnknownEventError: it is not an event of payload format 2.0; says where it differs.
        BadRequestError: its body is not the base64 that it says it is.
    """
    try:
        known = msgspec.convert(event, HttpEvent)
    except msgspec.ValidationError as error:
        raise UnknownEventError(f"Not an HTTP event of payload format 2.0: {error}.") from error
    if known.version != _VERSION:
        raise UnknownEventError(
            f"An event of payload format {known.version[:10]!r}: set the integration to 2.0."
        )
    headers = {name.lower(): value for name, value in (known.headers or {}).items()}
    if known.cookies:
        headers["cookie"] = "; ".join(known.cookies)
    return Request(
        known.request_context.http.method.upper(),
        _read_path(known),
        known.raw_query_string,
        headers,
        _read_body(known),
        deadline,
        compress=True,
    )


def write_answer(response: Response, *, bodiless: bool) -> GatewayResponse:
    """Turn a response into what API Gateway wants; it adds `content-length` itself.

    Text goes as it is, whatever else in base64: a compressed body, say, or text of which so much
    would have to be escaped that base64 is shorter. Either is at most 4/3 of the body's length.

    Args:
        response: of the `Api`.
        bodiless: the method was HEAD.
    """
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    body = b"" if bodiless else response.body
    text = _as_text(body, encoded="content-encoding" in headers)
    return {
        "statusCode": response.status,
        "headers": headers,
        "cookies": cookies,
        "body": base64.b64encode(body).decode("ascii") if text is None else text,
        "isBase64Encoded": text is None,
    }


def describe_event(event: Any) -> str:
    """What an unknown event looks like, for the log: names of members, never a value."""
    if isinstance(event, dict):
        return f"an object with {', '.join(sorted(map(str, event))[:20]) or 'nothing in it'}"
    return f"a {type(event).__name__}"


def _read_path(event: HttpEvent) -> str:
    """The path without the stage, which a gateway's own address puts before it."""
    path, stage = event.raw_path, event.request_context.stage
    prefix = f"/{stage}"
    if stage != DEFAULT_STAGE and (path == prefix or path.startswith(f"{prefix}/")):
        path = path[len(prefix) :]
    path = unquote(path) if "%" in path else path
    return path if path.startswith("/") else f"/{path}"


def _read_body(event: HttpEvent) -> bytes:
    body = event.body or ""
    if not event.is_base64_encoded:
        # Half of a surrogate pair is passed on; the parser of the body reports it.
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("The event's body is not base64.") from error


def _as_text(body: bytes, *, encoded: bool) -> str | None:
    """The body as text; None where it is none, or where base64 is shorter."""
    if encoded:
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    # Escaped the way the older runtimes do it, which is the longer one.
    if len(body) >= _TEXT_BELOW and len(json.dumps(text)) > len(body) * 4 // 3:
        return None
    return text
