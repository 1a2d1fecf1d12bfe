"""What a change of one row must hold to, as a predicate: of the row it changes, or is added to.

Called by `plan.writes`. A viewer who writes a row must see it: as it was, and as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from poutama.plan.guard import (
    allowed_by,
    intersect,
    is_narrower,
    once_written,
    row_conditions,
    visible_rows,
)
from poutama.plan.nodes import All, AnyOf, Assignment, HasRelationship, OwnedBy, Predicate
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import Action, Audience, Entity, Relation, Rule, Scope, Through


def changeable_rows(
    entities: Mapping[str, Entity],
    entity: Entity,
    action: Action,
    assignments: Sequence[Assignment] = (),
) -> Predicate:
    """The rows that the viewer may see, and may change like this: before and after."""
    visible = visible_rows(entities, entity)
    allowed = allowed_by(entities, entity.changes[action])
    guard = intersect(allowed, visible)
    after = once_written(guard, _values_of(assignments))
    return guard if after == guard else All((guard, after))


def extendable_rows(
    entities: Mapping[str, Entity],
    entity: Entity,
    relation: Relation,
    assignments: Sequence[Assignment],
) -> Predicate:
    """The rows behind a relation that the viewer may see, and may add such a row to."""
    values = _values_of(assignments)
    allowed = _check_parent(entities, entity.changes[Action.INSERT], relation, values)
    visible = visible_rows(entities, entities[relation.target])
    guard = intersect(AnyOf(allowed), visible) if allowed else visible
    if not any(each.row_is for each in entity.rule.alternatives):
        return guard
    seen = _check_parent(entities, entity.rule, relation, values)
    return _meet(guard, tuple(each for part in seen for each in _alternatives(part)))


def _meet(allowed: Predicate, seen: Sequence[Predicate]) -> Predicate:
    """The first and one of the others: each alternative with those that it does not exclude."""
    found: list[Predicate] = []
    for part in _alternatives(allowed):
        if any(is_narrower(part, each) for each in seen):
            found.append(part)
            continue
        beside = [_without(each, part) for each in seen if not _excludes(part, each)]
        if beside:
            found.append(All((part, beside[0] if len(beside) == 1 else AnyOf(tuple(beside)))))
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def _alternatives(predicate: Predicate) -> Iterator[Predicate]:
    if not isinstance(predicate, AnyOf):
        yield predicate
        return
    for part in predicate.parts:
        yield from _alternatives(part)


def _conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    return predicate.parts if isinstance(predicate, All) else (predicate,)


def _without(predicate: Predicate, known: Predicate) -> Predicate:
    left = tuple(part for part in _conjuncts(predicate) if part not in _conjuncts(known))
    return left[0] if len(left) == 1 else All(left)


def _excludes(one: Predicate, other: Predicate) -> bool:
    """Whether both cannot hold: a viewer is nothing but SELF to themselves."""
    pairs = ((one, other), (other, one))
    return any(
        isinstance(own, OwnedBy)
        and own.value == ViewerId()
        and isinstance(related, HasRelationship)
        and (related.scope, related.column) == (Scope.PERSON, own.column)
        for mine, others in pairs
        for own in _conjuncts(mine)
        for related in _conjuncts(others)
    )


def _check_parent(
    entities: Mapping[str, Entity], rule: Rule, relation: Relation, values: Mapping[str, Value]
) -> tuple[Predicate, ...]:
    """The alternatives of a rule that ask for the row behind the relation, about that row.

    The organisation of a new row is one of which its writer is a member: `within` holds.
    """
    parts: list[Predicate] = []
    for alternative in rule.alternatives:
        match alternative:
            case Through(through, to) if through == relation:
                found = allowed_by(entities, entities[relation.target].rule, to)
            case Audience(scope, column, relationships) if column == relation.key:
                found = allowed_by(entities, Rule((Audience(scope, "id", relationships),)))
            case _:
                continue
        conditions = [once_written(each, values) for each in row_conditions(alternative)]
        for part in _alternatives(found):
            parts.append(All((*_conjuncts(part), *conditions)) if conditions else part)
    return tuple(parts)


def _values_of(assignments: Sequence[Assignment]) -> dict[str, Value]:
    return {each.column.name: each.value for each in assignments}
