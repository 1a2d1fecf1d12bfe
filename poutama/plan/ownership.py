"""The pass that marks the rows of a plan which are known to be the viewer's own.

`plan.guard` adds no rule to them, and `sql.audit` does not record that they were read. It errs on
one side only: rows that are not known to be the viewer's are guarded and audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from poutama.plan.nodes import All, Own, OwnedBy, Predicate, Read, Rows
from poutama.plan.values import ViewerId
from poutama.plan.walk import rewrite_rows
from poutama.schema.model import Audience, Entity, Relation, RelationShape, Relationship


def mark_own(_: Mapping[str, Entity], read: Read) -> Read:
    """The plan, with what is known of each set of rows from its condition and from its parent."""
    return rewrite_rows(read, _mark)


def is_implied(parent: Entity | None, relation: Relation | None, target: Entity) -> bool:
    """Whether a visible parent makes these rows visible: the one rule is that of the other."""
    if parent is None or relation is None:
        return False
    owner, other = (parent, target) if relation.shape is RelationShape.ONE else (target, parent)
    through = owner.rule.through
    return through is not None and (through.target, through.key) == (other.name, relation.key)


def _mark(rows: Rows, parent: Rows | None) -> Rows:
    entity, relation = rows.entity, rows.relation
    own = held_by(entity, rows.where)
    if parent is not None and relation is not None:
        implied = is_implied(parent.entity, relation, entity)
        own = join(own, follow(parent.own, parent.entity, relation, entity, implied=implied))
    return replace(rows, own=own)


def held_by(entity: Entity, where: Predicate) -> Own:
    """What a condition says of the rows that it keeps."""
    return _conclude(entity, frozenset(_held_columns(where)), data=False)


def follow(held: Own, parent: Entity, relation: Relation, target: Entity, *, implied: bool) -> Own:
    """What rows inherit from their parent; `implied`: as `is_implied`."""
    columns: set[str] = set()
    if relation.shape is RelationShape.ONE:
        if relation.key in held.columns:
            columns.add("id")
        borrower = parent
    else:
        if "id" in held.columns and relation.key is not None:
            columns.add(relation.key)
        borrower = target
    # A row without a subject of its own is data of the same person as the row behind its rule.
    data = implied and held.data and borrower.subject is None
    return _conclude(target, frozenset(columns), data=data)


def join(one: Own, other: Own) -> Own:
    """What two sources know together."""
    return Own(one.columns | other.columns, one.data or other.data)


def is_seen_by_owner(entity: Entity, own: Own) -> bool:
    """Whether the viewer may see the rows because the known columns hold their id."""
    return any(
        isinstance(each, Audience)
        and Relationship.SELF in each.relationships
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
