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
    ALWAYS,
    All,
    AnyOf,
    Compare,
    Confined,
    Exists,
    HasRelationship,
    HasWords,
    IsNull,
    Leaf,
    Link,
    Not,
    OneAmong,
    OneOf,
    OwnedBy,
    Predicate,
    Read,
    Rows,
)
from poutama.plan.ownership import is_implied, is_known, is_reached
from poutama.plan.traversal import rewrite_leaves, rewrite_rows
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import Audience, Column, Entity, Relationship, Rule, Scope, Through


def visible_rows(entities: Mapping[str, Entity], entity: Entity) -> Predicate:
    """The rule of a type, as a predicate over its table."""
    return allowed_by(entities, entity.rule)


def allowed_by(
    entities: Mapping[str, Entity],
    rule: Rule,
    only: tuple[Relationship, ...] | None = None,
    confined: tuple[Confined, ...] = (),
) -> Predicate:
    """A rule as a predicate over the table it is about.

    `only` these relationships count, and only those that come from memberships in what `confined`
    names.
    """
    parts: list[Predicate] = []
    for alternative in rule.alternatives:
        within = (
            confined if alternative.within is None else (*confined, Confined(alternative.within))
        )
        match alternative:
            case Audience(scope, column, relationships, besides=besides):
                counted = tuple(each for each in relationships if only is None or each in only)
                found = _related(scope, column, counted, within)
                if besides and found:
                    both = (_any_of(found), _any_of(_related(scope, column, besides, ())))
                    found = [All(both)]
            case Through(relation, to):
                target = entities[relation.target]
                farther = tuple(replace(each, above=each.above + 1) for each in within)
                inner = allowed_by(entities, target.rule, _narrower(to, only), farther)
                found = [Exists(relation, target, inner)]
        if found and alternative.row_is:
            found = [All((*row_conditions(alternative), _any_of(found)))]
        parts += found
    return _any_of(parts)


def row_conditions(alternative: Audience | Through) -> tuple[Predicate, ...]:
    """What an alternative asks of the row itself."""
    return tuple(OneOf(each.column, each.values) for each in alternative.row_is)


