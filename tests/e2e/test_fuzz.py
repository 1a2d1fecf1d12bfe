"""A few hundred operations of `tests.e2e.fuzz`, the same each time; `make fuzz` sends others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.fuzz import CODES, ROLES, SETTINGS, TELLTALE, Fuzzer, tame
from tests.e2e.local_server import run_server

OPERATIONS = 300


def test_whatever_is_asked_is_answered_properly(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    environment = {**os.environ, **SETTINGS, "POUTAMA_DATABASE_URL": make_database()}
    with run_server(tmp_path, environment) as local_server:
        fuzzer = Fuzzer(local_server)
        fuzzer.run(1, operations=OPERATIONS)
        assert fuzzer.failures == []
        assert fuzzer.tally["answered"] > OPERATIONS / 20
        assert httpx.get(f"{local_server.address}/healthz").status_code == 200


def test_what_is_looked_for_would_be_found() -> None:
    assert {"NOT_FOUND", "BAD_USER_INPUT", "LIMIT_EXCEEDED"} <= CODES
    assert not CODES & {"INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "DATABASE"}
    for text in (
        '  File "x.py", line 1',
        "Traceback (most",
        "(SQLSTATE 23505)",
        "at 0x7f0011223344",
    ):
        assert TELLTALE.search(text)
    assert len(ROLES) == len(set(ROLES))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ('{ goals(after: "x", first: 1000) { id } }', "{ goals(first: 0) { id } }"),
        (
            "{ goals(filter: {id: null, title: {eq: null}}) { id } }",
            "{ goals(filter: { title: { } })",
        ),
    ],
)
def test_most_is_tamed(asked: str, sent: str) -> None:
    assert " ".join(tame(asked).split()).startswith(sent)
