"""GraphiQL in a real Chromium, which comes from a package and needs nothing of the machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.local_server import LocalServer

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="skipped: the packaged Chromium is for Linux on x86-64 only",
)
def test_a_person_runs_queries_in_a_browser(
    local_server: LocalServer, node: Callable[..., Any], tmp_path: Path
) -> None:
    seen = node(
        "graphiql.mjs", f"{local_server.address}/graphiql", local_server.token(), str(tmp_path)
    )

    assert seen["goals"] == 12
    assert seen["refused"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    # Nothing was blocked by the page's policy, nothing failed, and no other host was asked.
    assert seen["complaints"] == []
    assert seen["hosts"] == [urlsplit(local_server.address).netloc]
    assert (tmp_path / "graphiql.png").read_bytes().startswith(PNG)
