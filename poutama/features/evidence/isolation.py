"""Runs `document_process` for a document: parsers of strangers' files have limits, and no secrets.

The job calls it, in a thread. The process gets the way to our code and to the system's libraries,
and nothing else of the worker's environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from poutama.errors import PoutamaError, UnavailableError
from poutama.features.evidence.document_process import TOO_LARGE, UNFIT
from poutama.features.evidence.documents import Cleaned
from poutama.features.evidence.types import UnfitFileError

SECONDS = 180.0
"""Longest that a document may take on a busy machine; its processor time has a limit of its own."""
_PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
_TOO_LARGE_SIGNALS = frozenset(
    -each
    for each in (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGXCPU, signal.SIGXFSZ)
)


class DocumentProcessError(PoutamaError):
    """The process that looks at documents ended without an outcome."""


def clean_apart(source: Path, target: Path, media_type: str) -> Cleaned:
    """Clean a document in a process of its own, as `clean_document`.

    Raises:
        UnfitFileError: it cannot be served; also where it exceeds the limits of the process.
        UnavailableError: the machine is too busy.
        DocumentProcessError: the process failed.
    """
    words = (str(source), str(target), media_type)
    try:
        result = subprocess.run(  # noqa: S603  our own module
            [
                sys.executable,
                "-s",
                "-P",
                "-m",
                "poutama.features.evidence.document_process",
                *words,
            ],
            env=make_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError("The document could not be looked at in time.") from error
    if result.returncode == UNFIT:
        raise UnfitFileError(result.stdout.decode().strip())
    if result.returncode in _TOO_LARGE_SIGNALS:
        raise UnfitFileError(TOO_LARGE)
    if result.returncode != 0:
        last = result.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise DocumentProcessError(f"document_process ended with {result.returncode}: {last}")
    return msgspec.json.decode(result.stdout, type=Cleaned)


def make_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process: no credentials, no settings."""
    passed = {name: own[name] for name in _PASSED_ON if name in own}
    return {**passed, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}
