"""What the viewer may see, added to every node of a plan.

Deny by default: a type without a rule does not load (`schema.load`), and every place by which
rows can be reached, be it a root, a relation, a filter or a count, passes through `guard_rows` or
`guard_predicate`. A relation that the rule itself follows is not asked twice: tasks reached
through a goal that was guarded need no second look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar, assert_never

from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Cursor,
    EdgeList,
    EdgeNode,
    Exists,
    IsNull,
    Leaf,
    Many,
    Member,
    NodeList,
    Not,
    One,
    OwnedBy,
    Page,
    Predicate,
    Read,
    RowId,
    Rows,
    Stands,
    Text,
    View,
)
from poutama.plan.ownership import UNKNOWN, Own, follow, held_by, is_seen_by_owner, join
from poutama.plan.values import ViewerId
from poutama.schema.model import (
    Audience,
    Column,
    Computed,
    Entity,
    Relation,
    Rule,
    Scope,
    Shape,
    Standing,
    Through,
)

M = TypeVar("M", bound=Member)
E = TypeVar("E", Text, Cursor, EdgeNode, Text | Cursor | EdgeNode)


def visible_rows(entities: Mapping[str, Entity], entity: Entity) -> Predicate:
    """The rule of a type, as a predicate over its table."""
    return allowed_by(entities, entity.rule)


def allowed_by(
    entities: Mapping[str, Entity], rule: Rule, only: tuple[Standing, ...] | None = None
) -> Predicate:
    """A rule as a predicate over the table it is about; `only` these standings count."""
    parts: list[Predicate] = []
    for alternative in rule.alternatives:
        match alternative:
            case Audience(scope, column, standings):
                counted = tuple(each for each in standings if only is None or each in only)
                parts += _stands(scope, column, counted)
            case Through(relation, to):
                target = entities[relation.target]
                inner = allowed_by(entities, target.rule, _narrower(to, only))
                parts.append(Exists(relation, target, inner))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def both(allowed: Predicate, visible: Predicate) -> Predicate:
    """That both rules hold; the first alone where it is the narrower one."""
    return allowed if _narrows(allowed, visible) else All((visible, allowed))


def guard_read(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, confined to what its viewer may see."""
    return Read(tuple(guard_member(entities, None, root) for root in read.roots))


def guard_member(
    entities: Mapping[str, Entity], parent: Entity | None, member: M, *, own: Own = UNKNOWN
) -> M:
    """One member of a selection on `parent`, and all below it; `own`: what is known of its rows."""
    match member:
        case Text() | RowId():
            return member
        case Leaf(_, Column(restricted=Rule() as rule) | Computed(restricted=Rule() as rule)):
            return replace(member, shown=allowed_by(entities, rule))
        case Leaf():
            return member
        case One() | Many():
            rows, _ = guard_rows(entities, parent, member.rows, own=own)
            return replace(member, rows=rows)
        case Page():
            rows, known = guard_rows(entities, parent, member.rows, own=own)
            views = tuple(
                _guard_view(entities, rows.entity, view, own=known) for view in member.views
            )
            return replace(member, rows=rows, views=views)
        case _:
            assert_never(member)


def guard_rows(
    entities: Mapping[str, Entity], parent: Entity | None, rows: Rows, *, own: Own = UNKNOWN
) -> tuple[Rows, Own]:
    """These rows, those of them that the viewer may see; and what is known of them."""
    entity = rows.entity
    implied = _is_implied(parent, rows.relation, entity)
    known = held_by(entity, rows.where)
    if parent is not None and rows.relation is not None:
        known = join(known, follow(own, parent, rows.relation, entity, implied=implied))
    where = guard_predicate(entities, entity, rows.where)
    if not implied and not is_seen_by_owner(entity, known):
        where = All((visible_rows(entities, entity), where))
    fields = tuple(guard_member(entities, entity, field, own=known) for field in rows.fields)
    return replace(rows, where=where, fields=fields, own=known.data), known


def guard_predicate(
    entities: Mapping[str, Entity], entity: Entity, predicate: Predicate
) -> Predicate:
    """A filter over `entity`, in which only visible rows count."""
    match predicate:
        case Compare() | IsNull() | OwnedBy() | Stands():
            return predicate
        case All(parts):
            return All(tuple(guard_predicate(entities, entity, part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(guard_predicate(entities, entity, part) for part in parts))
        case Not(part):
            return Not(guard_predicate(entities, entity, part))
        case Exists(relation, target, where):
            inner = guard_predicate(entities, target, where)
            if not _is_implied(entity, relation, target):
                inner = All((visible_rows(entities, target), inner))
            return Exists(relation, target, inner)
        case _:
            assert_never(predicate)


def _guard_view(entities: Mapping[str, Entity], entity: Entity, view: View, *, own: Own) -> View:
    match view:
        case NodeList(_, fields):
            guarded = tuple(guard_member(entities, entity, field, own=own) for field in fields)
            return replace(view, fields=guarded)
        case EdgeList(_, members):
            return replace(
                view,
                members=tuple(_guard_edge(entities, entity, member, own=own) for member in members),
            )
        case _:
            return view


def _guard_edge(entities: Mapping[str, Entity], entity: Entity, member: E, *, own: Own) -> E:
    if not isinstance(member, EdgeNode):
        return member
    fields = tuple(guard_member(entities, entity, field, own=own) for field in member.fields)
    return replace(member, fields=fields)


def _is_implied(parent: Entity | None, relation: Relation | None, target: Entity) -> bool:
    """Whether a visible parent makes these rows visible."""
    if parent is None or relation is None:
        return False
    if relation.shape is Shape.ONE:
        through = parent.rule.through
        return through is not None and (through.target, through.key) == (target.name, relation.key)
    through = target.rule.through
    return through is not None and (through.target, through.key) == (parent.name, relation.key)


def _stands(scope: Scope, column: str, standings: tuple[Standing, ...]) -> list[Predicate]:
    parts: list[Predicate] = []
    if Standing.SELF in standings:
        parts.append(OwnedBy(column, ViewerId()))
    others = tuple(each for each in standings if each is not Standing.SELF)
    if others:
        parts.append(Stands(scope, column, others))
    return parts


def _narrower(
    to: tuple[Standing, ...] | None, only: tuple[Standing, ...] | None
) -> tuple[Standing, ...] | None:
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
        case Stands(scope, column, some), Stands(other_scope, other_column, standings):
            same = (scope, column) == (other_scope, other_column)
            return same and set(some) <= set(standings)
        case _:
            return allowed == visible
