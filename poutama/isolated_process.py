"""Runs one of our modules in a process of its own, with limits and without secrets.

Features call it, in threads, for work on what strangers have sent or written: what takes memory or
time without end takes it from nothing else. The process gets the way to our code and to the
system's libraries, and nothing else of the worker's environment. It sets its own limits first, by
`limit_process`.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_EXCEEDED = frozenset(
    -each
    for each in (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGXCPU, signal.SIGXFSZ)
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take.

    Attributes:
        memory: bytes of address space.
        cpu: seconds of processor time, of all its threads together.
        file: bytes of the largest file that it writes.
    """

    memory: int
    cpu: int
    file: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended.

    Attributes:
        code: its exit code, the negative number of the signal that ended it, or None: it was
            killed as it took too long.
        output: what it printed.
        error: the last line of what it printed as errors.
    """

    code: int | None
    output: str
    error: str

    @property
    def exceeded_limits(self) -> bool:
        """Whether a limit, or an allocation that failed at one, ended it."""
        return self.code in _EXCEEDED


def run_isolated(module: str, *words: str, seconds: float) -> Outcome:
    """Run `python -m module words`, for `seconds` of time at most."""
    command = [sys.executable, "-s", "-P", "-m", module, *words]
    try:
        result = subprocess.run(  # noqa: S603  our own module
            command,
            env=make_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "")
    return Outcome(
        result.returncode,
        result.stdout.decode().strip(),
        result.stderr.decode(errors="replace").strip().rpartition("\n")[2],
    )


def make_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process: no credentials, no settings."""
    passed = {name: own[name] for name in _PASSED_ON if name in own}
    return {**passed, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}


def limit_process(limits: Limits) -> None:
    """Bound what this process may take, as far as the system can."""
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits.memory, limits.memory),
        # At the first a signal says why the process ends, at the second it is killed.
        (resource.RLIMIT_CPU, limits.cpu, limits.cpu + 5),
        (resource.RLIMIT_FSIZE, limits.file, limits.file),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        # macOS refuses some of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))
