"""A process that cleans one document or recording, and ends: `... SOURCE TARGET MEDIA_TYPE`.

`isolation` starts it. Its limits are set before the document is opened, so that one which takes
memory or time without end takes them from nothing else. It has no credentials in its environment,
reads one file and writes another, and prints what it wrote as JSON. Exits with `UNFIT`, and the
reason on its output, where the document cannot be served.
"""

from __future__ import annotations

import sys
from errno import EFBIG
from pathlib import Path

import msgspec

from poutama.features.evidence.documents import clean_document
from poutama.features.evidence.types import UnfitFileError
from poutama.isolated_process import Limits, limit_process

UNFIT = 3
"""How the process ends for a document that cannot be served."""
TOO_LARGE = (
    "The file is too large or too complicated to be looked at. Make it smaller, and add it again."
)

_LIMITS = Limits(memory=1_000_000_000, cpu=60, file=500_000_000)


def run_document_process(arguments: list[str]) -> int:
    """Clean the document that the arguments name; returns how the process ends."""
    source, target, media_type = arguments
    limit_process(_LIMITS)
    try:
        cleaned = clean_document(Path(source), Path(target), media_type)
    except UnfitFileError as error:
        print(error.message)
        return UNFIT
    except (MemoryError, RecursionError):
        print(TOO_LARGE)
        return UNFIT
    except OSError as error:
        if error.errno != EFBIG:
            raise
        print(TOO_LARGE)
        return UNFIT
    print(msgspec.json.encode(cleaned).decode())
    return 0


if __name__ == "__main__":
    sys.exit(run_document_process(sys.argv[1:]))
