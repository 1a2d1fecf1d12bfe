"""Media types: what a request may be written in, and what its answer is written in.

Called by `edge.http` for every GraphQL request, so both functions remember the headers that they
have seen: the same client sends the same ones again. Never reads a body.
Source: https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types and RFC 9110, 12.5.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from poutama.errors import NotAcceptableError, UnsupportedMediaTypeError
from poutama.plan.operation import NO_SUBSCRIPTIONS

HeaderPairs = tuple[tuple[bytes, bytes], ...]

_CHARSETS = ("utf-8", "utf8")
_STREAMS = ("text/event-stream", "multipart/mixed")
"""What clients ask for who subscribe by HTTP."""
_HEADERS_REMEMBERED = 128


@dataclass(frozen=True, slots=True)
class MediaType:
    """One way to write a GraphQL response, with the headers that go with it.

    Attributes:
        name: type and subtype.
        masks_request_errors: whether a request that could not be executed is still answered with
            200, as `application/json` has it for clients that never look into other answers.
        headers: what every response of this type carries.
    """

    name: str
    masks_request_errors: bool
    headers: HeaderPairs


def _media_type(name: str, *, masks_request_errors: bool) -> MediaType:
    headers = (
        (b"content-type", f"{name}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
    )
    return MediaType(name, masks_request_errors, headers)


JSON = _media_type("application/json", masks_request_errors=True)
GRAPHQL_RESPONSE = _media_type("application/graphql-response+json", masks_request_errors=False)

# Among equals the first wins: a client that only sends */* does not know the other.
_SERVED = (JSON, GRAPHQL_RESPONSE)


@dataclass(frozen=True, slots=True)
class _Range:
    """One entry of an Accept header, its quality in [0, 1] and its place in the header."""

    name: str
    quality: float
    place: int

    def specificity(self, name: str) -> int:
        """2 for the type itself, 1 for its `type/*`, 0 for `*/*`, -1 when it does not match."""
        if self.name == name:
            return 2
        if self.name == name.partition("/")[0] + "/*":
            return 1
        return 0 if self.name == "*/*" else -1


@lru_cache(maxsize=_HEADERS_REMEMBERED)
def negotiate(accept: str | None) -> MediaType:
    """Choose the response's media type; without a header it is `application/json`.

    The highest quality wins, then the more specific range, then the one named first.

    Raises:
        NotAcceptableError: the header names neither type.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = [_parse_range(text, place) for place, text in enumerate(accept.split(","))]
    best: tuple[float, int, int] = (0.0, -1, 0)
    chosen: MediaType | None = None
    for media in _SERVED:
        matching = [one for one in ranges if one is not None and one.specificity(media.name) >= 0]
        if not matching:
            continue
        match = max(matching, key=lambda one: (one.specificity(media.name), -one.place))
        rank = (match.quality, match.specificity(media.name), -match.place)
        if match.quality > 0 and (chosen is None or rank > best):
            best, chosen = rank, media
    if chosen is None:
        names = " or ".join(media.name for media in _SERVED)
        streams = any(name in accept.lower() for name in _STREAMS)
        also = f" {NO_SUBSCRIPTIONS}" if streams else ""
        raise NotAcceptableError(f"Accept: expected {names}.{also}")
    return chosen


def negotiate_refusal(accept: str | None) -> MediaType:
    """Choose how an error is written: like `negotiate`, but there is always an answer."""
    try:
        return negotiate(accept)
    except NotAcceptableError:
        return JSON


@lru_cache(maxsize=_HEADERS_REMEMBERED)
def require_json(content_type: str | None) -> None:
    """Let pass only JSON in UTF-8, which no HTML form can send.

    Raises:
        UnsupportedMediaTypeError: it is anything else, or nothing.
    """
    name, *parameters = (content_type or "").split(";")
    if name.strip().lower() != "application/json":
        got = name.strip()[:50] or "nothing"
        raise UnsupportedMediaTypeError(f"Content-Type: expected application/json, got {got}.")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset" and _unquoted(value) not in _CHARSETS:
            raise UnsupportedMediaTypeError("Content-Type: expected the charset utf-8.")


def _parse_range(text: str, place: int) -> _Range | None:
    name, *parameters = text.split(";")
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        match key.strip().lower():
            case "q":
                quality = _parse_quality(value)
            case "charset" if _unquoted(value) not in _CHARSETS:
                return None
    return _Range(name.strip().lower(), quality, place)


def _parse_quality(text: str) -> float:
    """Read a weight; one that is not a number in [0, 1] counts as 1, as if it were not there."""
    try:
        quality = float(text)
    except ValueError:
        return 1.0
    return quality if 0 <= quality <= 1 else 1.0


def _unquoted(value: str) -> str:
    return value.strip().strip('"').lower()
