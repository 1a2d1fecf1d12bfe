"""GraphQL over HTTP as others check it: all server audits of npm's `graphql-http`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.local_server import LocalServer

# How many version 1.23.1 has: fewer would mean that some did not run.
AUDITS = 61


def test_every_audit_is_ok(local_server: LocalServer, node: Callable[..., Any]) -> None:
    results = node("audits.mjs", local_server.graphql, local_server.token())

    assert [one for one in results if one["status"] != "ok"] == []
    assert len({one["id"] for one in results}) == AUDITS
