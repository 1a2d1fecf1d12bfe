"""Long work under `make up`: asked for by a mutation, done by the worker, fetched by an address."""

from __future__ import annotations

import io
import time
import zipfile
from typing import Any

import httpx

from tests.e2e.local_server import LocalServer

HANG_SECONDS = 120.0
EXPORT = "mutation { exportJourney(input: {}) { job { id } } }"
JOB = "query ($id: UUID!) { job(jobId: $id) { state failure resultUrl } }"


def ask(local_server: LocalServer, document: str, **variables: object) -> Any:
    answer = httpx.post(
        local_server.graphql,
        json={"query": document, "variables": variables},
        headers={"Authorization": f"Bearer {local_server.token()}"},
        timeout=HANG_SECONDS,
    ).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_a_student_exports_their_journey_and_saves_it(local_server: LocalServer) -> None:
    job = ask(local_server, EXPORT)["exportJourney"]["job"]["id"]
    until = time.monotonic() + HANG_SECONDS
    while (found := ask(local_server, JOB, id=job)["job"])["state"] in ("QUEUED", "RUNNING"):
        assert time.monotonic() < until, local_server.logged()
        time.sleep(0.1)

    assert found["state"] == "SUCCEEDED", found
    saved = httpx.get(found["resultUrl"])
    assert saved.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(saved.content)) as archive:
        assert archive.testzip() is None
        assert [name for name in archive.namelist() if name.endswith(".pdf")]
    assert httpx.get(found["resultUrl"] + "0").status_code == 403
