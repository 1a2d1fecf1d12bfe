"""Packages as they are deployed, made once a session for the Python that runs the tests.

| fixture | scope | gives |
|---|---|---|
| `architecture` | session | this machine's, as AWS calls it |
| `packages` | session | the folder with `api-*.zip` and `jobs-*.zip` |
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from poutama.local.packaging.build import build_package
from poutama.local.packaging.contents import PACKAGES

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def architecture() -> str:
    if sys.platform != "linux":
        pytest.skip("skipped: functions run on Linux")
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


@pytest.fixture(scope="session")
def packages(architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        build_package(package, architecture, PYTHON, folder)
    return folder
