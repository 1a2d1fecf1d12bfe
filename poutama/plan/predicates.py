"""Conditions on rows, as parts of a plan: what filters ask and what rules demand.

Part of `plan.nodes`, which is where every other module imports these from. A condition is true or
false of a row, never unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from poutama.plan.values import Value
from poutama.schema.model import Column, Entity, Relation, Relationship, Scope, Within


class Comparison(StrEnum):
    """How a column is held against a value. A comparison with NULL is false, never unknown."""

    EQ = "="
    LT = "<"
    LTE = "<="
    GT = ">"
    GTE = ">="
    CONTAINS = "contains"
    STARTS_WITH = "starts with"
    MEMBER = "in"


@dataclass(frozen=True, slots=True)
class Compare:
    """The column holds such a value."""

    column: Column
    comparison: Comparison
    value: Value
    folded: bool = False
    """Whether the search copy of the column is meant."""


@dataclass(frozen=True, slots=True)
class HasWords:
    """Each of these words is in the search copy of one of the columns; no words, true."""

    columns: tuple[Column, ...]
    words: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """The column holds no value."""

    column: Column


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """The column (named as in the table) holds this id."""

    column: str
    value: Value


@dataclass(frozen=True, slots=True)
class Confined:
    """Only memberships in the organisation that the column `within` names count.

    `above`: of which row: 0 the row that the condition is about, 1 the one whose relation led to
    it, and so on.
    """

    within: Within
    above: int = 0


@dataclass(frozen=True, slots=True)
class HasRelationship:
    """The viewer has one of these relationships to what the column (as in the table) names."""

    scope: Scope
    column: str
    relationships: tuple[Relationship, ...]
    confined: tuple[Confined, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; of none, true."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class OneAmong:
    """The row is one of those of which a part holds, each of which is looked for by itself.

    As `AnyOf`, for a table of which few rows are meant: an index finds those of each part, where a
    condition with OR goes through all of the table.
    """

    entity: Entity
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; of none, false."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Exists:
    """A row of the relation's target fits."""

    relation: Relation
    target: Entity
    where: Predicate


@dataclass(frozen=True, slots=True)
class OneOf:
    """The row's column, or a value of the request whatever the row is, is one of these words."""

    subject: Column | Value
    options: tuple[str, ...]


Predicate: TypeAlias = (
    Compare
    | HasWords
    | IsNull
    | OwnedBy
    | HasRelationship
    | All
    | AnyOf
    | OneAmong
    | Not
    | Exists
    | OneOf
)

ALWAYS = All(())
NEVER = AnyOf(())
