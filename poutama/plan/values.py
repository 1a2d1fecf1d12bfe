"""Values that are known only when a request is bound to its plan.

A plan is kept and used again for other requests of the same document, so it holds no values of
variables but the *places* they come from; `plan.binding` fetches them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from poutama.schema.input_rules import NumberRule, TextRule
from poutama.schema.model import OrderTerm


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in the document itself."""

    value: object


@dataclass(frozen=True, slots=True)
class Variable:
    """A value at this path inside the coerced variables."""

    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ViewerId:
    """The viewer's person id."""


@dataclass(frozen=True, slots=True)
class NewId:
    """An id made anew for every request; the same `number` is the same id within one."""

    number: int


@dataclass(frozen=True, slots=True)
class Returned:
    """An id that a procedure returned for this field of its payload."""

    field: str


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The idempotency key of the request."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash that distinguishes a repeated request from another one under the same key."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as the search columns hold it."""

    value: Value


@dataclass(frozen=True, slots=True)
class Needle:
    """A text that is looked for anywhere in the search columns, and so bounded in length."""

    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """A text that the search columns are to start with."""

    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Normalized:
    """A text as columns hold it, to be compared with them; a list of such texts."""

    value: Value
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text as the search columns hold them, as a JSON list in text."""

    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class InputText:
    """A text to be written: normalised, and checked against its rule."""

    value: Value
    rule: TextRule
    where: str


@dataclass(frozen=True, slots=True)
class InputInteger:
    """A whole number, checked against its rule."""

    value: Value
    rule: NumberRule
    where: str


@dataclass(frozen=True, slots=True)
class InputIds:
    """Several ids to be written, as a JSON list in text."""

    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class Default:
    """What a new row gets: `value` if each of these is one of its words, or else `otherwise`."""

    conditions: tuple[tuple[Value, tuple[str, ...]], ...]
    value: str
    otherwise: Value


@dataclass(frozen=True, slots=True)
class Unusable:
    """What an argument must not have there, such as null: an error once the request is bound."""

    where: str
    expected: str


class SqlConstant(StrEnum):
    """A value that every request has in common, as SQL has it."""

    NOW = "now()"
    NULL = "NULL"


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and time, as text: the driver takes the first and the last there are for infinity."""

    value: Value


@dataclass(frozen=True, slots=True)
class Items:
    """A list whose items come from several places."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """The items of a list, as JSON text: arrays cannot be passed to every engine."""

    value: Value


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many rows a page may have."""

    value: Value
    where: str


@dataclass(frozen=True, slots=True)
class CursorPart:
    """One of the values inside a cursor of this list."""

    value: Value
    index: int
    list: str
    order: tuple[OrderTerm, ...]
    where: str


Checked: TypeAlias = (
    Folded
    | Needle
    | Prefix
    | Normalized
    | Words
    | Moment
    | InputText
    | InputInteger
    | InputIds
    | Members
    | PageSize
    | CursorPart
)
"""What a request brings and is checked, or converted, before it is used."""

Value: TypeAlias = (
    Constant
    | Variable
    | ViewerId
    | NewId
    | Returned
    | IdempotencyKey
    | Fingerprint
    | Default
    | Unusable
    | SqlConstant
    | Items
    | Checked
)
