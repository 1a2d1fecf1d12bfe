"""Long work under `make up`: an export, from its mutation to its file, and a roster.

The roster is imported as docs/import-a-roster.md does it, followed literally.
"""

from __future__ import annotations

import io
import re
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.local_server import POUTAMA, LocalServer

HANG_SECONDS = 120.0
PAGE = Path(__file__).parents[2].joinpath("docs", "import-a-roster.md").read_text("utf-8")
FILE = re.compile(r"^`([\w.]+)`:\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"import ([0-9a-f-]{36}), version (\d+)")
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


def test_the_page_imports_a_roster(local_server: LocalServer, tmp_path: Path) -> None:
    folder, files = tmp_path / "poutama", tmp_path / "roster"
    for each in (folder, files):
        each.mkdir()
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(POUTAMA.parent)
    for name, text in FILE.findall(PAGE):
        (files / name).write_text(text, "utf-8")
    exports, shown_import, real_import = "", IMPORT.findall(PAGE)[0], None
    for block in CONSOLE.findall(PAGE):
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            typed = command.replace("http://127.0.0.1:8000", local_server.address)
            if real_import is not None:
                typed = typed.replace(" ".join(shown_import), " ".join(real_import))
            if typed.startswith("export "):
                exports = f"{typed}\n"
                continue
            done = subprocess.run(
                ["bash", "-c", exports + typed],
                cwd=folder,
                env=local_server.environment,
                capture_output=True,
                text=True,
                timeout=HANG_SECONDS,
                check=False,
            )
            printed = done.stdout if done.stdout.endswith("\n") or not shown else f"{done.stdout}\n"
            assert IMPORT.sub("import", printed) == IMPORT.sub("import", shown), done.stderr
            real_import = next(iter(IMPORT.findall(printed)), real_import)
    assert real_import is not None
