"""The functions' zip files: what is in them, what is not, and that they are always the same."""

from __future__ import annotations

import ast
import hashlib
import marshal
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from poutama.errors import ConfigurationError
from poutama.packaging import function_package
from poutama.packaging.bytecode import compile_sources
from poutama.packaging.contents import API, PACKAGES, is_needed
from poutama.packaging.function_package import build_package
from poutama.packaging.installer import PackageError

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BUILD = """
import sys
from pathlib import Path
from poutama.packaging.function_package import build_package
from poutama.packaging.contents import API
print(build_package(API, sys.argv[1], sys.argv[2], Path(sys.argv[3])).path)
"""
AARCH64 = 183
HANG_SECONDS = 300


def open_package(packages: Path, name: str) -> zipfile.ZipFile:
    [path] = packages.glob(f"{name}-*.zip")
    return zipfile.ZipFile(path)


@pytest.fixture(params=[package.name for package in PACKAGES])
def package(request: pytest.FixtureRequest, packages: Path) -> zipfile.ZipFile:
    return open_package(packages, request.param)


def test_a_package_has_no_tests_no_room_of_a_laptop_and_no_sources_of_compiled_code(
    package: zipfile.ZipFile,
) -> None:
    paths = [PurePosixPath(name) for name in package.namelist()]

    assert not [path for path in paths if "tests" in path.parts or "test" in path.parts]
    assert not [path for path in paths if path.suffix in (".c", ".pyx", ".pyi", ".h")]
    rooms = {path.parts[1] for path in paths if path.parts[0] == "poutama" and len(path.parts) > 2}
    assert {"edge", "engine", "schema", "features"} <= rooms
    assert not rooms & {"laptop", "commands", "demo", "packaging", "reference", "chaos", "server"}
    assert not [path for path in paths if path.is_relative_to("poutama/db/migrations")]


def test_what_code_reads_beside_itself_goes_with_it(package: zipfile.ZipFile) -> None:
    beside = {
        str(path.relative_to(ROOT))
        for suffix in ("sql", "graphql", "typ")
        for path in (ROOT / "poutama").rglob(f"*.{suffix}")
    }
    assert beside <= set(package.namelist())


def test_of_the_aws_library_there_is_only_what_we_call(package: zipfile.ZipFile) -> None:
    data = PurePosixPath("botocore/data")
    inside = [PurePosixPath(name) for name in package.namelist()]
    folders = {path.parts[2] for path in inside if path.is_relative_to(data)}

    services = {folder for folder in folders if not folder.endswith(".json")}
    assert services == {"s3", "sqs", "sts"}
    assert {"endpoints.json", "partitions.json"} <= folders


def test_only_the_package_of_jobs_has_what_only_jobs_need(packages: Path) -> None:
    def has_pillow(name: str) -> bool:
        return any(path.startswith("PIL/") for path in open_package(packages, name).namelist())

    assert not has_pillow("api")
    assert has_pillow("jobs")


def test_every_source_has_bytecode_that_is_never_compared_with_it(
    package: zipfile.ZipFile,
) -> None:
    tag = sys.implementation.cache_tag
    sources = [PurePosixPath(name) for name in package.namelist() if name.endswith(".py")]
    assert sources
    for source in sources:
        code = package.read(str(source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"))
        # https://peps.python.org/pep-0552/: hash-based, and not checked.
        assert struct.unpack("<I", code[4:8]) == (0b01,), source
    module = package.read(f"poutama/edge/__pycache__/application.{tag}.pyc")
    assert marshal.loads(module[16:]).co_filename == "/var/task/poutama/edge/application.py"


def test_nothing_in_a_package_says_when_and_by_whom_it_was_made(package: zipfile.ZipFile) -> None:
    entries = package.infolist()

    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o100644", "0o100755"}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert not [
        name for name in package.namelist() if name.endswith(("/RECORD", "direct_url.json"))
    ]


def test_what_is_shipped_imports_nothing_of_ours_that_is_not(package: zipfile.ZipFile) -> None:
    names = {name for name in package.namelist() if name.startswith("poutama/")}

    def is_there(module: str) -> bool:
        path = module.replace(".", "/")
        return f"{path}.py" in names or f"{path}/__init__.py" in names

    missing = []
    for name in sorted(name for name in names if name.endswith(".py")):
        for node in ast.walk(ast.parse(package.read(name))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("poutama"):
                missing += [f"{name}: {node.module}"] * (not is_there(str(node.module)))
    assert missing == []


def test_another_checkout_makes_the_same_bytes(
    packages: Path, tmp_path: Path, architecture: str
) -> None:
    checkout = tmp_path / "somewhere" / "quite" / "else"
    checkout.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", "node_modules")
    shutil.copytree(ROOT / "poutama", checkout / "poutama", ignore=skip)
    for file in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, checkout)
    (checkout / "tmp").mkdir()
    made = subprocess.run(
        [sys.executable, "-c", BUILD, architecture, PYTHON, str(checkout / "dist")],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout), "TMPDIR": str(checkout / "tmp"), **uv_environment()},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    other = Path(made.stdout.strip())
    assert other.is_relative_to(checkout)
    [ours] = packages.glob("api-*.zip")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (ours, other)]
    assert digests[0] == digests[1]


