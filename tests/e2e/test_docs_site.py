"""`make docs` builds a site without a warning, that loads nothing from another server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from poutama import __version__

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=\"([^\"]+)\"")
FETCHED = re.compile(r"(?:@import|url\()\s*[\"']?(https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the options of the Makefile, elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    [line] = [
        each for each in (ROOT / "Makefile").read_text("utf-8").splitlines() if "sphinx" in each
    ]
    command = line.split("python ", 1)[1].replace("dist/.doctrees", str(folder / "doctrees"))
    done = subprocess.run(
        [sys.executable, *command.replace("dist/docs", str(folder / "html")).split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


def test_every_page_is_on_the_site_and_in_its_navigation(site: Path) -> None:
    entrance = (site / "index.html").read_text("utf-8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    files = [page.with_suffix(".html") for page in pages if page.name != "index.md"]
    assert len(files) > 30
    assert [str(file) for file in files if not (site / file).exists()] == []
    listed = re.findall(
        r'class="toctree-l1"><a class="reference internal" href="([^"]+)"', entrance
    )
    assert sorted(listed) == sorted(map(str, files))
    assert f"Poutama {__version__}" in entrance


def test_the_api_reference_describes_what_packages_use(site: Path) -> None:
    page = (site / "api.html").read_text("utf-8")
    for name in (
        *("feature.Feature", "procedure.ProcedureContext", "changes.Changes", "schedule.Task"),
        *("jobs.job.JobKind", "jobs.table.enqueue", "errors.NotFoundError"),
        "personal_data.PersonalData",
    ):
        assert f'id="poutama.{name}"' in page


def test_nothing_is_loaded_from_another_server(site: Path) -> None:
    loaded = {
        (page.name, address)
        for page in site.rglob("*.html")
        for address in LOADED.findall(page.read_text("utf-8"))
    }
    assert len(loaded) > 100
    assert [each for each in loaded if re.match(r"(https?:)?//", each[1])] == []
    sheets = {sheet.name: sheet.read_text("utf-8") for sheet in site.rglob("*.css")}
    assert sheets
    assert [name for name, text in sheets.items() if FETCHED.search(text)] == []
