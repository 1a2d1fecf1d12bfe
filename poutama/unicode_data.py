"""Unicode 14, whichever Python runs: what a later version assigned counts as unassigned.

Each Python brings tables of its own (3.11 those of Unicode 14, 3.14 of 16), and what is searched,
compared and shown is stored: the process that looks for a text need not be the one that wrote it.
What was assigned in Unicode 14 has the same decomposition, case folding and name in all versions
(https://www.unicode.org/policies/stability_policy.html), so only later characters differ, and they
are left as they are. Only `poutama.text` reads the interpreter's tables besides, through `change`.
Tests hold that, and that every supported Python gives the same results. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# Of Unicode 15.0 to 16.0. A Python with a later version fails a test that names what to add here.
_LATER_RANGES = """
    897 CF3 ECE 1B4E-1B4F 1B7F 1C89-1C8A 2427-2429 2FFC-2FFF 31E4-31E5 31EF A7CB-A7CD A7DA-A7DC
    105C0-105F3 10D40-10D65 10D69-10D85 10D8E-10D8F 10EC2-10EC4 10EFC-10EFF 1123F-11241
    11380-11389 1138B 1138E 11390-113B5 113B7-113C0 113C2 113C5 113C7-113CA 113CC-113D5
    113D7-113D8 113E1-113E2 116D0-116E3 11B00-11B09 11BC0-11BE1 11BF0-11BF9 11F00-11F10
    11F12-11F3A 11F3E-11F5A 1342F 13439-13455 13460-143FA 16100-16139 16D40-16D79 18CFF 1B132
    1B155 1CC00-1CCF9 1CD00-1CEB3 1D2C0-1D2D3 1DF25-1DF2A 1E030-1E06D 1E08F 1E4D0-1E4F9
    1E5D0-1E5FA 1E5FF 1F6DC 1F774-1F776 1F77B-1F77F 1F7D9 1F8B2-1F8BB 1F8C0-1F8C1 1FA75-1FA77
    1FA87-1FA89 1FA8F 1FAAD-1FAAF 1FABB-1FABF 1FAC6 1FACE-1FACF 1FADA-1FADC 1FADF 1FAE8-1FAE9
    1FAF7-1FAF8 1FBCB-1FBEF 2B739 2EBF0-2EE5D 31350-323AF
"""
# In Unicode 14; no other character has changed since.
_CATEGORIES = {"\U0001171e": "Mn"}


def _pattern(ranges: str) -> str:
    ends = [[chr(int(end, 16)) for end in each.split("-")] for each in ranges.split()]
    return "[" + "".join("-".join(each) for each in ends) + "]"


LATER = re.compile(f"({_pattern(_LATER_RANGES)})")
"""A character that Unicode 14 does not have."""
# A test for one range is the quickest, and all that most texts need; the next has one for all that
# is beyond the first plane.
_HIGH = re.compile(f"[{chr(int(_LATER_RANGES.split()[0], 16))}-\U0010ffff]")
_MAY_BE_LATER = re.compile(
    _pattern(" ".join(each for each in _LATER_RANGES.split() if len(each.split("-")[0]) < 5))[:-1]
    + "\U00010000-\U0010ffff]"
)


def has_later(text: str) -> bool:
    """Return whether the text has a character that Unicode 14 does not have."""
    return (
        _HIGH.search(text) is not None
        and _MAY_BE_LATER.search(text) is not None
        and LATER.search(text) is not None
    )


def change(text: str, convert: Callable[[str], str]) -> str:
    """Return the text with what lies between later characters converted.

    To a conversion by Unicode 14, such as normalisation, an unassigned character is a letter of its
    own that nothing combines with, so the parts can be converted one by one.
    """
    if not has_later(text):
        return convert(text)
    return "".join(
        part if place % 2 else convert(part) for place, part in enumerate(LATER.split(text))
    )


def category(letter: str) -> str:
    """Return the general category, such as `Lu`; `Cn` for what is not assigned."""
    return _CATEGORIES.get(letter) or ("Cn" if has_later(letter) else unicodedata.category(letter))


def combining(letter: str) -> int:
    """Return the canonical combining class; 0 for what is not a mark."""
    return 0 if has_later(letter) else unicodedata.combining(letter)


def name(letter: str) -> str:
    """Return the character's name, in capitals; empty for what has none."""
    return "" if has_later(letter) else unicodedata.name(letter, "")


def is_printable(text: str) -> bool:
    """Return whether nothing in the text is a control, a separator but the space, or unassigned."""
    return text.isprintable() and not has_later(text)


def is_alphanumeric(letter: str) -> bool:
    """Return whether it is a letter, a digit or another sign for a number."""
    return letter.isalnum() and not has_later(letter)


def fold_case(text: str) -> str:
    """Return the text case-folded, for comparing without regard to case."""
    return change(text, str.casefold)
