"""The answer to what is not a request yet: one that no part of the API sees.

Called by `server.protocol` where a head is malformed or too large. Written as bytes, because there
is nothing to hand to the application; it has the body, the security headers and the leave for
pages of other origins that every other refusal has. Decides nothing about connections.
"""

from __future__ import annotations

from collections.abc import Sequence

from poutama.edge.content_negotiation import JSON
from poutama.edge.origins import Origins
from poutama.edge.security_headers import SecurityHeaders
from poutama.engine.response import describe_error, encode_errors
from poutama.errors import BadRequestError
from poutama.settings import Settings


class Refusals:
    """Writes refusals, by the settings of one server."""

    def __init__(self, settings: Settings) -> None:
        """Read the settings.

        Raises:
            ConfigurationError: as `Origins` and `SecurityHeaders`.
        """
        self._origins = Origins(settings.allowed_origins, settings.allowed_headers)
        self._security = SecurityHeaders(settings)

    def write(
        self,
        status_line: bytes,
        error: BadRequestError,
        headers: Sequence[tuple[bytes, bytes]],
        *,
        secure: bool,
    ) -> bytes:
        """Return a whole response, after which the connection ends.

        Args:
            status_line: of the error's status, its line end included.
            error: what is wrong.
            headers: of the request, as far as they could be read; names in lower case.
            secure: whether the client came by HTTPS.
        """
        body = encode_errors([describe_error(error.message, error.code, {})])
        answered = (
            *JSON.headers,
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        )
        if self._origins.any:
            origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
            origin = origins[0] if len(origins) == 1 else None
            answered = self._origins.share_refusal(origin, answered)
        answered = self._security.complete(answered, secure=secure)
        lines = b"".join(b"%s: %s\r\n" % pair for pair in answered)
        return b"%s%s\r\n%s" % (status_line, lines, body)
