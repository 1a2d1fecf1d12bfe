"""The pass that marks the rows of a plan which are known to be the viewer's own.

`plan.guard` adds no rule to them, and `sql.audit` does not record that they were read. It errs on
one side only: rows that are not known to be the viewer's are guarded and audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from poutama.plan.nodes import All, AnyOf, Exists, Own, OwnedBy, Predicate, Read, Rows
from poutama.plan.traversal import rewrite_rows
from poutama.plan.values import ViewerId
from poutama.schema.model import (
    Audience,
    Entity,
    Relation,
    RelationShape,
    Relationship,
    Scope,
    Through,
)


def mark_own(_: Mapping[str, Entity], read: Read) -> Read:
    """The plan, with what is known of each set of rows from its condition and from its parent."""
    return rewrite_rows(read, _mark)


def is_implied(parent: Entity | None, relation: Relation | None, target: Entity) -> bool:
    """Whether a visible parent makes these rows visible, whatever they are.

    The row that a relation leads to is visible where the parent can be seen by way of it alone;
    the rows that belong to a parent, where their one rule is that of the parent.
    """
    if parent is None or relation is None or relation.memberships is not None:
        return False
    if relation.shape is RelationShape.ONE:
        return parent.rule.follows(target.name, relation.key)
    through = target.rule.through
    return through is not None and (through.target, through.key) == (parent.name, relation.key)


def is_known(alternative: Audience | Through, rows: Rows, parent: Rows | None) -> bool | None:
    """Whether the viewer is known to be one of those whom a rule's alternative means, or known to
    be none of them; None where only the database knows. Conditions on the row are left out.
    """
    match alternative:
        case Audience():
            return _includes_owner(alternative, rows.own)
        case Through(relation, to, _, within):
            if parent is None or rows.relation is None or rows.relation.shape is RelationShape.ONE:
                return None
            if (relation.target, relation.key) != (parent.entity.name, rows.relation.key):
                return None
            if to is None and within is None:
                return True
            return _owner_is_one_of(to, parent)


def is_reached(entity: Entity, relation: Relation | None) -> bool:
    """Whether `plan.guard` has found by memberships who may see such rows: their rule asks what the
    viewer is to the person alone, and nothing of the row.
    """
    return (
        relation is not None
        and relation.memberships is not None
        and all(
            isinstance(each, Audience)
            and (each.scope, each.column) == (Scope.PERSON, relation.key)
            and not (each.row_is or each.within or each.besides)
            for each in entity.rule.alternatives
        )
    )


def is_part(parent: Entity, relation: Relation | None, target: Entity) -> bool:
    """Whether `@audited` says that the rows are data of the same person as their parent."""
    if relation is None or relation.memberships is not None:
        return False
    part, whole = (parent, target) if relation.shape is RelationShape.ONE else (target, parent)
    if part.audit is None or part.audit.through is None:
        return False
    through = part.relation(part.audit.through)
    return (through.target, through.key) == (whole.name, relation.key)


def _mark(rows: Rows, parent: Rows | None) -> Rows:
    entity, relation = rows.entity, rows.relation
    own = join(rows.own, held_by(entity, rows.where))
    if parent is not None and relation is not None:
        own = join(own, follow(parent.own, parent.entity, relation, entity))
    return replace(rows, own=own)


def held_by(entity: Entity, where: Predicate) -> Own:
    """What a condition says of the rows that it keeps."""
    return _conclude(entity, frozenset(_held_columns(where)), data=_holds_data(entity, where))


def follow(held: Own, parent: Entity, relation: Relation, target: Entity) -> Own:
    """What rows inherit from their parent."""
    columns: set[str] = set()
    if relation.shape is RelationShape.ONE:
        if relation.key in held.columns:
            columns.add("id")
    elif "id" in held.columns and relation.key is not None and relation.memberships is None:
        columns.add(relation.key)
    data = held.data and is_part(parent, relation, target)
    return _conclude(target, frozenset(columns), data=data)


def join(one: Own, other: Own) -> Own:
    """What two sources know together."""
    return Own(one.columns | other.columns, one.data or other.data)


def _includes_owner(audience: Audience, own: Own) -> bool | None:
    """Whether an audience is about the viewer's own row: then it means SELF or not the viewer."""
    if audience.scope is not Scope.PERSON or audience.column not in own.columns:
        return None
    return Relationship.SELF in audience.relationships


def _owner_is_one_of(to: tuple[Relationship, ...] | None, parent: Rows) -> bool | None:
    """Whether the viewer, known to own the parent, sees it as one of these."""
    rule = parent.entity.rule.alternatives
    known = [
        _includes_owner(each, parent.own) if isinstance(each, Audience) else None for each in rule
    ]
    if (to is None or Relationship.SELF in to) and any(
        found is True and not each.row_is for found, each in zip(known, rule, strict=True)
    ):
        return True
    return False if to is not None and Relationship.SELF not in to and None not in known else None


def _conclude(entity: Entity, columns: frozenset[str], *, data: bool) -> Own:
    if entity.subject is None:
        return Own(columns, data)
    if data:
        columns |= {entity.subject}
    return Own(columns, entity.subject in columns)


def _holds_data(entity: Entity, where: Predicate) -> bool:
    """Whether the condition says of the row behind `@audited` that it is the viewer's data."""
    match where:
        case All(parts):
            return any(_holds_data(entity, part) for part in parts)
        case AnyOf((part,)):
            return _holds_data(entity, part)
        case Exists(relation, target, inner):
            return is_part(entity, relation, target) and held_by(target, inner).data
        case _:
            return False


def _held_columns(where: Predicate) -> set[str]:
    match where:
        case All(parts):
            return {column for part in parts for column in _held_columns(part)}
        case AnyOf((part,)):
            return _held_columns(part)
        case OwnedBy(column, ViewerId()):
            return {column}
        case _:
            return set()
