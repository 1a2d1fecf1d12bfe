"""A walk through a plan that names each place where rows are reached without a look at whose they
are: neither guarded, nor implied by the row they belong to, nor known to be the viewer's own.

Used by `test_guard`. It knows of the guard only what the schema says, and finds out by itself
which columns hold the viewer's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

from poutama.features import load_model
from poutama.plan.mutation_steps import Write
from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Confined,
    Delete,
    Exists,
    HasRelationship,
    Insert,
    IsNull,
    Leaf,
    OneAmong,
    OneOf,
    OwnedBy,
    Page,
    Parent,
    Predicate,
    Rows,
    Scan,
    Update,
)
from poutama.plan.values import ViewerId
from poutama.schema.model import (
    Action,
    Audience,
    Column,
    Entity,
    OrderTerm,
    Relation,
    RelationShape,
    Relationship,
    RowIs,
    Rule,
    Scope,
    Through,
    Within,
)

MODEL = load_model()

Alternative: TypeAlias = Audience | Through
Facts = frozenset[str]
"""Paths of columns that hold the viewer's id: `person_id` of the row itself, `goal_id.person_id`
of the row that its `goal_id` names."""
UNKNOWN: Facts = frozenset()


PLAN = tuple(f"poutama.plan.{name}" for name in ("nodes", "predicates", "ways", "mutation_steps"))
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
        case Scan(steps):
            for step in steps:
                yield from unguarded(step, parent, UNKNOWN)
                parent = step.target
        case Exists(relation, target, where):
            if not (grants(where, target.rule) or is_implied(relation, target, parent)):
                yield f"{target.name} in a filter by {relation.name}"
            yield from inside(node, target, UNKNOWN)
        case Leaf():
            yield from shown_to_others(node)
            yield from inside(node, parent, UNKNOWN)
        case Compare() | IsNull() | OrderTerm() if node.column.restricted is not None:
            yield f"{node.column.field} by what it is held against"
        case _:
            yield from inside(node, parent, facts_below(node, facts))


def shown_to_others(leaf: Leaf) -> Iterator[str]:
    restricted = leaf.column.restricted
    if restricted is not None and not grants(leaf.shown, restricted):
        yield f"{leaf.column.field} without a rule"


def unguarded_steps(steps: tuple[Exists, ...], parent: Entity | None) -> Iterator[str]:
    for step in steps:
        yield from unguarded(step, parent, UNKNOWN)
        parent = step.target


def unguarded_rows(rows: Rows, parent: Entity | None, facts: Facts) -> Iterator[str]:
    entity, found = rows.entity, known(rows, facts)
    by = (*known_to_hold(rows.relation, entity, parent), *owned(entity, found))
    # What the same statement has written passed the guard of its change.
    seen = rows.written is not None or is_implied(rows.relation, entity, parent)
    where, link = rows.where, rows.link
    if link is not None:
        assert rows.relation is not None
        if not grants(link.where, link.entity.rule):
            yield f"{entity.name} by memberships that are not seen"
        where = All((where, about(str(rows.relation.key), link.person, link.reach)))
    if not (seen or grants(where, entity.rule, holding=by)):
        yield f"{entity.name} by {rows.relation and rows.relation.name}"
    if rows.own.data and not is_data(entity, found):
        yield f"{entity.name} taken for the viewer's own"
    if rows.own.data and entity.subject is not None and entity.subject not in found:
        yield f"{entity.name} of another person, read unnoticed"
    yield from inside(rows, entity, found)


def about(key: str, person: str, reach: Predicate) -> Predicate:
    """What is said of the people of memberships, as said of the rows whose `key` names them."""
    match reach:
        case AnyOf(parts):
            return AnyOf(tuple(about(key, person, part) for part in parts))
        case OwnedBy() | HasRelationship() if reach.column == person:
            return replace(reach, column=key)
        case _:
            return AnyOf(())


def inside(node: Any, parent: Entity | None, facts: Facts) -> Iterator[str]:
    for part in fields(node):
        value = getattr(node, part.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, OrderTerm) or (
                is_dataclass(item) and type(item).__module__ in PLAN
            ):
                yield from unguarded(item, parent, facts)


def known(rows: Rows, above: Facts) -> Facts:
    """What is known of the rows: by their own condition, and by the row that they belong to."""
    found = {
        part.column for part in conjuncts(rows.where) if isinstance(part, OwnedBy) and mine(part)
    }
    if rows.relation is None:
        found |= above
    elif rows.link is not None:
        pass
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


def is_data(entity: Entity, facts: Facts) -> bool:
    """Whether what is known of a row makes the viewer the person whose data it is."""
    return bool(owned(entity, facts)) or all(
        isinstance(each, Through)
        and is_data(MODEL.entities[each.relation.target], behind(each, facts))
        for each in entity.rule.alternatives
    )


def owned(entity: Entity, facts: Facts) -> tuple[Alternative, ...]:
    """The alternatives of the type's rule that are known to mean the viewer, who is SELF there."""
    return tuple(
        each for each in entity.rule.alternatives if means_owner(each, facts, unless_row=False)
    )


