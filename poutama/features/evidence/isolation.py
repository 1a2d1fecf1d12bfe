"""Runs `document_process` for a document: parsers of strangers' files have limits, and no secrets.

The job calls it, in a thread.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from poutama.errors import PoutamaError, UnavailableError
from poutama.features.evidence.document_process import TOO_LARGE, UNFIT
from poutama.features.evidence.documents import Cleaned
from poutama.features.evidence.types import UnfitFileError
from poutama.isolated_process import run_isolated

SECONDS = 180.0
"""Longest that a document may take on a busy machine; its processor time has a limit of its own."""


class DocumentProcessError(PoutamaError):
    """The process that looks at documents ended without an outcome."""


def clean_apart(source: Path, target: Path, media_type: str) -> Cleaned:
    """Clean a document in a process of its own, as `clean_document`.

    Raises:
        UnfitFileError: it cannot be served; also where it exceeds the limits of the process.
        UnavailableError: the machine is too busy.
        DocumentProcessError: the process failed.
    """
    module = "poutama.features.evidence.document_process"
    outcome = run_isolated(module, str(source), str(target), media_type, seconds=SECONDS)
    if outcome.code is None:
        raise UnavailableError("The document could not be looked at in time.")
    if outcome.code == UNFIT:
        raise UnfitFileError(outcome.output)
    if outcome.exceeded_limits:
        raise UnfitFileError(TOO_LARGE)
    if outcome.code != 0:
        raise DocumentProcessError(f"document_process ended with {outcome.code}: {outcome.error}")
    return msgspec.json.decode(outcome.output, type=Cleaned)
