"""Plain text as it is served: in UTF-8, whatever form of Unicode it was written in.

The job calls it. What is in UTF-8 already, or in an alphabet of one byte, is left alone.
"""

from __future__ import annotations

from pathlib import Path

from poutama.features.evidence.sniffing import UTF_16_MARKS

_CHUNK = 1 << 16


def write_plain_text(source: Path, target: Path) -> Path:
    """Where the text lies that is served: in the source, or in UTF-8 in the target.

    The source is text, as `sniff_type` finds it.
    """
    with source.open("rb") as file:
        if not file.read(2).startswith(UTF_16_MARKS):
            return source
    with (
        source.open(encoding="utf-16", newline="") as read,
        target.open("w", encoding="utf-8", newline="") as written,
    ):
        while text := read.read(_CHUNK):
            written.write(text)
    return target
