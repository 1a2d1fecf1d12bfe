"""What an operation is answered with: the JSON of a GraphQL response, errors included.

https://spec.graphql.org/October2021/#sec-Response-Format
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from typing import Any

import msgspec

from poutama.errors import BadUserInputError, NotFoundError, PoutamaError
from poutama.plan.operation import GraphQLFailure


class GraphQLResponse(msgspec.Struct, frozen=True):
    """A GraphQL response, complete, and the HTTP status it deserves."""

    body: bytes
    status: int = 200
    owed: int = 0
    """What it costs besides what was spent before: known with the answer."""


def answer_data(
    data: bytes, missing: Sequence[NotFoundError] = (), *, owed: int = 0
) -> GraphQLResponse:
    """The response to an operation that went well; `data` is a JSON object in UTF-8.

    `missing`: rows that the request names, in whose place `data` has null; the `field` of each is
    its root field.
    """
    if not missing:
        return GraphQLResponse(b'{"data":%b}' % data, owed=owed)
    errors = [_describe(error, (str(error.extensions["field"]),)) for error in missing]
    return GraphQLResponse(encode_errors(errors, data), owed=owed)


def answer_refusal(error: PoutamaError, *, owed: int = 0) -> GraphQLResponse:
    """The response to a request that was not executed: errors, and no data."""
    return GraphQLResponse(encode_errors(_describe_all(error, ())), error.status, owed)


def answer_failure(failure: GraphQLFailure) -> GraphQLResponse:
    """The response to a document or variables that graphql-core refused."""
    errors = []
    for error in failure.errors:
        formatted: dict[str, Any] = dict(error.formatted)
        formatted["extensions"] = {"code": failure.kind.code, **(error.extensions or {})}
        errors.append(formatted)
    return GraphQLResponse(encode_errors(errors), failure.kind.status)


def answer_field_error(error: PoutamaError, key: str, *, owed: int = 0) -> GraphQLResponse:
    """The response where a root field failed, and so nothing of the mutation has happened."""
    body = encode_errors(_describe_all(error, (key,)), data=b"null")
    return GraphQLResponse(body, owed=owed)


def describe_error(message: str, code: str, extensions: Mapping[str, object]) -> dict[str, Any]:
    """Return an entry of a response's errors."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def _describe_all(error: PoutamaError, path: tuple[str, ...]) -> list[dict[str, Any]]:
    """The entries of an error and of what else is wrong; `path`: where, if that is known."""
    others = error.others if isinstance(error, BadUserInputError) else ()
    return [_describe(each, path or _find_path(each)) for each in (error, *others)]


def _find_path(error: PoutamaError) -> tuple[str, ...]:
    """The root field whose argument cannot be used: `goals` of `goals.tasks.first`."""
    field = str(error.extensions.get("field", ""))
    root, dot, _ = field.partition(".")
    return (root,) if dot and field[0] not in "$@" and root != "input" else ()


def _describe(error: PoutamaError, path: tuple[str, ...]) -> dict[str, Any]:
    described = describe_error(error.message, error.code, error.extensions)
    return {**described, "path": list(path)} if path else described


def encode_errors(errors: list[dict[str, Any]], data: bytes | None = None) -> bytes:
    """Write the body of a response with errors, and no data unless some is given."""
    text = dumps(errors, ensure_ascii=False, default=str)
    # Messages quote what the client sent, halves of surrogate pairs included.
    listed = text.encode("utf-8", "backslashreplace")
    return b'{"errors":%b%b}' % (listed, b"" if data is None else b',"data":' + data)
