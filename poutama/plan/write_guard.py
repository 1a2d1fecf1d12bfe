"""What a change of one row must hold to, as a predicate: of the row it changes, or is added to.

Called by `plan.writes`. A viewer who writes a row must see it: as it was, and as it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poutama.plan.guard import allowed_by, both, once_written, row_conditions, visible_rows
from poutama.plan.nodes import All, AnyOf, Assignment, Predicate
from poutama.plan.values import Value
from poutama.schema.model import Action, Audience, Entity, Relation, Rule, Through


def changeable_rows(
    entities: Mapping[str, Entity],
    entity: Entity,
    action: Action,
    assignments: Sequence[Assignment] = (),
) -> Predicate:
    """The rows that the viewer may see, and may change like this: before and after."""
    visible = visible_rows(entities, entity)
    allowed = allowed_by(entities, entity.changes[action])
    guard = both(allowed, visible)
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
    allowed = _ask_parent(entities, entity.changes[Action.INSERT], relation, values)
    visible = visible_rows(entities, entities[relation.target])
    guard = both(AnyOf(allowed), visible) if allowed else visible
    if not any(each.row_is for each in entity.rule.alternatives):
        return guard
    return All((guard, AnyOf(_ask_parent(entities, entity.rule, relation, values))))


def _ask_parent(
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
        conditions = (once_written(each, values) for each in row_conditions(alternative))
        parts.append(All((found, *conditions)) if alternative.row_is else found)
    return tuple(parts)


def _values_of(assignments: Sequence[Assignment]) -> dict[str, Value]:
    return {each.column.name: each.value for each in assignments}
