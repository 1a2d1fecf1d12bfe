"""The page docs/errors.md: every code that a client can meet, with its status and what to do.

Called by `commands.pages`. Codes and statuses are those of the classes in `poutama.errors`; what
happened and what to do stand here, and a code without them is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from poutama import errors
from poutama.errors import PoutamaError

OPENING = """\
# Errors

Every error has a `message` for the developer who reads it and an `extensions.code` for the program
that acts on it. Codes are part of the API: none changes its meaning. Messages may get better.

```json
{"errors": [{
  "message": "`variables`: expected an object, got a list.",
  "extensions": {"code": "BAD_REQUEST"}
}]}
```

This page is generated from `poutama.errors`: `make docs`.

## Codes

| code | status | what happened | what to do |
|---|---|---|---|
"""

CLOSING = """\

The status is that of a request that could not be executed. Once execution has begun the answer is
200 and the error stands in `errors` with its `path`, beside `data`: a mutation that fails with
`NOT_FOUND` is such an answer. [http.md](http.md) says which media type tells which status.

## What is never shown

An `INTERNAL` error says nothing of what went wrong. Its `errorId` is that of exactly one record in
the server's log, which has the traceback. A client's own mistakes are not logged.
"""

ADVICE = {
    "BAD_REQUEST": (
        "The request is not JSON, or not a GraphQL request.",
        "Read the message: it names the member and what was expected.",
    ),
    "GRAPHQL_PARSE_FAILED": (
        "The document is not GraphQL.",
        "See `locations`.",
    ),
    "GRAPHQL_VALIDATION_FAILED": (
        "The document does not fit the schema.",
        "See `locations`; compare with the schema.",
    ),
    "HEAD_TOO_LARGE": (
        "The request's line and headers have more than 64 KiB or 200 headers.",
        "Send by POST what was in the address; drop headers, such as cookies of other services.",
    ),
    "OPERATION_NOT_FOUND": (
        "The document has no operation of that name, or several and none was named.",
        "Send `operationName`.",
    ),
    "BAD_USER_INPUT": (
        "An argument or a variable has a value that cannot be used.",
        "Show it to the person who typed it.",
    ),
    "LIMIT_EXCEEDED": (
        "The operation asks for more than one request may: `limit`, `value` and `allowed` say "
        "of what, how much, and how much there may be.",
        "Ask for less at once: smaller pages, less depth. See [limits.md](limits.md).",
    ),
    "PERSISTED_QUERY_NOT_SUPPORTED": (
        "A document's hash was sent alone, and this server keeps no documents.",
        "Send documents themselves; Apollo's and urql's clients do so afterwards.",
    ),
    "PERSISTED_QUERY_NOT_FOUND": (
        "No document has the hash that was sent.",
        "Send the document itself; where only trusted ones are served, publish it first.",
    ),
    "UNAUTHENTICATED": (
        "The request has no valid bearer token.",
        "Sign in, then send `Authorization: Bearer TOKEN`.",
    ),
    "FORBIDDEN": (
        "The signed-in person may not do this.",
        "Do not offer it to them.",
    ),
    "DOCUMENT_NOT_TRUSTED": (
        "This server serves published documents only, and this is not one of them.",
        "Publish it; see [limits.md](limits.md).",
    ),
    "DOCUMENT_EXPIRED": (
        "The operation is of an earlier release of the client, which is no longer served.",
        "Update the client. Sent again, it is refused again: nothing happened.",
    ),
    "NOT_FOUND": (
        "Not found, or the viewer may not see it: both are answered alike.",
        "Read the list anew.",
    ),
    "METHOD_NOT_ALLOWED": (
        "This method is not served here, or a mutation was sent by GET.",
        "The `Allow` header says which methods are.",
    ),
    "NOT_ACCEPTABLE": (
        "The client accepts none of the media types served.",
        "See [http.md](http.md).",
    ),
    "CONFLICT": (
        "The row has changed since it was read, or the change contradicts others: nothing was "
        "written.",
        "Read it anew, then decide.",
    ),
    "PAYLOAD_TOO_LARGE": (
        "The request body is over the limit.",
        "Send less at once.",
    ),
    "UNSUPPORTED_MEDIA_TYPE": (
        "The body is not JSON in UTF-8, or it is compressed.",
        "Send `Content-Type: application/json`.",
    ),
    "IDEMPOTENCY_KEY_REUSED": (
        "The idempotency key was used for another request before.",
        "Take a new key for a new request.",
    ),
    "QUOTA_EXCEEDED": (
        "There are as many rows, files or bytes as one person, organisation or goal may have: "
        "`limit` says of what, `allowed` how many, `used` how many there are; `retryAfter`, where "
        "waiting helps, after how many seconds.",
        "Do what the message says. See [limits.md](limits.md).",
    ),
    "RESPONSE_TOO_LARGE": (
        "The response is larger than allowed: `value` bytes, `allowed` are. A mutation has "
        "happened all the same.",
        "Ask for smaller pages, or send `Accept-Encoding: gzip`.",
    ),
    "RATE_LIMITED": (
        "The person has asked for a lot in a short time.",
        "Wait for the seconds of the `Retry-After` header.",
    ),
    "INTERNAL": (
        "Something went wrong on our side.",
        "Report the `errorId` of the extensions.",
    ),
    "UNAVAILABLE": (
        "The database cannot be reached just now.",
        "Try again, waiting longer each time.",
    ),
    "AMBIGUOUS_COMMIT": (
        "The connection broke while a change was being committed: it may or may not have happened.",
        "Read, and see whether it did.",
    ),
    "DEADLINE_EXCEEDED": (
        "The request could not be finished in the time it had: nothing was written.",
        "Try again; ask for less at once.",
    ),
}
"""Code -> what happened, and what the client should do."""


def render_errors_page() -> str:
    """The text of `docs/errors.md`.

    Raises:
        KeyError: `ADVICE` lacks a code.
    """
    codes = sorted(
        {(each.status, each.code) for each in find_errors() if each.safe or each is PoutamaError}
    )
    rows = [
        f"| `{code}` | {status} | {ADVICE[code][0]} | {ADVICE[code][1]} |\n"
        for status, code in codes
    ]
    return OPENING + "".join(rows) + CLOSING


def find_errors(root: type[PoutamaError] = PoutamaError) -> Iterator[type[PoutamaError]]:
    """Every class of `poutama.errors`, the root first."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from find_errors(child)
