"""A walk through a plan that names each place where rows are reached without a look at whose they
are: neither guarded, nor implied by the row they hang on, nor known to be the viewer's own.

Used by `test_guard`. It knows of the guard only what the schema says, and finds out by itself
which columns hold the viewer's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from poutama.features import load_model
from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Delete,
    Exists,
    HasRelationship,
    Insert,
    IsNull,
    Leaf,
    OwnedBy,
    Page,
    Parent,
    Predicate,
    Rows,
    Update,
)
from poutama.plan.steps import Write
from poutama.plan.values import ViewerId
from poutama.schema.model import (
    Action,
    Audience,
    Entity,
    OrderTerm,
    Relation,
    RelationShape,
    Relationship,
    Rule,
    Scope,
    Through,
)

MODEL = load_model()

Facts = frozenset[str]
"""Paths of columns that hold the viewer's id: `person_id` of the row itself, `goal_id.person_id`
of the row that its `goal_id` names."""
UNKNOWN: Facts = frozenset()


PLAN = ("poutama.plan.nodes", "poutama.plan.steps")
"""The modules of what a plan is made of."""


def unguarded(node: Any, parent: Entity | None = None, facts: Facts = UNKNOWN) -> Iterator[str]:
    """The places below the node where rows are reached without a look at whose they are."""
    match node:
        case Rows():
            yield from unguarded_rows(node, parent, facts)
        case Page():
            yield from unguarded(node.rows, parent, facts)
            for view in node.views:
                yield from inside(view, node.rows.entity, known(node.rows, facts))
        case Exists(relation, target, where):
            if not (grants(where, target.rule) or is_implied(relation, target, parent)):
                yield f"{target.name} in a filter by {relation.name}"
            yield from inside(node, target, UNKNOWN)
        case Leaf(_, column, shown):
            if column.restricted is not None and not grants(shown, column.restricted):
                yield f"{column.field} for everybody"
            yield from inside(node, parent, UNKNOWN)
        case Compare() | IsNull() | OrderTerm() if node.column.restricted is not None:
            yield f"{node.column.field} by what it is held against"
        case _:
            yield from inside(node, parent, facts_below(node, facts))


def unguarded_rows(rows: Rows, parent: Entity | None, facts: Facts) -> Iterator[str]:
    entity, found = rows.entity, known(rows, facts)
    # What the same statement has written passed the guard of its change.
    seen = rows.written is not None or grants(rows.where, entity.rule)
    if not (seen or is_implied(rows.relation, entity, parent) or is_own(entity, found)):
        yield f"{entity.name} by {rows.relation and rows.relation.name}"
    if rows.own.data and not is_own(entity, found):
        yield f"{entity.name} taken for the viewer's own"
    if rows.own.data and entity.subject is not None and entity.subject not in found:
        yield f"{entity.name} of somebody else, read unnoticed"
    yield from inside(rows, entity, found)


def inside(node: Any, parent: Entity | None, facts: Facts) -> Iterator[str]:
    for part in fields(node):
        value = getattr(node, part.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, OrderTerm) or (
                is_dataclass(item) and type(item).__module__ in PLAN
            ):
                yield from unguarded(item, parent, facts)


def known(rows: Rows, above: Facts) -> Facts:
    """What is known of the rows: by their own condition, and by the row that they hang on."""
    found = {
        part.column for part in conjuncts(rows.where) if isinstance(part, OwnedBy) and mine(part)
    }
    if rows.relation is None:
        found |= above
    else:
        key = f"{rows.relation.key}"
        if rows.relation.shape is RelationShape.ONE:
            found |= {path.removeprefix(f"{key}.") for path in above if path.startswith(f"{key}.")}
            found |= {"id"} if key in above else set()
        else:
            found |= {f"{key}.{path}" for path in above}
            found |= {key} if "id" in above else set()
    return frozenset(found)


def facts_below(node: Any, facts: Facts) -> Facts:
    """What is known of rows in the payload of a change: what its guard holds."""
    return written_facts(node.change) if isinstance(node, Write) else facts


def written_facts(change: Update | Delete | Insert) -> Facts:
    """What is known of a row that a change writes."""
    if not isinstance(change, Insert):
        return held(change.guard)
    owner = {change.entity.owner} if change.entity.owner is not None else set()
    behind = {
        f"{parent.relation.key}.{path}" for parent in change.parents for path in held(parent.guard)
    }
    return frozenset(owner | behind)


def held(where: Predicate) -> Facts:
    """The columns, and those of rows behind relations, that hold the viewer's id."""
    found = set()
    for part in conjuncts(where):
        match part:
            case OwnedBy(column) if mine(part):
                found.add(column)
            case Exists(relation, _, inner):
                found |= {f"{relation.key}.{path}" for path in held(inner)}
    return frozenset(found)


