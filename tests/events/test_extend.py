"""A feature of another package, as docs/extend.md installs it: in a checkout of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from poutama.db.revisions import CORE, CORE_HISTORY, find_head
from poutama.packaging.installer import find_uv
from tests.e2e.up_process import UpProcess, ask, environment, up
from tests.events.cloud import Cloud, recorded
from tests.events.runtime import FunctionError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "suggestions"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HANG_SECONDS = 300.0
MENTOR, STUDENT = "mentor-01@demo.example", "student-0001@demo.example"

INSTALL = ".venv/bin/uv pip install ../suggestions"
UNINSTALL = ".venv/bin/uv pip uninstall poutama-suggestions"
FEATURES, MIGRATE, SCHEMA = (
    f".venv/bin/poutama {word}" for word in ("features", "migrate", "schema")
)
UP, PACKAGE = "make up", "make package"
RECORDED = "tests/db/test_mutation_roles.py tests/db/test_payloads.py -k uggest"
TEST = f'make test ARGS="{RECORDED}"'

BUILD = """
import sys
from pathlib import Path
from poutama.packaging.function_package import build_package
from poutama.packaging.contents import JOBS
build_package(JOBS, sys.argv[1], sys.argv[2], Path("dist"))
"""
ME = "{ me { id } }"
SUGGEST = """
mutation ($student: UUID!, $title: String!) {
  suggestGoal(input: {studentId: $student, goalType: SPORTS, title: $title, reason: "Try it"}) {
    suggestion { id state version createdAt expiresAt }
  }
}
"""
ACCEPT = """
mutation ($id: UUID!) {
  acceptSuggestion(input: {suggestionId: $id}) {
    suggestion { state version } goal { id title information }
  }
}
"""
DECLINE = """
mutation ($id: UUID!) {
  declineSuggestion(input: {suggestionId: $id}) { suggestion { state } }
}
"""
GROUPS = "{ groups { id name } }"
SUGGEST_TO_GROUP = """
mutation ($group: UUID!) {
  suggestToGroup(input: {groupId: $group, goalType: CAREER, title: "Kōrero", reason: ""}) {
    job { id }
  }
}
"""
JOB = "query ($id: UUID!) { job(jobId: $id) { state done failure } }"
MINE = "{ me { suggestions { title state goal { title } mentor { name } } } }"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout with an environment of its own, and the example's folder beside it."""

    folder: Path

    @property
    def program(self) -> Path:
        return self.folder / ".venv" / "bin" / "poutama"

    def try_to_run(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.split(),
            cwd=self.folder,
            env=environment(self.folder / "home", **more),
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )

    def run(self, command: str, **more: str) -> str:
        done = self.try_to_run(command, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """With the feature installed; where servers may run, as `data_folder` is."""
    work = Path(tempfile.mkdtemp(prefix="poutama-"))
    try:
        yield check_out(work / "poutama")
    finally:
        shutil.rmtree(work)


def check_out(folder: Path) -> Checkout:
    skip = shutil.ignore_patterns("__pycache__", "node_modules", ".*_cache")
    shutil.copytree(ROOT / "poutama", folder / "poutama", ignore=skip)
    shutil.copytree(EXAMPLE, folder.parent / "suggestions", ignore=skip)
    for file in ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / file, folder)
    made = Checkout(folder)
    # What `make up` does first, without pip's download of uv.
    uv = str(find_uv())
    made.run(f"{uv} venv --quiet --python {sys.executable} .venv")
    shutil.copy(uv, folder / ".venv" / "bin" / "uv")
    made.run(f"{uv} sync --quiet --frozen --all-extras --no-default-groups --inexact")
    (folder / ".venv" / ".ready").touch()
    made.run(INSTALL)
    return made


