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
_HEADER = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.IGNORECASE)
_HEADERS = ("authorization", "content-type", "idempotency-key")
# Browsers ask again after two hours at the latest.
_MAX_AGE = (b"access-control-max-age", b"7200")
_EXPOSED = (b"access-control-expose-headers", b"ratelimit, ratelimit-policy, retry-after")


class Origins:
    """The origins whose pages may use the API; none unless the settings name some."""

    def __init__(self, allowed: str, headers: str = "") -> None:
        """Read the settings `allowed_origins` and `allowed_headers`, both separated by commas.

        Raises:
            ConfigurationError: one is not an origin as browsers send it, or not the name of a
                header; neither is `*`.
        """
        self._allowed = frozenset(_split(allowed))
        for origin in sorted(self._allowed):
            if not _ORIGIN.fullmatch(origin):
                raise ConfigurationError(
                    "POUTAMA_ALLOWED_ORIGINS: expected origins such as https://learn.example,"
                    f" in lower case and without a path, got {origin}"
                )

        for header in _split(headers):
            if not _HEADER.fullmatch(header):
                raise ConfigurationError(
                    "POUTAMA_ALLOWED_HEADERS: expected names of headers such as traceparent,"
                    f" got {header}"
                )
        names = dict.fromkeys((*_HEADERS, *(each.lower() for each in _split(headers))))
        self._preflight = (
            (b"access-control-allow-headers", ", ".join(names).encode()),
            _MAX_AGE,
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
        return (*shared, *methods, *self._preflight)

    def share_refusal(self, origin: str | None, headers: HeaderPairs) -> HeaderPairs:
        """The same for a request whose head could not be read to its end.

        Where its origin is not in what was read, any page may read the answer: which page asked is
        not known, a refusal of this kind has nothing of a person, and no credentials come with it.
        """
        if origin is None:
            return (*_vary(headers), (b"access-control-allow-origin", b"*"))
        return self.share("POST", origin, headers)


def _split(setting: str) -> list[str]:
    return [each.strip() for each in setting.split(",") if each.strip()]


def _vary(headers: HeaderPairs) -> HeaderPairs:
    if not any(name == b"vary" for name, _ in headers):
        return (*headers, (b"vary", b"origin"))
    return tuple(
        (name, value + b", origin" if name == b"vary" else value) for name, value in headers
    )
