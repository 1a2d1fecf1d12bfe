"""Errors: every code that a client can meet is documented, with its status, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import poutama.errors
from poutama.errors import PoutamaError, UnavailableError

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\d{3}) \|", re.MULTILINE)


def every_error(root: type[PoutamaError] = PoutamaError) -> Iterator[type[PoutamaError]]:
    yield root
    for child in root.__subclasses__():
        # Tests may make classes of their own.
        if child.__module__ == poutama.errors.__name__:
            yield from every_error(child)


def codes_clients_meet() -> dict[str, int]:
    """What is not safe is masked by the root's code."""
    safe_codes = {kind.code: kind.status for kind in every_error() if kind.safe}
    return safe_codes | {PoutamaError.code: PoutamaError.status}


def test_the_page_lists_every_code_a_client_can_meet() -> None:
    listed = {code: int(status) for code, status in ROW.findall(PAGE.read_text(encoding="utf-8"))}

    assert listed == codes_clients_meet()


def test_every_code_has_one_status() -> None:
    pairs = {(kind.code, kind.status) for kind in every_error() if kind.safe}

    assert len(pairs) == len({code for code, _ in pairs})


def test_every_error_has_a_message_of_its_own() -> None:
    messages = [kind().message for kind in every_error()]

    assert all(messages)
    assert len(set(messages)) == len(messages)


def test_a_message_and_extensions_can_be_given() -> None:
    error = UnavailableError("The database is away.", retryAfter=3)

    assert (error.message, error.extensions) == ("The database is away.", {"retryAfter": 3})
    assert str(error) == "The database is away."
