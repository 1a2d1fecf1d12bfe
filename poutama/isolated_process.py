"""Runs one of our modules in a process of its own, with limits and without secrets.

Features call it, in threads, for work on what strangers have sent or written: what takes memory or
time without end takes it from nothing else. The process gets the way to our code and to the
system's libraries, and nothing else of the worker's environment. It sets its own limits first, by
`limit_process`. However it ends, its temporary files go with it.
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
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH")
_PARENT = "PARENT_PROCESS"
_MAX_OUTPUT = 10_000
"""Bytes at the end of what a process printed that are read."""
_PR_SET_PDEATHSIG = 1
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
        output: the end of what it printed.
        error: the last line of what it printed as errors, or the end of that.
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
    with (
        TemporaryDirectory(prefix="poutama-", ignore_cleanup_errors=True) as folder,
        # Not pipes, of which all would be read into memory.
        TemporaryFile() as output,
        TemporaryFile() as error,
    ):
        own = {"TMPDIR": folder, _PARENT: str(os.getpid())}
        try:
            result = subprocess.run(  # noqa: S603  our own module
                command,
                env={**make_environment(os.environ), **own},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(None, "", "")
        last_line = _read_end(error).rpartition("\n")[2]
        return Outcome(result.returncode, _read_end(output), last_line)


def _read_end(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _MAX_OUTPUT))
    return file.read().decode(errors="replace").strip()


def make_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process: no credentials, no settings."""
    passed = {name: own[name] for name in _PASSED_ON if name in own}
    return {**passed, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}


def limit_process(limits: Limits) -> None:
    """Bound what this process may take, as far as the system can; on Linux it ends with its parent.

    To be called in a process that `run_isolated` started.
    """
    _end_with_parent()
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


def _end_with_parent() -> None:
    parent = os.environ.get(_PARENT)
    if parent is None or sys.platform != "linux":
        return
    import ctypes  # heavy: a worker that starts processes does not need it

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != int(parent):  # it ended before
        os._exit(1)
