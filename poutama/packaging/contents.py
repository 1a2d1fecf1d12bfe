"""What goes into a function's package, and what does not.

`function_package` asks. A package starts faster the smaller it is, so each rule here leaves
something out that no function reads. Pure: it only looks at names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

MEGABYTE = 1_000_000
LARGEST_UNPACKED = 250 * MEGABYTE
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: of a function."""


@dataclass(frozen=True, slots=True)
class Package:
    """One zip, for one or several functions.

    Attributes:
        name: of the file, without architecture.
        extras: of our project, that its functions need.
        handlers: what the functions are configured with.
        largest: bytes it may have, zipped.
        largest_unpacked: bytes that may be in it.
    """

    name: str
    extras: tuple[str, ...]
    handlers: tuple[str, ...]
    largest: int
    largest_unpacked: int = LARGEST_UNPACKED


API = Package(
    "api",
    ("aws",),
    ("poutama.edge.lambda_api.handler", "poutama.edge.lambda_schedule.handler"),
    15 * MEGABYTE,
)
# A third of it typesets, a fifth is Chinese, Japanese and Korean: it is uploaded through a bucket.
JOBS = Package(
    "jobs", ("aws", "cjk", "jobs"), ("poutama.edge.lambda_jobs.handler",), 100 * MEGABYTE
)
PACKAGES = (API, JOBS)

ARCHITECTURES = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
"""As AWS calls them -> as uv does; the C library of Amazon Linux 2023 is newer than that."""

# Resources and modules of ours that only machines have which people sit at.
_AT_HOME = tuple(
    PurePosixPath("poutama", *parts)
    for parts in (
        *(
            (package,)
            for package in (
                *("chaos", "commands", "demo", "laptop", "packaging", "reference"),
                "server",
            )
        ),
        ("progress.py",),
        ("db", "migrations"),
        *(
            ("db", f"{name}.py")
            for name in ("account", "cockroach", "embedded", "folder", "migrate", "postmaster")
        ),
    )
)
_AWS_SERVICES = frozenset(("s3", "sqs", "sts"))
_AWS_DATA = PurePosixPath("botocore", "data")
# Sources of what is compiled, and what only type checkers read.
_SUFFIXES = frozenset((".a", ".c", ".cpp", ".h", ".pxd", ".pxi", ".pyc", ".pyi", ".pyx"))
_FOLDERS = frozenset(("__pycache__", "test", "tests"))
# Beside the libraries: commands, manual pages.
_OUTSIDE = frozenset(("bin", "include", "share"))
# What builds a library of those, and is not read when it runs; and a second set of time zones.
_NEVER_READ = (
    PurePosixPath("cffi"),
    PurePosixPath("pycparser"),
    PurePosixPath("dateutil", "zoneinfo", "dateutil-zoneinfo.tar.gz"),
)
_KEPT_OF_METADATA = ("METADATA", "LICENSE", "LICENCE", "NOTICE", "COPYING")


def is_ours_to_ship(path: PurePosixPath) -> bool:
    """Whether a file of our own, such as `poutama/edge/http.py`, belongs into a package."""
    if any(path.is_relative_to(home) for home in _AT_HOME):
        return False
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return not hidden and path.suffix not in _SUFFIXES


def is_needed(path: PurePosixPath) -> bool:
    """Whether a file of an installed library, relative to where it was installed, is kept."""
    if path.suffix in _SUFFIXES or path.name in ("py.typed", ".lock"):
        return False
    folders = path.parts[:-1]
    if any(folder in _FOLDERS for folder in folders) or (folders[:1] and folders[0] in _OUTSIDE):
        return False
    if any(path.is_relative_to(unread) for unread in _NEVER_READ):
        return False
    if folders and folders[0].endswith(".dist-info"):
        return _is_kept_metadata(path)
    if path.is_relative_to(_AWS_DATA):
        return _is_kept_aws_data(path.relative_to(_AWS_DATA))
    return True


def _is_kept_metadata(path: PurePosixPath) -> bool:
    """Name and version, for those who look for known vulnerabilities; and the licences."""
    return "licenses" in path.parts or path.name.upper().startswith(_KEPT_OF_METADATA)


def _is_kept_aws_data(path: PurePosixPath) -> bool:
    """What all services share, and the services that we call, without their examples."""
    if len(path.parts) == 1:
        return True
    return path.parts[0] in _AWS_SERVICES and not path.name.startswith("examples-")
