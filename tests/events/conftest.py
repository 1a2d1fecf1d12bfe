"""Packages as they are deployed, and a cloud to run them in.

| fixture | scope | gives |
|---|---|---|
| `architecture` | session | this machine's, as AWS calls it |
| `packages` | session | a folder with `api-*.zip` and `jobs-*.zip`, for this Python |
| `tasks` | session | the two of them unpacked: name -> folder |
| `cloud` | function | a demo school, queues and a bucket of its own, and functions |
"""

from __future__ import annotations

import asyncio
import platform
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from poutama.demo.loader import make_demo
from poutama.packaging.contents import PACKAGES
from poutama.packaging.function_package import build_package
from tests.contract.conftest import aws_endpoint
from tests.events.cloud import Cloud, SignIns, open_sign_ins
from tests.events.runtime import Function, collect_client

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STUDENTS = 3

__all__ = ["aws_endpoint"]


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


@pytest.fixture(scope="session")
def tasks(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for package in PACKAGES:
        [path] = packages.glob(f"{package.name}-*.zip")
        folders[package.name] = tmp_path_factory.mktemp(package.name)
        with zipfile.ZipFile(path) as content:
            content.extractall(folders[package.name])
    return folders


@pytest.fixture(scope="session")
def runtime_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect_client(tmp_path_factory.mktemp("var") / "runtime")


@pytest.fixture(scope="session")
def sign_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignIns]:
    with open_sign_ins(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


@pytest.fixture
def school_url(fresh_database_url: str) -> str:
    """A database with a small demo school."""
    fill(fresh_database_url)
    return fresh_database_url


def fill(url: str) -> None:
    """Make the demo school, on a loop of its own: the caller may be on one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(make_demo(url, students=STUDENTS))).result()


@pytest.fixture
def open_cloud(
    aws_endpoint: str,
    sign_ins: SignIns,
    tasks: dict[str, Path],
    runtime_client: Path,
    tmp_path: Path,
) -> Iterator[Callable[[str], Cloud]]:
    """Makes a cloud over a database."""
    with ExitStack() as stack:

        def make(url: str) -> Cloud:
            cloud = Cloud(url, aws_endpoint, sign_ins, open_function)
            cloud.prepare()
            stack.callback(cloud.close)
            clouds.append(cloud)
            return cloud

        def open_function(name: str, *, seconds: float = 30.0, **changes: str) -> Function:
            settings = {**clouds[-1].settings, **changes}
            function = Function(
                f"poutama.edge.lambda_{name}.handler",
                task=tasks["jobs" if name == "jobs" else "api"],
                client=runtime_client,
                settings={key: value for key, value in settings.items() if value},
                log=tmp_path / f"{name}.log",
                seconds=seconds,
            )
            return stack.enter_context(function)

        clouds: list[Cloud] = []
        yield make


@pytest.fixture
def cloud(open_cloud: Callable[[str], Cloud], school_url: str) -> Cloud:
    return open_cloud(school_url)
