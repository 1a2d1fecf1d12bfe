"""The request as it was sent, to a typed `GraphQLRequest`: a POST's JSON or a GET's parameters.

Called by `edge.http`. A request that fits costs one decoding; only for one that does not fit is
the time taken to say what is wrong with it and where. Never looks into the document itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec

from poutama.errors import BadRequestError, BadUserInputError
from poutama.plan.operation import GraphQLRequest

MAX_JSON_DEPTH = 64
LONGEST_STEP = 100
"""Characters of a key that an error repeats."""
_MAX_PARAMETERS = 32
_ESCAPED_NUL = b"\\u0000"
_MAX_NESTING = 500
"""Most brackets that are open at once, members that are ignored included. Each Python has a limit
of its own to how deep its parsers go; this is below all of them."""
# One that does not end is a text up to the end, so that no part of a body is looked at twice.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[][{}]")


class _Body(msgspec.Struct):
    """The JSON object of a POST; other members are ignored, as the specification asks."""

    query: str | None = None
    operationName: str | None = None  # noqa: N815  the wire's spelling
    variables: dict[str, object] | None = None
    extensions: dict[str, object] | None = None
    documentId: str | None = None  # noqa: N815  the wire's spelling


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_map = msgspec.json.Decoder(dict[str, object] | None).decode
_decode_anything = msgspec.json.Decoder().decode

_EXPECTED: Mapping[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
    "documentId": (str, "a string"),
}


def parse_body(body: bytes) -> GraphQLRequest:
    """Decode the JSON of a POST.

    Raises:
        BadRequestError: it is not JSON in UTF-8, or not a GraphQL request; names the member.
        BadUserInputError: a text in it holds the character U+0000.
    """
    _check_nesting(body)
    try:
        decoded = _decode_body(body)
    except ValueError as error:
        raise BadRequestError(_explain(body, error)) from error
    document_id = _document_id(decoded.documentId, decoded.extensions)
    if decoded.query is None and document_id is None:
        raise BadRequestError("`query`: expected a string, got nothing.")
    request = GraphQLRequest(
        decoded.query or "",
        # Empty is as if it were absent: the specification says so of a URL's parameter.
        decoded.operationName or None,
        decoded.variables,
        decoded.extensions,
        document_id,
    )
    # Both are one scan in C over the bytes; the walk in Python is for the few that need it.
    if body.count(b"{") + body.count(b"[") > MAX_JSON_DEPTH or body.find(_ESCAPED_NUL) >= 0:
        _check_values(request)
    return request


def parse_parameters(query_string: str) -> GraphQLRequest:
    """Decode the URL parameters of a GET; an empty parameter is one that was not sent.

    Raises:
        BadRequestError: a parameter is missing, doubled or not what it must be; names it.
        BadUserInputError: a text in it holds the character U+0000.
    """
    if not query_string.isascii():
        raise BadRequestError("The URL's parameters are not percent-encoded.")
    try:
        pairs = parse_qsl(query_string, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError as error:
        raise BadRequestError("The URL's parameters are not valid UTF-8.") from error
    except ValueError as error:
        raise BadRequestError("The URL has too many parameters.") from error
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values and name in _EXPECTED:
            raise BadRequestError(f"`{name}`: expected once, got it twice.")
        values[name] = value
    extensions = _parse_map("extensions", values.get("extensions"))
    document_id = _document_id(values.get("documentId"), extensions)
    if "query" not in values and document_id is None:
        raise BadRequestError("`query`: expected a URL parameter with the document, got nothing.")
    request = GraphQLRequest(
        values.get("query", ""),
        values.get("operationName"),
        _parse_map("variables", values.get("variables")),
        extensions,
        document_id,
    )
    _check_values(request)
    return request


def _document_id(document_id: str | None, extensions: Mapping[str, object] | None) -> str | None:
    """The hash of a document sent before, in either of the two ways in use.

    https://github.com/graphql/graphql-over-http/pull/264 and Apollo's `persistedQuery`.
    """
    if document_id is None and extensions is not None:
        persisted = extensions.get("persistedQuery")
        found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        document_id = found if isinstance(found, str) else None
    return None if document_id is None else document_id.removeprefix("sha256:").lower()


def _parse_map(name: str, text: str | None) -> dict[str, object] | None:
    if text is None:
        return None
    _check_nesting(text.encode())
    try:
        value: dict[str, object] | None = _decode_map(text)
    except ValueError as error:
        raise BadRequestError(f"`{name}`: expected a JSON object.") from error
    return value


def _check_nesting(text: bytes) -> None:
    """Refuse JSON that a recursive parser may not be able to follow.

    Raises:
        BadRequestError: it is nested too deeply.
    """
    if text.count(b"{") + text.count(b"[") <= _MAX_NESTING:
        return
    depth = 0
    for bracket in _BRACKET.findall(_TEXT.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_NESTING:
            raise BadRequestError("The request is nested too deeply.")


def _explain(body: bytes, error: Exception) -> str:
    """Say why a body could not be decoded, naming the member and what was expected of it."""
    try:
        body.decode()
    except UnicodeDecodeError as invalid:
        return f"The request body is not valid UTF-8 (byte {invalid.start})."
    if not body.strip():
        return "The request body is empty: expected a JSON object with `query`."
    if isinstance(error, msgspec.ValidationError):
        return _explain_mistyped(body) or f"The request body does not fit: {error}."
    if _has_lone_surrogate(body):
        return "The request body has a \\u escape that is half of a surrogate pair."
    return f"The request body is not JSON: {error}."


def _explain_mistyped(body: bytes) -> str | None:
    try:
        value = _decode_anything(body)
    except ValueError:
        return None
    if isinstance(value, list):
        return "Batches are not served: send one operation per request."
    if not isinstance(value, dict):
        return f"The request body: expected a JSON object with `query`, got {_kind(value)}."
    for name, (kind, expected) in _EXPECTED.items():
        member = value.get(name)
        if member is not None and not isinstance(member, kind):
            return f"`{name}`: expected {expected}, got {_kind(member)}."
    return None


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case None:
            return "null"
        case _:
            return "an object"


def _has_lone_surrogate(body: bytes) -> bool:
    # The standard library reads such an escape where msgspec stops, so the text can be looked at.
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except ValueError:
        return False
    return False


@dataclass(frozen=True, slots=True)
class _ValuePath:
    """Where a value stands; its path is written only for an error, as keys may be long."""

    step: str
    above: _ValuePath | None = None

    def __str__(self) -> str:
        steps: list[str] = []
        place: _ValuePath | None = self
        while place is not None:
            steps.append(place.step[:LONGEST_STEP])
            place = place.above
        return "".join(reversed(steps))


def _check_values(request: GraphQLRequest) -> None:
    """Refuse what no column can hold (U+0000), and nesting that a recursive reader cannot follow.

    Raises:
        BadRequestError: variables or extensions are nested too deeply.
        BadUserInputError: names where the character stands.
    """
    for place, depth, value in _walk(request):
        if depth > MAX_JSON_DEPTH:
            member, _, _ = str(place).partition(".")
            raise BadRequestError(f"`{member}`: nested too deeply.")
        if isinstance(value, str) and "\x00" in value:
            raise BadUserInputError(f"`{place}`: text cannot hold the character U+0000.")


def _walk(request: GraphQLRequest) -> Iterator[tuple[_ValuePath, int, object]]:
    stack: list[tuple[_ValuePath, int, object]] = [
        (_ValuePath("extensions"), 0, request.extensions),
        (_ValuePath("variables"), 0, request.variables),
        (_ValuePath("operationName"), 0, request.operation_name),
        (_ValuePath("query"), 0, request.query),
        (_ValuePath("documentId"), 0, request.document_id),
    ]
    while stack:
        place, depth, value = item = stack.pop()
        yield item
        match value:
            case dict():
                for key, child in value.items():
                    yield place, depth, key
                    stack.append((_ValuePath(f".{key}", place), depth + 1, child))
            case list():
                stack.extend(
                    (_ValuePath(f"[{index}]", place), depth + 1, child)
                    for index, child in enumerate(value)
                )
