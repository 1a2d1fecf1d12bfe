"""Characters of a name of which nothing is seen: with them one name looks like another.

A name is what people decide by: who is confirmed, whose a record is. So the inputs of names refuse
what shows nothing and what turns the direction of the text, and names of rosters and of sign-ins
lose it. Joiners stay where a script or an emoji needs them. Called by `plan.binding`, rosters and
sign-ins. Pure; texts that people write at length are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from poutama.text import BLANK_LETTERS, UNASSIGNED_BLANKS
from poutama.unicode_data import category, combining, name

_NON_JOINER, _JOINER = "\u200c", "\u200d"
_GRAPHEME_JOINER = "\u034f"
_EMOJI_SELECTOR = "\ufe0f"
_KEYCAP = "\u20e3"
_BLACK_FLAG = "\U0001f3f4"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_TAGS = re.compile("[\U000e0020-\U000e007f]")
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_FIRST_EMOJI = "\u2190"
_VIRAMA = 9
"""The combining class of what joins two consonants: https://www.rfc-editor.org/rfc/rfc5892#appendix-A."""
_CURSIVE = frozenset({
    "ADLAM", "ARABIC", "HANIFI", "MANDAIC", "MONGOLIAN", "NKO", "PHAGS-PA", "SYRIAC",
})  # fmt: skip
"""Scripts, as the names of their letters begin, in which a joiner changes how two letters meet."""


def find_hidden(text: str) -> str | None:
    """Return the first character that a name must not have, such as `U+202E`; None if it has none.

    It shows nothing, or turns the direction of what follows, and no script or emoji needs it there.
    """
    if text.isascii():
        return None
    found = next((letter for letter, is_hidden in _scan(text) if is_hidden), None)
    return found and f"U+{ord(found):04X}"


def without_hidden(text: str) -> str:
    """Return the text without what `find_hidden` finds; it finds nothing in the result."""
    if text.isascii():
        return text
    return "".join(letter for letter, is_hidden in _scan(text) if not is_hidden)


def _scan(text: str) -> Iterator[tuple[str, bool]]:
    """Each character, and whether it is hidden after those before it that are not."""
    before = ""
    for letter, after in zip(text, (*text[1:], ""), strict=True):
        is_hidden = _shows_nothing(letter) and not _is_needed(before, letter, after)
        yield letter, is_hidden
        before = before if is_hidden else letter


def _shows_nothing(letter: str) -> bool:
    return (
        category(letter) == "Cf"
        or letter in BLANK_LETTERS
        or letter == _GRAPHEME_JOINER
        or _SELECTORS.match(letter) is not None
        or UNASSIGNED_BLANKS.match(letter) is not None
    )


def _is_needed(before: str, letter: str, after: str) -> bool:
    """Whether a script or an emoji has such a character between the two; empty at an end."""
    if not before:
        return False
    if letter in (_NON_JOINER, _JOINER):
        return _may_join(before, letter, after)
    if _SELECTORS.match(letter):
        # Forms of ideographs and of symbols; a digit has one in a keycap alone.
        return category(before) in ("Lo", "So", "Sm") or after == _KEYCAP
    # The flags of parts of countries.
    return bool(_TAGS.match(letter)) and (before == _BLACK_FLAG or bool(_TAGS.match(before)))


def _may_join(before: str, letter: str, after: str) -> bool:
    if combining(before) == _VIRAMA or (after and combining(after) == _VIRAMA):
        return True
    if not after or _shows_nothing(after):
        return False
    if _is_cursive(before) and _is_cursive(after):
        return True
    picture = before == _EMOJI_SELECTOR or _SKIN_TONES.match(before) or _is_symbol(before)
    return letter == _JOINER and bool(picture) and _is_symbol(after)


def _is_cursive(letter: str) -> bool:
    return category(letter)[0] in "LM" and name(letter).split(" ")[0] in _CURSIVE


def _is_symbol(letter: str) -> bool:
    return letter >= _FIRST_EMOJI and category(letter) in ("So", "Sm")
