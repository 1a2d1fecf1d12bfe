"""Writing down who changed what and who read whose data, in the very statement that does it.

A read of others' audited rows inserts one entry for each person and kind, unless the same viewer's
last is younger than `REMEMBERED`; reading one's own writes nothing. A change inserts one entry, and
its payload those of what it reads besides the row written. Each names the organisation in whose
right the viewer had to do with the row. Nothing is read or changed without its entry, because it is
one statement. Sums over a group are not written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from poutama.plan.nodes import (
    ALWAYS,
    Change,
    Delete,
    HasRelationship,
    Insert,
    Subject,
    Trace,
    Update,
    UpdateMany,
)
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import RELATIONSHIPS, Relationship, Scope
from poutama.sql.acting_organisation import list_columns, render_right
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import render_organisation
from poutama.sql.statement import Statement

REMEMBERED = "15 minutes"
"""Reading the same person's data again within this time is the same visit."""

_RIGHT = "reader.organisation_id"
_COLUMNS = (
    "(id, at, actor_id, actor_name, subject_id, action, kind, row_id, organisation_id,"
    " organisation_name)"
)


@dataclass(frozen=True, slots=True)
class TracedRows:
    """Rows whose reading leaves entries.

    Attributes:
        trace: what it leaves.
        searched: whether they were compared with a filter only, not shown or counted.
        query: returns `list_trace_columns(trace)` of the rows, by their names; of those for which
            more must be looked up (`is_found_at_once`), without doubles.
    """

    trace: Trace
    query: str
    searched: bool = False


def list_trace_columns(trace: Trace) -> tuple[str, ...]:
    """The columns of a row that its person, and the organisation of the entry, depend on."""
    right = trace.subject.right
    named = (right,) if isinstance(right, str) else list_columns(right)
    subject = trace.subject
    also = () if subject.path else subject.also
    return tuple(dict.fromkeys((subject.key, *also, *named)))


def is_found_at_once(trace: Trace) -> bool:
    """Whether person and organisation are in the row, or the row is the person.

    Then doubles cost less than a hash table of what is there without them.
    """
    subject = trace.subject
    return not subject.path and (isinstance(subject.right, str) or subject.column == "id")


def render_entries(
    conditions: Conditions, change: Change | None, traced: Sequence[TracedRows]
) -> list[str]:
    """The CTE that writes down what the statement does: none, or one.

    One INSERT for a change and for what its payload reads: one statement cannot change a table
    twice on CockroachDB.
    """
    writes = change is not None and _writes(change)
    if not traced and not writes:
        return []
    audience = change is not None and writes and _hides_rows(change)
    viewer = conditions.parameters.place(ViewerId(), "uuid")
    entries = []
    if change is not None and writes:
        entries.extend(_entries_of_change(conditions, change, viewer))
    if traced:
        entries.append(_entries_of_reads(conditions, traced, viewer, audience=audience))
    columns = f"{_COLUMNS[:-1]}, audience)" if audience else _COLUMNS
    return [
        f"audit AS (INSERT INTO audit_entry {columns} {' UNION ALL '.join(entries)} RETURNING 1)"
    ]


def _hides_rows(change: Change) -> bool:
    """Whether the person sees some rows of the type, and others not."""
    return change.subject is not None and change.subject.sees != ALWAYS


def render_recorded_read(person: Value, kind: Value) -> Statement:
    """The statement that writes down a read of a person's data that is not one type's rows."""
    parameters = Parameters()
    viewer, subject = parameters.place(ViewerId(), "uuid"), parameters.place(person, "uuid")
    right = _any_right(parameters, subject)
    return Statement(
        f"INSERT INTO audit_entry {_COLUMNS} SELECT gen_random_uuid(), now(), {viewer},"
        f" {_name(viewer)}, {subject}, 'READ', {parameters.place(kind, 'text')}, NULL::uuid,"
        f" {_RIGHT}, {_organisation(_RIGHT)} FROM (SELECT {right} AS organisation_id) AS reader",
        parameters.values,
    )


def _writes(change: Change) -> bool:
    if not isinstance(change, Update):
        return True
    return bool(change.assignments) or change.record_only


def _entries_of_reads(
    conditions: Conditions, traced: Sequence[TracedRows], viewer: str, *, audience: bool
) -> str:
    """One entry for each person and kind, whatever rows and organisations there are several of."""
    shown_to = ", 'PERSON'" if audience else ""
    parts = [_people(conditions, rows, viewer) for rows in _join_alike(traced)]
    kinds = dict.fromkeys(quote_text(rows.trace.kind) for rows in traced if rows.trace.by_right)
    # After the groups: a database that knew it before would find the organisation of each person
    # who has an entry already.
    by_right = " AND ".join(
        f"(shown.kind <> {kind} OR min(shown.organisation_id) IS NOT NULL)" for kind in kinds
    )
    having = f" HAVING {by_right}" if by_right else ""
    people = (
        "SELECT shown.subject, shown.kind, min(shown.action) AS action,"
        " min(shown.organisation_id)::uuid AS organisation_id"
        f" FROM ({' UNION ALL '.join(parts)}) AS shown"
        f" GROUP BY shown.subject, shown.kind{having}"
    )
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, reader.subject,"
        f" reader.action, reader.kind, NULL::uuid, {_RIGHT}, {_organisation(_RIGHT)}{shown_to}"
        f" FROM ({people}) AS reader"
    )