def uv_environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TMPDIR")
    }


def test_the_other_architectures_libraries_are_the_other_architectures(tmp_path: Path) -> None:
    built = build_package(API, "arm64", PYTHON, tmp_path)

    with zipfile.ZipFile(built.path) as package:
        libraries = [name for name in package.namelist() if name.endswith(".so")]
        machines = {struct.unpack("<H", package.read(name)[18:20])[0] for name in libraries}
    assert machines == {AARCH64}
    assert built.size <= 15_000_000


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"largest": 1_000_000}, r"at most 1 MB, got \d+\.\d"),
        ({"largest_unpacked": 1_000_000}, r"at most 1 MB unpacked, got \d+\.\d"),
    ],
)
def test_a_package_that_is_too_large_is_an_error_and_no_file(
    tmp_path: Path,
    architecture: str,
    monkeypatch: pytest.MonkeyPatch,
    limits: dict[str, Any],
    expected: str,
) -> None:
    def install_one_library(folder: Path, **_: object) -> None:
        folder.mkdir(parents=True)
        (folder / "library.so").write_bytes(os.urandom(1_000_001))

    monkeypatch.setattr(function_package, "install_libraries", install_one_library)
    with pytest.raises(PackageError, match=rf"api-.*\.zip: expected {expected}"):
        build_package(replace(API, extras=(), **limits), architecture, PYTHON, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("python", ["3", "3.x", "4.1", "", "3.14; rm"])
def test_a_version_that_is_none_is_refused(python: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="POUTAMA_FUNCTION_PYTHON"):
        build_package(API, "x86_64", python, tmp_path)


def test_an_architecture_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="x86_64 or arm64"):
        build_package(API, "riscv64", PYTHON, tmp_path)


def test_without_a_python_of_the_version_there_is_no_bytecode(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n", encoding="utf-8")

    assert not compile_sources(tmp_path, "3.99")
    assert [path.name for path in tmp_path.iterdir()] == ["module.py"]


def test_a_source_that_cannot_be_compiled_ends_it(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = = 1\n", encoding="utf-8")

    with pytest.raises(PackageError, match=r"module\.py"):
        compile_sources(tmp_path, PYTHON)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("asyncpg/connection.py", True),
        ("asyncpg/protocol/protocol.pyx", False),
        ("asyncpg/py.typed", False),
        ("bin/jp.py", False),
        ("somewhere/bin.py", True),
        ("somewhere/bin/data.bin", True),
        ("x/tests/test_x.py", False),
        ("x-1.0.dist-info/METADATA", True),
        ("x-1.0.dist-info/RECORD", False),
        ("x-1.0.dist-info/licenses/LICENSE", True),
        ("x-1.0.dist-info/licenses/AUTHORS", True),
        ("x-1.0.dist-info/LICENSE.txt", True),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/s3/2006-03-01/examples-1.json", False),
        ("tzdata/zoneinfo/Pacific/Auckland", True),
        ("six.py", True),
        ("_cffi_backend.cpython-314-x86_64-linux-gnu.so", True),
        ("cffi/api.py", False),
    ],
)
def test_of_libraries_only_what_is_read_is_kept(path: str, needed: bool) -> None:
    assert is_needed(PurePosixPath(path)) is needed