def means_owner(each: Alternative, facts: Facts, *, unless_row: bool) -> bool:
    if each.row_is and unless_row:
        return False
    match each:
        case Audience(Scope.PERSON, column, relationships):
            return Relationship.SELF in relationships and column in facts
        case Through(relation, to):
            target = MODEL.entities[relation.target]
            named = to is None or Relationship.SELF in to
            rest = behind(each, facts)
            return named and any(
                means_owner(other, rest, unless_row=True) for other in target.rule.alternatives
            )
        case _:
            return False


def behind(each: Through, facts: Facts) -> Facts:
    """What is known of the row behind the relation."""
    start = f"{each.relation.key}."
    return frozenset(path.removeprefix(start) for path in facts if path.startswith(start))


def is_implied(relation: Relation | None, entity: Entity, parent: Entity | None) -> bool:
    """Whether a visible parent makes the rows visible: one rule says just what the other does."""
    if relation is None or parent is None or relation.memberships is not None:
        return False
    if relation.shape is RelationShape.ONE:
        return all(
            isinstance(each, Through) and each.relation == relation
            for each in parent.rule.alternatives
        )
    holding = known_to_hold(relation, entity, parent)
    return holding == entity.rule.alternatives and not any(each.row_is for each in holding)


def known_to_hold(
    relation: Relation | None, entity: Entity, parent: Entity | None
) -> tuple[Alternative, ...]:
    """The alternatives that ask nothing but to see the parent, and perhaps what the row is."""
    if relation is None or parent is None or relation.shape is RelationShape.ONE:
        return ()
    if relation.memberships is not None:
        return ()
    return tuple(
        each
        for each in entity.rule.alternatives
        if isinstance(each, Through)
        and (each.relation.target, each.relation.key) == (parent.name, relation.key)
        and each.to is None
        and each.within is None
    )


def grants(
    where: Predicate,
    rule: Rule,
    *,
    holding: tuple[Alternative, ...] = (),
    above: tuple[Within | None, ...] = (),
    known: frozenset[RowIs] = frozenset(),
) -> bool:
    """Whether only those pass the condition whom the rule lets pass.

    Args:
        where: the condition.
        rule: who may pass.
        holding: alternatives that hold but for what they ask of the row.
        above: what memberships must be within, by the rules that led here, about the rows above.
        known: what the conditions beside this one say of the row.
    """
    match where:
        case All(parts):
            known |= {fact for part in parts for fact in asserted(part)}
            return any(each_holds(each.row_is, known) for each in holding) or any(
                grants(part, rule, holding=holding, above=above, known=known) for part in parts
            )
        case AnyOf(parts) | OneAmong(parts=parts):
            return bool(parts) and all(
                grants(part, rule, holding=holding, above=above, known=known) for part in parts
            )
    known |= set(asserted(where))
    return any(each_holds(each.row_is, known) for each in holding) or any(
        each_holds(each.row_is, known) and lets_pass(where, each, above)
        for each in rule.alternatives
    )


def asserted(part: Predicate) -> Iterator[RowIs]:
    """What a condition says of the row itself."""
    match part:
        case OneOf(Column() as column, options):
            yield RowIs(column, options)


def each_holds(wanted: tuple[RowIs, ...], facts: frozenset[RowIs]) -> bool:
    return all(
        any(
            fact.column.name == each.column.name and set(fact.values) <= set(each.values)
            for fact in facts
        )
        for each in wanted
    )


def lets_pass(where: Predicate, each: Alternative, above: tuple[Within | None, ...]) -> bool:
    """Whether only those pass the condition whom the alternative means."""
    places = enumerate((each.within, *above))
    wanted = {Confined(within, place) for place, within in places if within is not None}
    match where, each:
        case OwnedBy(column), Audience(Scope.PERSON, named, relationships) if mine(where):
            return column == named and Relationship.SELF in relationships
        case HasRelationship(scope, column, some, confined), Audience(
            named_scope, named, relationships
        ):
            same = (scope, column) == (named_scope, named)
            fewer = bool(some) and set(some) <= set(relationships)
            return same and fewer and wanted <= set(confined)
        case Exists(relation, target, inner), Through(through, to):
            rule = narrowed(target.rule, to)
            return relation == through and grants(inner, rule, above=(each.within, *above))
        case _:
            return False


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
        by_owner = any(
            isinstance(each, Audience)
            and (each.scope, each.column) == (Scope.PERSON, entity.owner)
            and Relationship.SELF in each.relationships
            for each in rule.alternatives
        )
        if not (by_owner or any(may_extend(parent, rule) for parent in change.parents)):
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