def once_written(predicate: Predicate, values: Mapping[str, Value]) -> Predicate:
    """A rule, about a row in whose columns these values are written."""
    match predicate:
        case OneOf(Column(name=name), options) if name in values:
            return OneOf(values[name], options)
        case All(parts):
            return All(tuple(once_written(part, values) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(once_written(part, values) for part in parts))
        case _:
            return predicate


def intersect(allowed: Predicate, visible: Predicate) -> Predicate:
    """That both rules hold; the first alone where it is the narrower one."""
    return allowed if is_narrower(allowed, visible) else All((visible, allowed))


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
    own (`mark_own` runs before), or because the same statement has just written it. Where that
    leaves conditions on the row itself, these are added alone.
    """

    def confine(rows: Rows, parent: Rows | None) -> Rows:
        if rows.written is not None:
            return rows
        if rows.link is not None:
            rows = replace(rows, link=_confine_link(entities, rows, rows.link))
        rule = _unknown_rest(entities, rows, parent)
        if parent is None and _is_unselective(rows.where) and isinstance(rule, AnyOf):
            # Of all there are, the viewer sees few: the others are not even looked at.
            rule = OneAmong(rows.entity, rule.parts)
        return rows if rule == ALWAYS else replace(rows, where=All((rule, rows.where)))

    return rewrite_rows(read, confine)


def _is_unselective(where: Predicate) -> bool:
    """Whether it leaves most rows of a table: it asks at most that something is absent."""
    match where:
        case All(parts):
            return all(map(_is_unselective, parts))
        case _:
            return isinstance(where, IsNull)


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
        case Compare() | HasWords() | IsNull() | OwnedBy() | HasRelationship() | OneOf():
            return predicate
        case All(parts):
            return All(tuple(guard_predicate(entities, entity, part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(guard_predicate(entities, entity, part) for part in parts))
        case OneAmong(among, parts):
            return OneAmong(among, tuple(guard_predicate(entities, entity, part) for part in parts))
        case Not(part):
            return Not(guard_predicate(entities, entity, part))
        case Exists(relation, target, where):
            inner = guard_predicate(entities, target, where)
            if not is_implied(entity, relation, target):
                inner = All((visible_rows(entities, target), inner))
            return Exists(relation, target, inner)
        case _:
            assert_never(predicate)


def _confine_link(entities: Mapping[str, Entity], rows: Rows, link: Link) -> Link:
    """The memberships that the viewer may see; and of those the ones of people whose rows they may.

    What is left out by `reach` the rule of the rows leaves out as well: it spares looking at them.
    """
    assert rows.relation is not None
    found: list[Relationship] = []
    for alternative in rows.entity.rule.alternatives:
        match alternative:
            case Audience(Scope.PERSON, column, relationships) if column == rows.relation.key:
                found += relationships
            case _:
                return replace(link, where=visible_rows(entities, link.entity))
    reach = _any_of(_related(Scope.PERSON, link.person, tuple(dict.fromkeys(found)), ()))
    return replace(link, where=visible_rows(entities, link.entity), reach=reach)


def _unknown_rest(entities: Mapping[str, Entity], rows: Rows, parent: Rows | None) -> Predicate:
    """What is left of the rule of these rows, after what is known of them; ALWAYS for nothing."""
    entity = rows.entity
    if is_implied(parent.entity if parent else None, rows.relation, entity):
        return ALWAYS
    if is_reached(entity, rows.relation):
        return ALWAYS
    parts: list[Predicate] = []
    for alternative in entity.rule.alternatives:
        match is_known(alternative, rows, parent):
            case True if not alternative.row_is:
                return ALWAYS
            case True:
                parts.append(All(row_conditions(alternative)))
            case None:
                parts.append(allowed_by(entities, Rule((alternative,))))
    return _any_of(_flat(parts))


def _flat(parts: list[Predicate]) -> list[Predicate]:
    found: list[Predicate] = []
    for part in parts:
        match part:
            case AnyOf(inner):
                found += inner
            case All((only,)):
                found.append(only)
            case _:
                found.append(part)
    return found


def _any_of(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def _related(
    scope: Scope,
    column: str,
    relationships: tuple[Relationship, ...],
    confined: tuple[Confined, ...],
) -> list[Predicate]:
    parts: list[Predicate] = []
    if Relationship.SELF in relationships:
        parts.append(OwnedBy(column, ViewerId()))
    others = tuple(each for each in relationships if each is not Relationship.SELF)
    if others:
        parts.append(HasRelationship(scope, column, others, confined))
    return parts


def _narrower(
    to: tuple[Relationship, ...] | None, only: tuple[Relationship, ...] | None
) -> tuple[Relationship, ...] | None:
    if to is None or only is None:
        return to if only is None else only
    return tuple(each for each in to if each in only)


def is_narrower(allowed: Predicate, visible: Predicate) -> bool:
    """Whether the second rule holds wherever the first does, as far as their form tells."""
    match allowed, visible:
        case AnyOf(parts), _:
            return bool(parts) and all(is_narrower(part, visible) for part in parts)
        case _, All(parts):
            return all(is_narrower(allowed, part) for part in parts)
        case _, AnyOf(parts):
            return any(is_narrower(allowed, part) for part in parts)
        case All(parts), _:
            return any(is_narrower(part, visible) for part in parts)
        case Exists(relation, _, inner), Exists(other, _, outer):
            return relation == other and is_narrower(inner, outer)
        case OneOf(subject, options), OneOf(other_subject, others):
            return subject == other_subject and set(options) <= set(others)
        case HasRelationship(scope, column, some, confined), HasRelationship(
            other_scope, other_column, relationships, other_confined
        ):
            same = (scope, column) == (other_scope, other_column)
            return same and set(some) <= set(relationships) and set(other_confined) <= set(confined)
        case _:
            return allowed == visible
