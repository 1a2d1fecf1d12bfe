"""How large an answer may be, and how it is made smaller: gzip, for those who accept it.

`edge.http` asks it about every body of some length, on a laptop and in a function alike, so that
what is too large for a function is too large everywhere. Never looks into a body.
Source: RFC 9110, 8.4 and 12.5.3.
"""

from __future__ import annotations

import asyncio
import zlib
from functools import lru_cache

from poutama.edge.content_negotiation import HeaderPairs
from poutama.errors import ResponseTooLargeError

COMPRESSED_FROM = 8_192
"""Bytes from which a body is worth compressing; smaller ones do not even come here."""

_INLINE_BELOW = 262_144
"""Bytes below which compressing takes less than about a millisecond."""
_LEVEL = 1
"""Level 6 would make JSON a fifth smaller, and take three times as long."""
_GZIP = 31
_HEADERS_REMEMBERED = 128

_ENCODED = (b"content-encoding", b"gzip")
_VARIES = (b"vary", b"accept-encoding")


async def fit_body(
    accept_encoding: str | None, headers: HeaderPairs, body: bytes, limit: int
) -> tuple[HeaderPairs, bytes]:
    """Headers and body as they are sent: compressed where the client can read that.

    Only JSON is compressed. That is safe beside secrets, since no other site can make a browser
    send another person's bearer token.

    Raises:
        ResponseTooLargeError: even so it is longer than `limit` bytes.
    """
    if any(name == b"content-type" and b"json" in value for name, value in headers):
        headers = (*headers, _VARIES)
        if accepts_gzip(accept_encoding):
            headers = (*headers, _ENCODED)
            if len(body) < _INLINE_BELOW:
                body = _compress(body)
            else:
                body = await asyncio.to_thread(_compress, body)
    if len(body) > limit:
        raise ResponseTooLargeError(value=len(body), allowed=limit)
    return headers, body


@lru_cache(maxsize=_HEADERS_REMEMBERED)
def accepts_gzip(header: str | None) -> bool:
    """Whether a client that sends this Accept-Encoding reads gzip; without one it may not."""
    qualities: dict[str, float] = {}
    for entry in (header or "").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        qualities[name] = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                qualities[name] = _quality(parameter[2:])
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _compress(body: bytes) -> bytes:
    return zlib.compress(body, _LEVEL, wbits=_GZIP)
