"""Bytecode that is good wherever a package is unpacked.

`function_package` calls it. Python recompiles what is older than its source, and unpacking a zip
moves all times: so the files say that they are never to be compared ("unchecked"). Only a Python of
the functions' own version can write them; where this machine has none, the package has sources
alone, and each cold start compiles them: a third of a second on a whole processor, of which a small
function has a fraction. Source: https://peps.python.org/pep-0552/
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from poutama.packaging.installer import PackageError, find_uv

# Where a function's package is unpacked: what tracebacks are to say.
TASK_ROOT = "/var/task"
COMPILE_SECONDS = 600


def compile_sources(folder: Path, python: str) -> bool:
    """Write bytecode beside all sources below `folder`; False without a Python of that version.

    Raises:
        PackageError: a source cannot be compiled.
    """
    interpreter = find_interpreter(python)
    if interpreter is None:
        return False
    result = subprocess.run(  # noqa: S603  a fixed command
        [
            *(str(interpreter), "-s", "-S", "-m", "compileall", "-q"),
            *("--invalidation-mode", "unchecked-hash"),
            *("-s", str(folder), "-p", TASK_ROOT, str(folder)),
        ],
        # The order of a set that was compiled in depends on the seed.
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise PackageError(f"compiling failed: {result.stdout.strip()} {result.stderr.strip()}")
    return True


def find_interpreter(python: str) -> Path | None:
    """A Python of this version on this machine: ours, one on PATH, or one that uv knows of."""
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    candidates = [shutil.which(f"python{python}"), _find_by_uv(python)]
    for candidate in candidates:
        if candidate and _has_version(Path(candidate), python):
            return Path(candidate)
    return None


def _find_by_uv(python: str) -> str:
    result = subprocess.run(  # noqa: S603  a fixed command
        [str(find_uv()), "--no-python-downloads", "python", "find", "--system", python],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() if result.returncode == 0 else ""


def _has_version(interpreter: Path, python: str) -> bool:
    """Ask it: what lies on PATH may be a stand-in for a version that is not installed."""
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name)"
    try:
        result = subprocess.run(  # noqa: S603  a fixed command
            [str(interpreter), "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return result.stdout.split() == [python, "cpython"]
