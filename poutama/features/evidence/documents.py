"""Documents made fit to be served: looked at for what could harm a reader, and written anew.

`document_process` calls it, in a process with limits. One function for each kind of document; what
is served holds what was looked at and nothing else.
"""

from __future__ import annotations

from pathlib import Path

from poutama.features.evidence.packages import PACKAGE_TYPES, clean_package
from poutama.features.evidence.pdf import clean_pdf
from poutama.features.evidence.types import PDF

DOCUMENT_TYPES = frozenset({PDF.media_type, *PACKAGE_TYPES})
"""Media types of what is written anew here; plain text is not."""


def clean_document(source: Path, target: Path, media_type: str) -> None:
    """Look at a document, and write it as it may be served; deterministic.

    Raises:
        UnfitFileError: it is damaged, too large, protected, or could do harm to its readers.
    """
    if media_type == PDF.media_type:
        clean_pdf(source, target)
    else:
        clean_package(source, target, media_type)
