"""What `@length`, `@pattern`, `@name` and `@range` ask of the value of an input field."""

from __future__ import annotations

from dataclasses import dataclass

from poutama.text import LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class TextRule:
    """What an input text must be: its length in characters after normalisation, and its pattern.

    A name has no hidden characters (`poutama.hidden_characters`).
    """

    minimum: int = 0
    maximum: int = LONGEST_TEXT
    pattern: str | None = None
    expected: str | None = None
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class NumberRule:
    """Between which numbers an input number must be; None means unbounded."""

    minimum: int | None = None
    maximum: int | None = None


NO_RANGE = NumberRule()
"""Any number will do."""
