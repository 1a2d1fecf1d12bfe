"""Which keys there are, and under what name a file is offered for saving.

Both stores ask here, so that a key which one of them takes is taken by the other. Knows no store.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import re
from urllib.parse import quote

from poutama.errors import PoutamaError
from poutama.text import normalize, trim_marks
from poutama.unicode_data import category

LONGEST_KEY = 900
LONGEST_NAME = 120

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
# Marks that turn the reading direction: with one, "gpj.exe" reads as "exe.jpg".
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What RFC 5987 lets stand as it is.
_PLAIN = "!#$&+-.^_`|~"


class InvalidKeyError(PoutamaError):
    """The text is not a valid key of an object."""


def check_key(key: str) -> str:
    """The key itself, where it is one: words of ASCII letters, digits, `_-.`, between slashes.

    A word never begins with a dot, so that no key leads out of a folder.

    Raises:
        InvalidKeyError: it is not; the key is in the message.
    """
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        raise InvalidKeyError(
            f"key: expected words of A-Z a-z 0-9 _-. between slashes, got {key[:100]!r}"
        )
    return key


def content_disposition(name: str, *, inline: bool) -> str:
    """The header that offers a download under this name, or shows it in place; ASCII.

    Source: https://www.rfc-editor.org/rfc/rfc6266 (and RFC 5987 for what is not ASCII)
    """
    if inline:
        return "inline"
    shown = _clean(name)
    plain = normalize(shown, "NFKD").encode("ascii", "ignore").decode()
    # Quoted pairs and per cents are read in different ways by different programs.
    plain = re.sub(r'["\\%]', "_", plain).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe=_PLAIN)}"


def _clean(name: str) -> str:
    """One visible line without folders, its ending kept however long it is."""
    text = normalize(trim_marks(_TURNING.sub("", name)))
    text = "".join(
        "_" if letter in "/\\" else letter
        for letter in text
        if category(letter) not in ("Cc", "Cs", "Zl", "Zp")
    ).strip(" .")
    if len(text) > LONGEST_NAME:
        stem, dot, ending = text.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        text = text[: LONGEST_NAME - len(ending)] + ending
    return text or "file"
