"""Conditions as values: what holds of a row, known or as SQL text, joined by and, or and not.

`sql.predicate` makes them of a plan's predicates. Text comes out of them only here, with the
parentheses it needs; whether a condition holds always is a comparison with `TRUE`, never of text.

They are simplified by what leaves no text behind: TRUE beside AND, FALSE beside OR. What stands
beside FALSE in an AND stays: its parameters are numbered already, and the database refuses a
statement whose text does not name all of its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Form(Enum):
    """How the text of a condition is composed, which decides about parentheses."""

    KNOWN = auto()
    ATOM = auto()
    AND = auto()
    OR = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL that is true or false, never NULL. `Condition(text)` binds tighter than NOT."""

    text: str
    form: Form = Form.ATOM

    @property
    def where(self) -> str:
        """The WHERE clause with a space before it; nothing where all rows fit."""
        return "" if self == TRUE else f" WHERE {self.text}"


TRUE = Condition("true", Form.KNOWN)
FALSE = Condition("false", Form.KNOWN)


def all_of(*parts: Condition) -> Condition:
    """Every part holds; of none, TRUE."""
    return _join(Form.AND, TRUE, parts)


def any_of(*parts: Condition) -> Condition:
    """Some part holds; of none, FALSE."""
    return _join(Form.OR, FALSE, parts)


def negate(part: Condition) -> Condition:
    """The part does not hold."""
    match part.form:
        case Form.KNOWN:
            return FALSE if part == TRUE else TRUE
        case _:
            return Condition(f"NOT ({part.text})")


def _join(form: Form, neutral: Condition, parts: tuple[Condition, ...]) -> Condition:
    kept = [part for part in parts if part != neutral]
    match kept:
        case []:
            return neutral
        case [part]:
            return part
        case _:
            texts = (
                f"({part.text})"
                if part.form in (Form.AND, Form.OR) and part.form != form
                else part.text
                for part in kept
            )
            return Condition(f" {form.name} ".join(texts), form)
