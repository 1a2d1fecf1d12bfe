"""The JavaScript of docs/evidence.md in a real Chromium, in a page of another origin."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import FRONT_END
from tests.e2e.local_server import LocalServer


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="skipped: the packaged Chromium is for Linux on x86-64 only",
)
def test_a_student_uploads_a_picture_and_a_film_and_sees_them(
    local_server: LocalServer, node: Callable[..., Any], tmp_path: Path
) -> None:
    token = local_server.token("student-0004@demo.example")
    seen = node("evidence.mjs", local_server.address, FRONT_END, token, str(tmp_path))

    assert seen["state"] == "READY"
    assert seen["sizes"] == [[400, 300], [800, 600]]
    assert seen["name"].endswith("filename*=UTF-8''t%C4%81ku%20mahi.jpg")
    # What it records is played from where it is served.
    seconds = seen["recording"].pop("seconds")
    assert 1 <= seconds <= 5
    assert seen["recording"] == {
        "state": "READY", "rejection": None, "mediaType": "video/webm", "fileName": "waiata.webm",
        "ended": True, "size": [160, 120],
    }  # fmt: skip
    # A page can read why not; that is all that the browser complains about.
    assert seen["refused"] == [400, "EntityTooLarge"]
    (complaint,) = seen["complaints"]
    assert "400 (Bad Request)" in complaint