@pytest.fixture(scope="module")
def tasks(checkout: Checkout, architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A functions' package of that checkout, unpacked."""
    # The package of jobs has all that the other has.
    (checkout.folder / "build.py").write_text(BUILD, encoding="utf-8")
    checkout.run(f".venv/bin/python build.py {architecture} {PYTHON}")
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(checkout.folder / "dist" / f"jobs-{architecture}.zip") as content:
        content.extractall(folder)
    return {"api": folder, "jobs": folder}


@pytest.fixture(scope="module")
def address(checkout: Checkout) -> Iterator[str]:
    """Of `make up` in that checkout."""
    running: UpProcess
    with up(checkout.folder / "home", program=checkout.program) as running:
        yield running.wait_until_ready()


def wait_for_job(address: str, token: str, job: str) -> Any:
    until = time.monotonic() + HANG_SECONDS
    while (found := ask(address, token, JOB, id=job)["job"])["state"] in ("QUEUED", "RUNNING"):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def test_a_mentor_suggests_and_the_student_answers(checkout: Checkout, address: str) -> None:
    mentor, student = (
        checkout.run(f".venv/bin/poutama token {email}").strip() for email in (MENTOR, STUDENT)
    )
    me = ask(address, student, ME)["me"]["id"]
    # WHEN the mentor suggests three goals, one to the whole class
    ids = []
    for title in ("Waka ama", "Haka"):
        made = ask(address, mentor, SUGGEST, student=me, title=title)["suggestGoal"]["suggestion"]
        assert (made["state"], made["version"]) == ("OPEN", 1)
        assert made["expiresAt"][:10] > made["createdAt"][:10]
        ids.append(made["id"])
    groups = {each["name"]: each["id"] for each in ask(address, mentor, GROUPS)["groups"]}
    begun = ask(address, mentor, SUGGEST_TO_GROUP, group=groups["Class 01"])["suggestToGroup"]
    job = begun["job"]["id"]
    done = wait_for_job(address, mentor, job)
    # THEN the student accepts one and declines another
    accepted = ask(address, student, ACCEPT, id=ids[0])["acceptSuggestion"]
    ask(address, student, DECLINE, id=ids[1])
    assert accepted["suggestion"] == {"state": "ACCEPTED", "version": 2}
    assert (accepted["goal"]["title"], accepted["goal"]["information"]) == ("Waka ama", "Try it")
    assert done["state"] == "SUCCEEDED"
    # Of 25: 10 and 20 are elsewhere, 8 has not accepted, 17 has left.
    assert done["done"] == 21
    found = ask(address, student, MINE)["me"]["suggestions"]
    assert {each["title"]: each["state"] for each in found} == {
        "Kōrero": "OPEN",
        "Haka": "DECLINED",
        "Waka ama": "ACCEPTED",
    }
    goals = ask(address, student, "{ goals { title } }")["goals"]
    assert "Waka ama" in {goal["title"] for goal in goals}


def test_the_mentor_alone_suggests_and_the_student_alone_answers(
    checkout: Checkout, address: str
) -> None:
    mentor, student, other = (
        checkout.run(f".venv/bin/poutama token {email}").strip()
        for email in (MENTOR, STUDENT, "student-0002@demo.example")
    )
    me = ask(address, student, ME)["me"]["id"]
    made = ask(address, mentor, SUGGEST, student=me, title="x")["suggestGoal"]["suggestion"]["id"]

    assert refused(address, other, SUGGEST, student=me, title="y") == "NOT_FOUND"
    assert refused(address, mentor, ACCEPT, id=made) == "NOT_FOUND"
    assert refused(address, other, DECLINE, id=made) == "NOT_FOUND"
    assert refused(address, mentor, SUGGEST, student=me, title="x" * 201) == "BAD_USER_INPUT"
    ask(address, student, ACCEPT, id=made)
    assert refused(address, student, ACCEPT, id=made) == "NOT_FOUND"


def refused(address: str, token: str, query: str, **variables: object) -> str:
    """The code of the one error."""
    answer = httpx.post(
        f"{address}/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": f"Bearer {token}"},
    ).json()
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


def test_the_commands_show_it(checkout: Checkout, fresh_database_url: str) -> None:
    database = {"POUTAMA_DATABASE_URL": fresh_database_url}
    row = r"suggestions +poutama-suggestions 0\.1\.0 +1 +0001_suggestions"

    before = checkout.run(FEATURES, **database)
    assert re.search(row + r" is missing: run `poutama migrate`", before)
    assert re.search(r"goals +poutama *\n", before)
    # WHEN the database is migrated
    assert "suggestions/0001_suggestions\n1 applied\n" in checkout.run(MIGRATE, **database)
    # THEN it is up to date, and the schema has the feature's fields beside the others
    assert re.search(row + r" *\n", checkout.run(FEATURES, **database))
    assert checkout.run(MIGRATE, **database) == "up to date\n"
    schema = checkout.run(SCHEMA)
    assert "suggestGoal(input: SuggestGoalInput!): SuggestGoalPayload!" in schema
    assert "createGoal(input: CreateGoalInput!): CreateGoalPayload!" in schema
    assert "@permit" not in schema


