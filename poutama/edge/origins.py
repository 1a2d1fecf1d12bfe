"""Pages of other origins: which of them may read what the API answers (CORS).

Called by `edge.http` for each response. People are known by a bearer token, never by a cookie, so
no page can act for a person whose token it does not have; this only decides whose scripts may read
the answer. Never lets a browser send credentials of its own.
Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import re

from poutama.edge.content_negotiation import HeaderPairs
from poutama.errors import ConfigurationError

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_PREFLIGHT = (
    (b"access-control-allow-headers", b"authorization, content-type, idempotency-key"),
    # Browsers ask again after two hours at the latest.
    (b"access-control-max-age", b"7200"),
)
_EXPOSED = (b"access-control-expose-headers", b"ratelimit, ratelimit-policy, retry-after")


class Origins:
    """The origins whose pages may use the API; none unless the settings name some."""

    def __init__(self, allowed: str) -> None:
        """Read the setting `allowed_origins`: origins separated by commas.

        Raises:
            ConfigurationError: one is not an origin as browsers send it; neither is `*`.
        """
        self._allowed = frozenset(filter(None, (each.strip() for each in allowed.split(","))))
        for origin in sorted(self._allowed):
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    "POUTAMA_ALLOWED_ORIGINS: expected origins such as https://learn.example,"
                    f" in lower case and without a path, got {origin}"
                )

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self._allowed)

    def share(self, method: str, origin: str | None, headers: HeaderPairs) -> HeaderPairs:
        """The headers of a response, with leave for a page that asks from an allowed origin."""
        # Caches must not give one origin's answer to another.
        shared = _vary(headers)
        if origin is None or origin not in self._allowed:
            return shared
        shared += ((b"access-control-allow-origin", origin.encode()),)
        if method != "OPTIONS":
            return (*shared, _EXPOSED)
        methods = [(b"access-control-allow-methods", v) for name, v in headers if name == b"allow"]
        return (*shared, *methods, *_PREFLIGHT)


def _vary(headers: HeaderPairs) -> HeaderPairs:
    if not any(name == b"vary" for name, _ in headers):
        return (*headers, (b"vary", b"origin"))
    return tuple(
        (name, value + b", origin" if name == b"vary" else value) for name, value in headers
    )
