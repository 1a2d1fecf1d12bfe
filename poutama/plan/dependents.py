"""Which rows go with a deleted row although another may have written them: found in the model.

The rows that `@audited` says to be a part of the deleted row, or about its person by way of it, and
of which it says `by` whom they are. `plan.writes` and `plan.change_plan` call it;
`sql.audit_changes` renders an entry for each such row. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poutama.plan.audit_marks import find_subject
from poutama.plan.nodes import Dependents
from poutama.schema.model import Entity, Relation


def find_dependents(entities: Mapping[str, Entity], deleted: Entity) -> tuple[Dependents, ...]:
    """The types of such rows, in the order of their names."""
    found = []
    for entity in sorted(entities.values(), key=lambda entity: entity.name):
        by = () if entity.audit is None else entity.audit.by
        subject = find_subject(entities, entity, organisation=entity.right) if by else None
        steps = tuple(_find_steps(entities, entity, deleted)) if subject is not None else ()
        if subject is not None and steps:
            found.append(Dependents(entity, steps, by, subject))
    return tuple(found)


def _find_steps(
    entities: Mapping[str, Entity], entity: Entity, deleted: Entity
) -> Iterator[tuple[Relation, Entity]]:
    """The way to the deleted type; nothing where none leads there."""
    steps = []
    while entity.audit is not None and entity.audit.through is not None:
        relation = entity.relation(entity.audit.through)
        entity = entities[relation.target]
        steps.append((relation, entity))
        if entity.name == deleted.name:
            yield from steps
            return