def test_functions_name_the_migration_that_is_missing_and_work_with_it(
    checkout: Checkout, cloud: Cloud, school_url: str
) -> None:
    api, jobs, schedule = cloud.open("api"), cloud.open("jobs"), cloud.open("schedule")
    health = {**recorded("http_api_get"), "rawPath": "/healthz"}
    missing = "lacks the migration 0001_suggestions of the feature 'suggestions'"
    # GIVEN a database without the feature's tables
    assert api.invoke(health)["statusCode"] == 503
    assert cloud.ask(api, MINE)["statusCode"] == 500
    assert api.logged().count(missing) == 2
    with pytest.raises(FunctionError, match=missing):
        schedule.invoke({"tasks": ["expire_suggestions"]})
    # WHEN it is migrated
    checkout.run(MIGRATE, POUTAMA_DATABASE_URL=school_url)
    # THEN the same environments answer
    assert api.invoke(health)["statusCode"] == 200
    me = cloud.ask(api, ME)["body"]["data"]["me"]["id"]
    made = cloud.ask(api, SUGGEST, email=MENTOR, student=me, title="Haka")["body"]["data"]
    id_ = made["suggestGoal"]["suggestion"]["id"]
    accepted = cloud.ask(api, ACCEPT, id=id_)["body"]["data"]["acceptSuggestion"]
    assert accepted["goal"]["title"] == "Haka"
    # AND the job and the task of the feature run
    [group] = cloud.ask(api, GROUPS, email=MENTOR)["body"]["data"]["groups"]
    cloud.ask(api, SUGGEST_TO_GROUP, email=MENTOR, group=group["id"])
    assert cloud.deliver(jobs, cloud.receive()) == []

    def mine() -> list[Any]:
        found: list[Any] = cloud.ask(api, MINE)["body"]["data"]["me"]["suggestions"]
        return found

    assert [each["title"] for each in mine()] == ["Kōrero", "Haka"]
    assert schedule.invoke({"tasks": ["expire_suggestions"]}) == {"expire_suggestions": 0}
    execute(school_url, "update suggestion set created_at = created_at - interval '31 days'")
    # The three that are open; the accepted one stays.
    assert schedule.invoke({"tasks": ["expire_suggestions"]}) == {"expire_suggestions": 3}
    assert [each["title"] for each in mine()] == ["Haka"]


def execute(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


def test_a_package_has_the_feature_and_neither_its_migrations_nor_metadata_to_look_through(
    tasks: dict[str, Path],
) -> None:
    folder = tasks["jobs"]
    names = {path.name for path in (folder / "poutama_suggestions").iterdir()}
    assert {"feature.py", "suggestions.graphql", "__pycache__"} <= names
    assert not names & {"migrations", "tests"}
    assert not list(folder.glob("*.dist-info/entry_points.txt"))
    entry = {
        "value": "poutama_suggestions.feature:FEATURE",
        "distribution": "poutama-suggestions",
        "version": "0.1.0",
    }
    assert json.loads((folder / "poutama" / "installed.json").read_bytes()) == {
        "entries": [entry],
        "revisions": {CORE: find_head(CORE_HISTORY), "suggestions": "0001_suggestions"},
    }


def test_an_editable_installation_is_not_packaged(
    checkout: Checkout, architecture: str, tasks: dict[str, Path]
) -> None:
    checkout.run(".venv/bin/uv pip install --quiet --editable ../suggestions")
    try:
        done = checkout.try_to_run(
            f".venv/bin/poutama package --output none --architecture {architecture}",
            POUTAMA_FUNCTION_PYTHON=PYTHON,
        )
    finally:
        checkout.run(INSTALL)
    assert done.returncode == 1
    assert done.stderr.startswith("poutama: poutama-suggestions is installed as an editable folder")


def test_its_record_is_tested_like_those_that_ship(checkout: Checkout, tmp_path: Path) -> None:
    # The tests' own environment, with the feature beside it.
    checkout.run(f".venv/bin/uv pip install --quiet --no-deps --target {tmp_path} ../suggestions")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *RECORDED.split()],
        cwd=ROOT,
        env={**own, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # Six cases of who may, and four payloads, in two renderings.
    assert re.search(r"^20 passed", done.stdout, re.MULTILINE), done.stdout


def test_once_it_is_uninstalled_the_rest_goes_on(
    checkout: Checkout, fresh_database_url: str
) -> None:
    database = {"POUTAMA_DATABASE_URL": fresh_database_url}
    checkout.run(MIGRATE, **database)
    checkout.run(UNINSTALL)
    try:
        migrated = checkout.run(MIGRATE, **database)
        shown = checkout.run(FEATURES, **database)
        schema = checkout.run(SCHEMA)
    finally:
        checkout.run(INSTALL)

    assert migrated.startswith("the database has the tables of the feature 'suggestions', which")
    assert migrated.endswith("up to date\n")
    assert "suggestions: not installed; the database keeps its tables" in shown
    assert "suggestGoal" not in schema
    assert checkout.run(MIGRATE, **database) == "up to date\n"
