"""Which rows of a plan are known to be the viewer's own: their rule need not be asked, and that
they were read need not be written down.

Called by `plan.guard` on the way down a selection. It errs on one side only: rows not known to be
the viewer's are asked about, whosever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from poutama.plan.nodes import All, OwnedBy, Predicate
from poutama.plan.values import ViewerId
from poutama.schema.model import Audience, Entity, Relation, Shape, Standing


@dataclass(frozen=True, slots=True)
class Own:
    """What is known of all rows at one place of a selection."""

    columns: frozenset[str] = frozenset()
    """Columns that hold the viewer's id."""
    data: bool = False
    """Whether the rows are data of the viewer."""


UNKNOWN = Own()


def held_by(entity: Entity, where: Predicate) -> Own:
    """What a condition says of the rows that it keeps."""
    return _conclude(entity, frozenset(_held_columns(where)), data=False)


def follow(held: Own, parent: Entity, relation: Relation, target: Entity, *, implied: bool) -> Own:
    """What rows inherit from those they hang on; `implied`: one rule is that of the other."""
    columns: set[str] = set()
    if relation.shape is Shape.ONE:
        if relation.key in held.columns:
            columns.add("id")
        borrower = parent
    else:
        if "id" in held.columns and relation.key is not None:
            columns.add(relation.key)
        borrower = target
    # A row without a subject of its own is data of whoever's the row behind its rule is.
    data = implied and held.data and borrower.subject is None
    return _conclude(target, frozenset(columns), data=data)


def join(one: Own, other: Own) -> Own:
    """What two sources know together."""
    return Own(one.columns | other.columns, one.data or other.data)


def is_seen_by_owner(entity: Entity, own: Own) -> bool:
    """Whether whoever's id stands in the known columns may see the rows for that alone."""
    return any(
        isinstance(each, Audience)
        and Standing.SELF in each.standings
        and each.column in own.columns
        for each in entity.rule.alternatives
    )


def _conclude(entity: Entity, columns: frozenset[str], *, data: bool) -> Own:
    if entity.subject is None:
        return Own(columns, data)
    if data:
        columns |= {entity.subject}
    return Own(columns, entity.subject in columns)


def _held_columns(where: Predicate) -> set[str]:
    match where:
        case All(parts):
            return {column for part in parts for column in _held_columns(part)}
        case OwnedBy(column, ViewerId()):
            return {column}
        case _:
            return set()
