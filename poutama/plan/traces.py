"""The pass that marks the rows of a plan whose reading the audit writes down, and whose data it is.

It follows `@audited` alone. Rows that are known to be the viewer's own data have no trace, nor has
a row that the same statement has written: its change has an entry. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from poutama.plan.guard import allowed_by
from poutama.plan.nodes import Exists, Predicate, Read, Rows, Subject, Trace
from poutama.plan.ownership import is_part
from poutama.plan.walk import rewrite_rows
from poutama.schema.audited import AuditedReads
from poutama.schema.model import Entity, Relationship


def mark_traces(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, with the trace of each set of rows."""

    def mark(rows: Rows, parent: Rows | None) -> Rows:
        if rows.own.data or rows.written is not None:
            return rows
        trace = find_trace(entities, rows.entity)
        if trace is None:
            return rows
        covered = (
            parent is not None
            and parent.trace is not None
            and parent.trace.kind == trace.kind
            and is_part(parent.entity, rows.relation, rows.entity)
        )
        return replace(rows, trace=replace(trace, recorded=not covered))

    return rewrite_rows(read, mark)


def find_trace(entities: Mapping[str, Entity], entity: Entity) -> Trace | None:
    """What reading others' rows of this type leaves; None where it leaves nothing."""
    subject = find_subject(entities, entity)
    if subject is None:
        return None
    whole = entity
    while whole.audit is not None and whole.audit.part and whole.audit.through is not None:
        whole = entities[whole.relation(whole.audit.through).target]
    audit = whole.audit
    assert audit is not None, "a type that @audited leads to has one"
    if audit.reads is AuditedReads.NONE:
        return None
    return Trace(
        whole.name,
        subject,
        counted=audit.reads is AuditedReads.ALL,
        by_right=bool(audit.unless),
    )


def find_subject(
    entities: Mapping[str, Entity], entity: Entity, right: Predicate | None = None
) -> Subject | None:
    """Whose data a row of this type is; None where it is no person's.

    `right`: by what the viewer may change it, where that is known; otherwise the rule of those who
    may see it.
    """
    path = []
    found = entity
    while found.audit is not None and found.audit.through is not None:
        relation = found.relation(found.audit.through)
        found = entities[relation.target]
        path.append((relation, found))
    if found.audit is None or found.audit.person is None:
        return None
    organisation = entity.audit.organisation if entity.audit is not None else None
    return Subject(
        tuple(path), found.audit.person, organisation or right or _right(entities, entity)
    )


def _right(entities: Mapping[str, Entity], entity: Entity) -> Predicate:
    """By what others see a row; of a part, by what they see the whole."""
    audit = entity.audit
    if audit is not None and audit.through is not None:
        relation = entity.relation(audit.through)
        target = entities[relation.target]
        return Exists(relation, target, _right(entities, target))
    unless = audit.unless if audit is not None else ()
    only = tuple(each for each in Relationship if each not in unless)
    return allowed_by(entities, entity.rule, only)
