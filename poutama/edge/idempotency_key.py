"""The `Idempotency-Key` header, as draft-ietf-httpapi-idempotency-key-header describes it."""

from __future__ import annotations

from poutama.errors import BadRequestError
from poutama.unicode_data import is_printable

LONGEST_KEY = 255


def parse_idempotency_key(header: str | None) -> str | None:
    """Read the key: 1 to 255 printable ASCII characters, with or without the draft's quotes.

    Raises:
        BadRequestError: it is none; the key itself is not repeated.
    """
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and is_printable(key)):
        raise BadRequestError(
            f"Idempotency-Key: expected 1 to {LONGEST_KEY} printable ASCII characters."
        )
    return key
