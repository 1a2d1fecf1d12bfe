"""The stored form of people's words, the form that searches compare, and what bounds their cost.

Called by everything that writes, searches or prints text: filters, mutations, rosters and exports.
Nothing else in the project normalises Unicode, and a test over the source holds that: CPython
sorts combining marks by insertion (gh-149079), so a run of n marks costs n squared. The forms are
those of Unicode 14 on every Python (`poutama.unicode_data`). Pure; it knows nothing of columns.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import filterfalse
from typing import Literal, TypeAlias

from poutama.errors import BadUserInputError
from poutama.unicode_data import category, change, combining, is_printable

LONGEST_TEXT = 100_000
"""Characters that a text may have at all."""
LONGEST_EMAIL = 254
"""What SMTP can carry: https://www.rfc-editor.org/errata/eid1690."""
LONGEST_RUN = 30
"""Combining marks that may follow each other, as in https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format."""
LONGEST_DECOMPOSITION = 4
"""Most characters that one character of the stored form (NFC) can have been sent as."""
NEVER_FOUND = "\u0301"
"""A combining mark: no searched form has any."""
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols of which nothing is seen, as the Hangul fillers."""
UNASSIGNED_BLANKS = re.compile("[\u2065\ufff0-\ufff8\U000e0000-\U000e0fff]")
"""Kept by Unicode for what shows nothing: https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point."""
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Mn", "Me"})
"""Control and format characters, and marks, which show nothing without a letter."""
LETTERS = 4_096
"""Letters whose marks are remembered."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

NormalForm: TypeAlias = Literal["NFC", "NFD", "NFKC", "NFKD"]

# No character decomposes to more than two marks alone, or ends with more than three; those below
# U+0300 are no marks. So a longer run has more than nine characters of this range in a row, and
# most texts cost one search.
_MAY_HAVE_RUN = re.compile("[\u0300-\U0010ffff][\u0300-\U0010ffff]{9}")


def normalize(text: str, form: NormalForm = "NFC", *, limit: int = LONGEST_TEXT) -> str:
    """Return the text in a Unicode normal form; NFC is the stored one.

    In NFC there is one spelling of `ā`, whichever keyboard typed it. The cost grows with the length
    of the text alone: what would cost more is refused before it is normalised.

    Args:
        text: as it came.
        form: the normal form.
        limit: most characters of `text`, before it is normalised.

    Raises:
        BadUserInputError: it is longer than the limit, or has more than 30 combining marks in a
            row; the message says what was expected.
    """
    if len(text) > limit:
        raise BadUserInputError(f"expected at most {limit} characters, got {len(text)}.")
    if text.isascii():
        return text
    if has_long_run(text):
        raise BadUserInputError(
            f"expected at most {LONGEST_RUN} combining marks (accents) in a row, got more."
        )
    return _compose(form, text)


def _compose(form: NormalForm, text: str) -> str:
    return change(text, lambda part: unicodedata.normalize(form, part))


def find_unstorable(text: str) -> str | None:
    """Return what of the text no column can hold, in words; None where a column can hold it."""
    if "\x00" in text:
        return "the character NUL (U+0000)"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair, which is not a character"
    return None


def has_long_run(text: str) -> bool:
    """Whether more than 30 combining marks follow each other once the text is decomposed."""
    return _MAY_HAVE_RUN.search(text) is not None and len(trim_marks(text)) < len(text)


def trim_marks(text: str) -> str:
    """Return the text without the marks that follow 30 others.

    For texts that are printed whatever they hold, such as names of files.
    """
    if _MAY_HAVE_RUN.search(text) is None:
        return text
    kept: list[str] = []
    run = 0
    for letter in text:
        is_marks, ending = _marks_of(letter)
        if not is_marks:
            run = ending
        elif run + ending > LONGEST_RUN:
            continue
        else:
            run += ending
        kept.append(letter)
    return "".join(kept)


@lru_cache(maxsize=LETTERS)
def _marks_of(letter: str) -> tuple[bool, int]:
    """Whether a letter decomposes to nothing but marks, and with how many of them it ends."""
    marks = [combining(part) != 0 for part in _compose("NFKD", letter)]
    return (True, len(marks)) if all(marks) else (False, marks[::-1].index(False))


def find_control(text: str) -> str | None:
    """Return the first control character as `U+001B`, or None; tabs and line breaks are none.

    A terminal obeys control characters, so a name with some could rewrite an operator's screen.
    """
    found = None if is_printable(text) else _CONTROL.search(text)
    return f"U+{ord(found[0]):04X}" if found else None


def visible_text(text: str) -> str:
    """Return what a reader sees of a text: without what shows nothing alone, spaces as one.

    Marks, zero-width and other format characters, and letters that are blank count for nothing.
    """
    if not text.isascii():
        text = "".join(filterfalse(_is_hidden, text))
    return " ".join(text.split())


@lru_cache(maxsize=LETTERS)
def _is_hidden(letter: str) -> bool:
    return (
        letter in BLANK_LETTERS
        or category(letter) in HIDDEN_CATEGORIES
        or UNASSIGNED_BLANKS.match(letter) is not None
    )


def fold(text: str) -> str:
    """Return the searched form, in which `Māori`, `MAORI` and `maori` are one word.

    Compatibility decomposition (NFKD) without combining marks, then case folding. Canonically
    equal texts fold alike, folding twice changes nothing more, and the fold of two texts joined
    is their folds joined: a part of a text is found in the fold of the whole.

    Raises:
        BadUserInputError: as `normalize`.
    """
    # ASCII has neither marks nor special cases, and is most of what people write.
    if text.isascii() and len(text) <= LONGEST_TEXT:
        return text.lower()
    return change(normalize(text, "NFKD"), _fold)


def _fold(text: str) -> str:
    return "".join(filterfalse(unicodedata.combining, text)).casefold()


def fold_needle(text: str) -> str:
    """Return the searched form of what is looked for.

    As `fold`, but what is nothing but accents, as a dead key leaves in the middle of a word, is
    found nowhere: its searched form is empty or blank, which every text contains.

    Raises:
        BadUserInputError: as `normalize`.
    """
    folded = fold(text)
    return folded if folded.strip() or not text.strip() else NEVER_FOUND


def normalize_email(text: str) -> str | None:
    """The form in which emails are compared, and in which those of the invited are stored.

    NFC and lower case; not case-folded, which would take two addresses for one. None for what is
    not an address, or whose letters only look like ASCII.
    """
    try:
        lower = change(normalize(text, limit=LONGEST_EMAIL * LONGEST_DECOMPOSITION), str.lower)
        email = normalize(lower)
    except BadUserInputError:
        return None
    local, at, domain = email.rpartition("@")
    if not (local and at and "." in domain) or len(email) > LONGEST_EMAIL:
        return None
    if not is_printable(email) or " " in email or email.isascii() != text.isascii():
        return None
    return email
