"""The passes that confine a plan to what its viewer may see.

Deny by default: a type without a rule does not load (`schema.load`), and every place by which
rows can be reached, a root, a relation, a filter or a count, is confined by one of them. A
relation that the rule itself follows is not confined twice: tasks reached through a goal that was
guarded need no rule of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Exists,
    HasRelationship,
    IsNull,
    Leaf,
    Not,
    OneOf,
    OwnedBy,
    Predicate,
    Read,
    Rows,
)
from poutama.plan.ownership import is_implied, is_seen_by_owner
from poutama.plan.values import ViewerId
from poutama.plan.walk import rewrite_leaves, rewrite_rows
from poutama.schema.model import Audience, Entity, Relationship, Rule, Scope, Through


def visible_rows(entities: Mapping[str, Entity], entity: Entity) -> Predicate:
    """The rule of a type, as a predicate over its table."""
    return allowed_by(entities, entity.rule)


def allowed_by(
    entities: Mapping[str, Entity], rule: Rule, only: tuple[Relationship, ...] | None = None
) -> Predicate:
    """A rule as a predicate over the table it is about; `only` these relationships count."""
    parts: list[Predicate] = []
    for alternative in rule.alternatives:
        match alternative:
            case Audience(scope, column, relationships):
                counted = tuple(each for each in relationships if only is None or each in only)
                parts += _related(scope, column, counted)
            case Through(relation, to):
                target = entities[relation.target]
                inner = allowed_by(entities, target.rule, _narrower(to, only))
                parts.append(Exists(relation, target, inner))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def both(allowed: Predicate, visible: Predicate) -> Predicate:
    """That both rules hold; the first alone where it is the narrower one."""
    return allowed if _narrows(allowed, visible) else All((visible, allowed))


def confine_filters(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, in whose filters only visible rows count.

    It runs before `confine_rows`, whose own rules must not be confined once more.
    """

    def confine(rows: Rows, _: Rows | None) -> Rows:
        return replace(rows, filter=guard_predicate(entities, rows.entity, rows.filter))

    return rewrite_rows(read, confine)


def confine_rows(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, each of whose rows obey the rule of their type.

    No rule is added where it holds anyway: through the parent's, because the row is the viewer's
    own (`mark_own` runs before), or because the same statement has just written it.
    """

    def confine(rows: Rows, parent: Rows | None) -> Rows:
        entity = rows.entity
        if (
            rows.written is not None
            or is_implied(parent.entity if parent else None, rows.relation, entity)
            or is_seen_by_owner(entity, rows.own)
        ):
            return rows
        return replace(rows, where=All((visible_rows(entities, entity), rows.where)))

    return rewrite_rows(read, confine)


def hide_fields(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, whose `@restricted` fields are null for those whom their own rule excludes."""

    def hide(leaf: Leaf) -> Leaf:
        rule = leaf.column.restricted
        return leaf if rule is None else replace(leaf, shown=allowed_by(entities, rule))

    return rewrite_leaves(read, hide)


def guard_predicate(
    entities: Mapping[str, Entity], entity: Entity, predicate: Predicate
) -> Predicate:
    """A filter over `entity`, in which only visible rows count."""
    match predicate:
        case Compare() | IsNull() | OwnedBy() | HasRelationship() | OneOf():
            return predicate
        case All(parts):
            return All(tuple(guard_predicate(entities, entity, part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(guard_predicate(entities, entity, part) for part in parts))
        case Not(part):
            return Not(guard_predicate(entities, entity, part))
        case Exists(relation, target, where):
            inner = guard_predicate(entities, target, where)
            if not is_implied(entity, relation, target):
                inner = All((visible_rows(entities, target), inner))
            return Exists(relation, target, inner)
        case _:
            assert_never(predicate)


def _related(scope: Scope, column: str, relationships: tuple[Relationship, ...]) -> list[Predicate]:
    parts: list[Predicate] = []
    if Relationship.SELF in relationships:
        parts.append(OwnedBy(column, ViewerId()))
    others = tuple(each for each in relationships if each is not Relationship.SELF)
    if others:
        parts.append(HasRelationship(scope, column, others))
    return parts


def _narrower(
    to: tuple[Relationship, ...] | None, only: tuple[Relationship, ...] | None
) -> tuple[Relationship, ...] | None:
    if to is None or only is None:
        return to if only is None else only
    return tuple(each for each in to if each in only)


def _narrows(allowed: Predicate, visible: Predicate) -> bool:
    """Whether the second rule holds wherever the first does, as far as their form tells."""
    match allowed, visible:
        case AnyOf(parts), _:
            return bool(parts) and all(_narrows(part, visible) for part in parts)
        case _, AnyOf(parts):
            return any(_narrows(allowed, part) for part in parts)
        case Exists(relation, _, inner), Exists(other, _, outer):
            return relation == other and _narrows(inner, outer)
        case HasRelationship(scope, column, some), HasRelationship(
            other_scope, other_column, relationships
        ):
            same = (scope, column) == (other_scope, other_column)
            return same and set(some) <= set(relationships)
        case _:
            return allowed == visible
