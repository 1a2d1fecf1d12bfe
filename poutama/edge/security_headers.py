"""What every answer makes browsers do: run nothing of it, frame it nowhere, send no referrer.

The server and the function pass each response through it as it leaves, whichever part made it: the
API, a refusal, a file. A response that has a rule of its own, such as the policy of the GraphiQL
page, keeps it. Decides nothing about who may read an answer; that is `origins`.
Source: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
"""

from __future__ import annotations

from poutama.edge.content_negotiation import HeaderPairs
from poutama.errors import ConfigurationError
from poutama.settings import Settings

_STRICT_TRANSPORT = b"strict-transport-security"
_ALWAYS: HeaderPairs = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class SecurityHeaders:
    """The headers that every response has."""

    def __init__(self, settings: Settings) -> None:
        """Read the setting `hsts_seconds`.

        Raises:
            ConfigurationError: it is negative.
        """
        if settings.hsts_seconds < 0:
            raise ConfigurationError("POUTAMA_HSTS_SECONDS: expected 0 or more")
        strict = ((_STRICT_TRANSPORT, b"max-age=%d" % settings.hsts_seconds),)
        self._secure = _ALWAYS + strict if settings.hsts_seconds else _ALWAYS

    def complete(self, headers: HeaderPairs, *, secure: bool) -> HeaderPairs:
        """The headers of a response with those that it lacks.

        Args:
            headers: names in lower case.
            secure: whether the client came by HTTPS. Browsers heed `Strict-Transport-Security` in
                no other answer (RFC 6797, 8.1).
        """
        present = {name for name, _ in headers}
        wanted = self._secure if secure else _ALWAYS
        return (*headers, *(pair for pair in wanted if pair[0] not in present))