def mine(part: OwnedBy) -> bool:
    return part.value == ViewerId()


def is_own(entity: Entity, facts: Facts) -> bool:
    """Whether what is known of a row makes the viewer the person whom the rule lets see it."""
    for alternative in entity.rule.alternatives:
        match alternative:
            case Audience(Scope.PERSON, column, relationships):
                if Relationship.SELF in relationships and column in facts:
                    return True
            case Through(relation, None):
                behind = f"{relation.key}."
                rest = frozenset(p.removeprefix(behind) for p in facts if p.startswith(behind))
                if is_own(MODEL.entities[relation.target], rest):
                    return True
    return False


def is_implied(relation: Relation | None, entity: Entity, parent: Entity | None) -> bool:
    """Whether a visible parent makes the rows visible: one rule says just what the other does."""
    if relation is None or parent is None:
        return False
    if relation.shape is RelationShape.ONE:
        return parent.rule.alternatives == (Through(relation),)
    match entity.rule.alternatives:
        case (Through(through, None),):
            return (through.target, through.key) == (parent.name, relation.key)
    return False


def grants(where: Predicate, rule: Rule) -> bool:
    """Whether nobody passes the condition but those whom the rule lets pass."""
    match where:
        case All(parts):
            return any(grants(part, rule) for part in parts)
        case AnyOf(parts):
            return bool(parts) and all(grants(part, rule) for part in parts)
        case OwnedBy(column) if mine(where):
            return Relationship.SELF in told(rule, Scope.PERSON, column)
        case HasRelationship(scope, column, relationships):
            return bool(relationships) and set(relationships) <= told(rule, scope, column)
        case Exists(relation, target, inner):
            return any(
                isinstance(each, Through)
                and each.relation == relation
                and grants(inner, narrowed(target.rule, each.to))
                for each in rule.alternatives
            )
        case _:
            return False


def told(rule: Rule, scope: Scope, column: str) -> set[Relationship]:
    """The relationships to what the column names that the rule lets pass."""
    return {
        relationship
        for each in rule.alternatives
        if isinstance(each, Audience) and (each.scope, each.column) == (scope, column)
        for relationship in each.relationships
    }


def narrowed(rule: Rule, to: tuple[Relationship, ...] | None) -> Rule:
    """The rule for those alone who stand as one of `to`."""
    if to is None:
        return rule
    return Rule(
        tuple(
            replace(each, relationships=tuple(s for s in each.relationships if s in to))
            if isinstance(each, Audience)
            else replace(each, to=to if each.to is None else tuple(s for s in each.to if s in to))
            for each in rule.alternatives
        )
    )


def conjuncts(where: Predicate) -> Iterator[Predicate]:
    match where:
        case All(parts) | AnyOf((_,) as parts):
            for part in parts:
                yield from conjuncts(part)
        case _:
            yield where


def unguarded_change(change: Update | Delete | Insert) -> Iterator[str]:
    """The rules of change and of visibility that the change does not ask."""
    entity = change.entity
    if isinstance(change, Insert):
        rule = entity.changes[Action.INSERT]
        owned = entity.owner is not None and (
            Relationship.SELF in told(rule, Scope.PERSON, entity.owner)
        )
        if not (owned or any(may_extend(parent, rule) for parent in change.parents)):
            yield "who may insert"
        if not all(grants(parent.guard, parent.entity.rule) for parent in change.parents):
            yield "who may see the parent"
        return
    action = Action.UPDATE if isinstance(change, Update) else Action.DELETE
    if not grants(change.guard, entity.changes[action]):
        yield "who may change"
    if not grants(change.guard, entity.rule):
        yield "who may see"


def may_extend(parent: Parent, rule: Rule) -> bool:
    return grants(Exists(parent.relation, parent.entity, parent.guard), rule)
