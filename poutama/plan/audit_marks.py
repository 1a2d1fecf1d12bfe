"""The pass that marks the rows of a plan whose reading the audit writes down, and whose data it is.

It follows `@audited` alone. Rows that are known to be the viewer's own data have no trace, unless
they tell of another person too; nor has a row that the same statement has written: its change has
an entry. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from poutama.plan.guard import allowed_by, guard_predicate, row_conditions, visible_rows
from poutama.plan.nodes import (
    ALWAYS,
    All,
    AnyOf,
    Compare,
    Exists,
    HasRelationship,
    HasWords,
    Not,
    Own,
    Predicate,
    Read,
    Rows,
    Subject,
    Tested,
    Trace,
)
from poutama.plan.ownership import follow, is_implied, is_part
from poutama.plan.traversal import rewrite_rows
from poutama.schema.audited import AuditedReads
from poutama.schema.model import Audience, ColumnKind, Entity, Relationship, Scope, Through


def mark_traces(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, with the trace of each set of rows."""

    def mark(rows: Rows, parent: Rows | None) -> Rows:
        if rows.written is not None:
            return rows
        trace = _find_trace_of(entities, rows.entity, rows.own)
        if trace is not None:
            covered = (
                parent is not None
                and parent.trace is not None
                and parent.trace.kind == trace.kind
                and is_part(parent.entity, rows.relation, rows.entity)
            )
            rows = replace(rows, trace=replace(trace, recorded=not covered))
        return rows

    def mark_tested(rows: Rows, parent: Rows | None) -> Rows:
        rows = mark(rows, parent)
        return replace(rows, tested=tuple(tests.find(rows)))

    tests = _Tests(entities)
    return rewrite_rows(read, mark_tested)


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


def _find_trace_of(entities: Mapping[str, Entity], entity: Entity, own: Own) -> Trace | None:
    """What reading these rows leaves: of the viewer's own, only what tells of others."""
    trace = find_trace(entities, entity)
    return None if trace is not None and own.data and not trace.subject.also else trace


def find_subject(
    entities: Mapping[str, Entity],
    entity: Entity,
    right: Predicate | None = None,
    organisation: str | None = None,
) -> Subject | None:
    """Whose data a row of this type is; None where it is not a person's.

    `right`: by what the viewer may change it, where that is known; otherwise the rule of those who
    may see it. `organisation`: the column with the organisation in whose right, where the type does
    not name one.
    """
    path = []
    found = entity
    while found.audit is not None and found.audit.through is not None:
        relation = found.relation(found.audit.through)
        found = entities[relation.target]
        path.append((relation, found))
    if found.audit is None or found.audit.person is None:
        return None
    audit = entity.audit
    assert audit is not None, "the type that leads to a person has one"
    organisation = audit.organisation or organisation
    by = right or _right(entities, entity)
    if organisation is not None:
        # Who sees the row in no right, such as a child their caregiver's membership.
        member = HasRelationship(Scope.ORGANISATION, organisation, (Relationship.MEMBER,))
        by = AnyOf((by, member))
    return Subject(
        tuple(path),
        found.audit.person,
        by,
        organisation,
        found.audit.also,
        organisation_required=audit.organisation_required,
        sees=_sees(entities, entity),
    )


def _sees(entities: Mapping[str, Entity], entity: Entity) -> Predicate:
    """Which rows the person whose data they are may see; ALWAYS where no rule tells them apart."""
    parts: list[Predicate] = []
    for each in entity.rule.alternatives:
        if not _means_person(entity, each):
            continue
        inner: Predicate = ALWAYS
        if isinstance(each, Through):
            target = entities[each.relation.target]
            inner = _sees(entities, target)
            inner = ALWAYS if inner == ALWAYS else Exists(each.relation, target, inner)
        conditions = (*row_conditions(each), *(() if inner == ALWAYS else (inner,)))
        if not conditions:
            return ALWAYS
        parts.append(All(conditions))
    return AnyOf(tuple(parts)) if parts else ALWAYS


def _means_person(entity: Entity, alternative: Audience | Through) -> bool:
    audit = entity.audit
    assert audit is not None
    match alternative:
        case Audience(Scope.PERSON, column, relationships):
            return column == audit.person and Relationship.SELF in relationships
        case Through(relation, to):
            return relation.name == audit.through and (to is None or Relationship.SELF in to)
        case _:
            return False


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


def find_searched(read: Read) -> tuple[str, ...]:
    """The texts of others that filters compare, as `Type.field`, once for each comparison."""
    found: list[str] = []

    def visit(rows: Rows, _: Rows | None) -> Rows:
        if rows.tested:
            found.extend(_texts(rows.entity, rows.filter))
        return rows

    rewrite_rows(read, visit)
    return tuple(found)


def _texts(entity: Entity, predicate: Predicate) -> Iterator[str]:
    match predicate:
        case Compare(column) if column.kind is ColumnKind.TEXT:
            yield f"{entity.name}.{column.field}"
        case HasWords(columns):
            yield from (f"{entity.name}.{column.field}" for column in columns)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _texts(entity, part)
        case Not(part):
            yield from _texts(entity, part)
        case Exists(_, target, where):
            yield from _texts(target, where)


class _Tests:
    """Finds what the filter of some rows tells of others' rows.

    A comparison also tells of the rows that it does not fit: a person who is absent from an answer
    does not fit. So whatever is compared leaves an entry, save where another condition beside it,
    which compares nothing of others, decides already.
    """

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = entities

    def find(self, rows: Rows) -> Iterator[Tested]:
        trace = rows.trace
        placed = rows.filter != ALWAYS or bool(rows.after or rows.before)
        if trace is not None and trace.counted and trace.recorded and placed:
            yield Tested(ALWAYS, (), trace)
        kind = trace.kind if trace is not None else ""
        yield from self._walk(rows.entity, rows.filter, rows.own, kind)

    def _walk(self, entity: Entity, filter_: Predicate, own: Own, kind: str) -> Iterator[Tested]:
        match filter_:
            case All(parts):
                walked = [(part, list(self._walk(entity, part, own, kind))) for part in parts]
                # The conditions that compare nothing of others, the same beside each that does.
                plain = All(tuple(part for part, found in walked if not found))
                beside = guard_predicate(self._entities, entity, plain)
                for _, found in walked:
                    for each in found:
                        yield replace(each, where=All((beside, each.where)))
            case AnyOf(parts):
                for part in parts:
                    yield from self._walk(entity, part, own, kind)
            case Not(part):
                yield from self._walk(entity, part, own, kind)
            case Exists():
                yield from self._step(entity, filter_, own, kind)

    def _step(self, entity: Entity, step: Exists, own: Own, kind: str) -> Iterator[Tested]:
        target, relation = step.target, step.relation
        inner = follow(own, entity, relation, target)
        guard = (
            ALWAYS if is_implied(entity, relation, target) else visible_rows(self._entities, target)
        )
        trace = _find_trace_of(self._entities, target, inner)
        if trace is not None:
            covered = kind == trace.kind and is_part(entity, relation, target)
            if trace.counted and not covered:
                yield Tested(ALWAYS, (replace(step, where=guard),), trace)
            kind = trace.kind
        for each in self._walk(target, step.where, inner, kind):
            first = replace(step, where=All((guard, each.where)))
            yield Tested(ALWAYS, (first, *each.steps), each.trace)
