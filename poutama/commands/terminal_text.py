"""People's words on an operator's terminal: shown as they are, and never obeyed.

The commands that list organisations, requests and jobs pass each text through it that a caller of
the API wrote. Not for messages of the project's own.
"""

from __future__ import annotations

import re

from rich.markup import escape

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys: control characters, line breaks, and changes of direction."""


def escape_text(text: str | None) -> str:
    """Return the text for a `rich` console: its markup and control characters have no effect."""
    return escape(_CONTROL.sub("\ufffd", text or ""))
