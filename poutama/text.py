"""What is stored of people's words, and what searches compare.

Called by whatever writes or searches text: the plan's filters, the mutations and the demo school.
Pure; it knows nothing of columns.
"""

from __future__ import annotations

from unicodedata import combining
from unicodedata import normalize as _normalize

LONGEST_EMAIL = 254
"""What SMTP can carry: https://www.rfc-editor.org/errata/eid1690."""


def normalize(text: str) -> str:
    """Return the stored form, Unicode NFC: one spelling of `ā`, whichever keyboard typed it."""
    return _normalize("NFC", text)


def fold(text: str) -> str:
    """Return the searched form, in which `Māori`, `MAORI` and `maori` are one word.

    Compatibility decomposition (NFKD) without combining marks, then case folding. Canonically
    equal texts fold alike, folding twice changes nothing more, and the fold of two texts joined
    is their folds joined: a part of a text is found in the fold of the whole.
    """
    # ASCII has neither marks nor special cases, and is most of what people write.
    if text.isascii():
        return text.lower()
    letters = [letter for letter in _normalize("NFKD", text) if not combining(letter)]
    return "".join(letters).casefold()


def normalize_email(text: str) -> str | None:
    """The form in which emails are compared, and in which those of the invited are stored.

    NFC and lower case; not case-folded, which would take two addresses for one. None for what is
    not an address, or whose letters only look like ASCII.
    """
    email = normalize(normalize(text).lower())
    local, at, domain = email.rpartition("@")
    if not (local and at and "." in domain) or len(email) > LONGEST_EMAIL:
        return None
    if not email.isprintable() or " " in email or email.isascii() != text.isascii():
        return None
    return email
