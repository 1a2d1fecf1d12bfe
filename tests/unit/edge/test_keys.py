"""The Idempotency-Key header."""

from __future__ import annotations

import pytest

from poutama.edge.idempotency_key import parse_idempotency_key
from poutama.errors import BadRequestError


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("8e03978e", "8e03978e"),
        ('"8e03978e"', "8e03978e"),
        ("  two words ", "two words"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_read_with_or_without_quotes(header: str | None, key: str | None) -> None:
    assert parse_idempotency_key(header) == key


@pytest.mark.parametrize("header", ["", "   ", '""', "x" * 256, "x" * 10_000, "māori", "a\x00b"])
def test_what_is_no_key_is_refused_and_not_repeated(header: str) -> None:
    with pytest.raises(BadRequestError, match="expected 1 to 255 printable ASCII") as caught:
        parse_idempotency_key(header)
    assert len(caught.value.message) < 100