def _join_alike(traced: Sequence[TracedRows]) -> list[TracedRows]:
    """The same rows with one query for each trace: how a person is found is rendered once."""
    joined: list[TracedRows] = []
    for rows in traced:
        for place, other in enumerate(joined):
            if (other.trace, other.searched) == (rows.trace, rows.searched):
                joined[place] = replace(rows, query=f"{other.query} UNION {rows.query}")
                break
        else:
            joined.append(rows)
    return joined


def _people(conditions: Conditions, rows: TracedRows, viewer: str) -> str:
    """Whose data these rows are, without those whom the viewer has an entry about."""
    subject, kind = rows.trace.subject, quote_text(rows.trace.kind)
    person, source = name_column("found", subject.column), f"({rows.query}) AS found"
    if subject.path or subject.also:
        person = "found.subject"
        source = _name_subjects(subject, rows.query)
    right = _right(conditions, "found", subject, person if subject.also else None)
    organisation = "NULL::text" if right is None else f"{right}::text"
    action = "'SEARCH'" if rows.searched else "'READ'"
    # What was changed in this transaction was read, and what was read was searched.
    known = "(entry.action = 'READ' OR entry.at = now() AND entry.action <> 'SEARCH')"
    if rows.searched:
        known = "(entry.action IN ('READ', 'SEARCH') OR entry.at = now())"
    recent = (
        "SELECT 1 FROM audit_entry AS entry"
        f" WHERE entry.subject_id = {person} AND entry.actor_id = {viewer}"
        f" AND entry.kind = {kind} AND {known}"
        f" AND entry.at > now() - interval '{REMEMBERED}'"
    )
    return (
        f"SELECT {person} AS subject, {kind} AS kind, {action} AS action,"
        f" {organisation} AS organisation_id"
        f" FROM {source} WHERE {person} <> {viewer} AND NOT EXISTS ({recent})"
    )


def _name_subjects(subject: Subject, query: str) -> str:
    """The rows, each once for every person of whom it tells, who is the column `subject`."""
    columns = (subject.column, *subject.also)
    found = [_subject("item", replace(subject, column=column)) for column in columns]
    if len(found) == 1:
        return f"(SELECT {found[0]} AS subject, item.* FROM ({query}) AS item) AS found"
    cases = " ".join(f"WHEN {number} THEN {each}" for number, each in enumerate(found, start=1))
    numbers = ", ".join(f"({number})" for number, _ in enumerate(found, start=1))
    return (
        f"(SELECT CASE person.number {cases} END AS subject, item.* FROM ({query}) AS item,"
        f" (VALUES {numbers}) AS person(number)) AS found"
    )


def _entries_of_change(conditions: Conditions, change: Change, viewer: str) -> list[str]:
    """The entry of each person of whom the row tells."""
    entries = [_entry_of_change(conditions, change, viewer, None)]
    if change.subject is not None:
        first = _subject("written", change.subject)
        for column in change.subject.also:
            other = replace(change.subject, column=column)
            person = _subject("written", other)
            entry = _entry_of_change(conditions, replace(change, subject=other), viewer, person)
            entries.append(
                f"{entry} WHERE {person} IS NOT NULL AND {person} IS DISTINCT FROM {first}"
            )
    return entries


def _entry_of_change(
    conditions: Conditions, change: Change, viewer: str, person: str | None
) -> str:
    match change:
        case Insert():
            action = "INSERT"
        case Update() | UpdateMany():
            action = "UPDATE"
        case Delete():
            action = "DELETE"
    subject = "NULL::uuid" if change.subject is None else _subject("written", change.subject)
    right, shown_to = None, ""
    if change.subject is not None:
        right = _right(conditions, "written", change.subject, person)
        if change.subject.sees != ALWAYS:
            seen = conditions.render("written", change.subject.sees)
            shown_to = f", CASE WHEN {seen.text} THEN 'PERSON' ELSE 'STAFF' END"
    entry = (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, {subject},"
        f" '{action}', {quote_text(change.entity.name)}, written.id"
    )
    if right is None:
        return f"{entry}, NULL::uuid, NULL::text{shown_to} FROM written"
    return (
        f"{entry}, written.right_id, {_organisation('written.right_id')}{shown_to}"
        f" FROM (SELECT written.*, {right} AS right_id FROM written) AS written"
    )


def _subject(alias: str, subject: Subject) -> str:
    if not subject.path:
        return name_column(alias, subject.column)
    (relation, target), *rest = subject.path
    assert relation.key is not None
    inner = f"through_{len(rest) + 1}"
    found = _subject(inner, replace(subject, path=tuple(rest)))
    return (
        f"(SELECT {found} FROM {quote_name(target.table)} AS {inner}"
        f" WHERE {inner}.id = {name_column(alias, relation.key)})"
    )


def _right(conditions: Conditions, alias: str, subject: Subject, person: str | None) -> str | None:
    """The organisation in whose right; where the row has none, in whose right to `person`."""
    if isinstance(subject.right, str):
        named = name_column(alias, subject.right)
        if person is None or subject.right_required:
            return named
        return f"coalesce({named}, {_any_right(conditions.parameters, person)})"
    return render_right(conditions, alias, subject.right)


def _any_right(parameters: Parameters, person: str) -> str:
    """The organisation in which the viewer is anything to the person."""
    others = (each for each in RELATIONSHIPS[Scope.PERSON] if each is not Relationship.SELF)
    any_right = HasRelationship(Scope.PERSON, "id", tuple(sorted(others)))
    return render_organisation(parameters, person, any_right, ())


def _name(viewer: str) -> str:
    return f"(SELECT actor.name FROM person AS actor WHERE actor.id = {viewer})"


def _organisation(id_: str) -> str:
    return f"(SELECT named.name FROM organisation AS named WHERE named.id = {id_})"
