"""What the directives of an input field ask of its value: `@length`, `@pattern`, `@range`."""

from __future__ import annotations

from dataclasses import dataclass

from poutama.text import LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class TextRule:
    """What an input text must be: its length in characters after normalisation, and its pattern."""

    minimum: int = 0
    maximum: int = LONGEST_TEXT
    pattern: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class NumberRule:
    """Between which numbers an input number must be; None means unbounded."""

    minimum: int | None = None
    maximum: int | None = None


NO_RANGE = NumberRule()
"""Any number will do."""
