"""Writing down who changed what and who read whose data, in the very statement that does it.

A read of others' audited rows inserts one entry for each person, kind and organisation in whose
right it is read, unless the same viewer's last is younger than `REMEMBERED`; reading one's own
writes nothing. A change inserts one entry, and its payload those of what it reads besides the row
written. Each names the organisation and the role in whose right the viewer had to do with the row.
Nothing is read or changed without its entry, because it is one statement. Sums over a group are not
written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from poutama.plan.nodes import (
    ALWAYS,
    All,
    AnyOf,
    Change,
    Delete,
    HasRelationship,
    Insert,
    IsNull,
    Predicate,
    Subject,
    Trace,
    Update,
    UpdateMany,
)
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import RELATIONSHIPS, Column, ColumnKind, Relationship, Scope
from poutama.sql.acting_right import list_columns, name_organisation, name_role, render_right
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import render_acting_right, render_is_current
from poutama.sql.statement import Statement

REMEMBERED = "15 minutes"
"""Reading the same person's data again within this time is the same visit."""

SELF = "SELF"
"""The role of the person whose data it is."""

OPERATOR = "OPERATOR"
"""The role of those who run the service, by a command or the clock: `poutama.schedule.SYSTEM`."""

_ANY = tuple(sorted(each for each in RELATIONSHIPS[Scope.PERSON] if each is not Relationship.SELF))
_NO_PERSON = f"'{UUID(int=0)}'::uuid"
_COLUMNS = (
    "(id, at, actor_id, actor_name, subject_id, action, kind, row_id, organisation_id,"
    " organisation_name, actor_role)"
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
    subject = trace.subject
    also = () if subject.path else subject.also
    named = () if subject.organisation is None else (subject.organisation,)
    return tuple(dict.fromkeys((subject.key, *also, *named, *list_columns(subject.right))))


def is_found_at_once(trace: Trace) -> bool:
    """Whether person and organisation are in the row, or the row is the person.

    Then doubles cost less than a hash table of what is there without them.
    """
    subject = trace.subject
    return not subject.path and (subject.organisation is not None or subject.column == "id")


def render_entries(
    conditions: Conditions, change: Change | None, traced: Sequence[TracedRows]
) -> list[str]:
    """The CTEs that write down what the statement does: none where it leaves no entry.

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
    into = f"INSERT INTO audit_entry {columns} {' UNION ALL '.join(entries)} RETURNING 1"
    ctes = [f"rights AS ({_render_rights(viewer)})"] if _need_rights(traced) else []
    return [*ctes, f"audit AS ({into})"]


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
        f" {_list_right('reader.acting')} FROM (SELECT {right} AS acting) AS reader",
        parameters.values,
    )


def _writes(change: Change) -> bool:
    if not isinstance(change, Update):
        return True
    return bool(change.assignments) or change.record_only


def _entries_of_reads(
    conditions: Conditions, traced: Sequence[TracedRows], viewer: str, *, audience: bool
) -> str:
    """One entry for each person, kind and organisation, whatever rows there are several of."""
    shown_to = ", 'PERSON'" if audience else ""
    parts = [_people(conditions, rows, viewer) for rows in _join_alike(traced)]
    # After the groups: a database that knew it before would look for the right by which each row
    # is read, also those of whom there is an entry already. In no right are only those rows read
    # for which there is none in any organisation.
    people = (
        "SELECT shown.subject, shown.kind, min(shown.action) AS action,"
        " coalesce(min(shown.acting), shown.organisation_id::text) AS acting"
        f" FROM ({' UNION ALL '.join(parts)}) AS shown"
        " GROUP BY shown.subject, shown.kind, shown.organisation_id"
        " HAVING CASE WHEN shown.organisation_id IS NULL THEN count(shown.acting) < count(*)"
        " ELSE count(shown.acting) > 0 END"
    )
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, reader.subject,"
        f" reader.action, reader.kind, NULL::uuid, {_list_right('reader.acting')}{shown_to}"
        f" FROM ({people}) AS reader"
    )


def _need_rights(traced: Sequence[TracedRows]) -> bool:
    return any(_named_organisation(rows.trace.subject) is None for rows in traced)


def _named_organisation(subject: Subject) -> str | None:
    """The column with the one organisation in whose right others read the row; None for any."""
    known = subject.organisation_required or not subject.also
    return subject.organisation if known else None


def _render_rights(viewer: str) -> str:
    """The organisations in whose right the viewer may read; and NULL, for reading in none."""
    return (
        "SELECT DISTINCT viewer.organisation_id FROM membership AS viewer"
        f" WHERE viewer.person_id = {viewer} AND {render_is_current('viewer')}"
        " UNION ALL SELECT NULL::uuid"
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
    """Whose data these rows are and in whose right, without those that the viewer's entries have.

    `acting` is the right, looked for in the organisation alone; where that is NULL, in all.
    """
    subject, kind = rows.trace.subject, quote_text(rows.trace.kind)
    person, source = name_column("found", subject.column), f"({rows.query}) AS found"
    if subject.path or subject.also:
        person = "found.subject"
        source = _name_subjects(subject, rows.query)
    named, known = _named_organisation(subject), ""
    if named is None:
        source += ", rights"
        organisation = "rights.organisation_id"
        by = subject.right if subject.organisation is None else _or_to_person(subject)
        within = f"coalesce({organisation}, viewer.organisation_id)"
        acting = render_right(conditions, "found", by, organisation=within) or "NULL::text"
        known = f" AND {organisation} IS NOT NULL" if rows.trace.by_right else ""
    else:
        organisation = name_column("found", named)
        acting = _acting_in(conditions, "found", subject, organisation)
    action = "'SEARCH'" if rows.searched else "'READ'"
    return (
        f"SELECT {person} AS subject, {kind} AS kind, {action} AS action,"
        f" {organisation} AS organisation_id, {acting} AS acting"
        f" FROM {source} WHERE {person} <> {viewer}{known} AND NOT EXISTS"
        f" ({_recent_entry(rows, viewer, person, organisation)})"
    )


def _recent_entry(rows: TracedRows, viewer: str, person: str, organisation: str) -> str:
    """The entry of the same visit, in the same right: for reading in none, that in any."""
    # What was changed in this transaction was read, and what was read was searched.
    known = "(entry.action = 'READ' OR entry.at = now() AND entry.action <> 'SEARCH')"
    if rows.searched:
        known = "(entry.action IN ('READ', 'SEARCH') OR entry.at = now())"
    return (
        "SELECT 1 FROM audit_entry AS entry"
        f" WHERE entry.subject_id = {person} AND entry.actor_id = {viewer}"
        f" AND entry.kind = {quote_text(rows.trace.kind)} AND {known}"
        f" AND entry.at > now() - interval '{REMEMBERED}'"
        f" AND ({organisation} IS NULL OR entry.organisation_id = {organisation})"
    )


def _or_to_person(subject: Subject) -> Predicate:
    """The right to a row; to one of no organisation, what the viewer is to the person."""
    assert subject.organisation is not None
    column = Column(subject.organisation, subject.organisation, ColumnKind.UUID, nullable=True)
    to_person = HasRelationship(Scope.PERSON, "subject", _ANY)
    return AnyOf((subject.right, All((IsNull(column), to_person))))


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
    subject, right, shown_to = "NULL::uuid", None, ""
    if change.subject is not None:
        subject = _subject("written", change.subject)
        right = _right(conditions, "written", change.subject, person)
        if change.subject.sees != ALWAYS:
            seen = conditions.render("written", change.subject.sees)
            shown_to = f", CASE WHEN {seen.text} THEN 'PERSON' ELSE 'STAFF' END"
    acting = "" if right is None else f", {right} AS acting"
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, written.whose,"
        f" '{action}', {quote_text(change.entity.name)}, written.id,"
        f" {_right_of_change(viewer, known=right is not None)}{shown_to}"
        f" FROM (SELECT written.*, {subject} AS whose{acting} FROM written) AS written"
    )


def _right_of_change(viewer: str, *, known: bool) -> str:
    """The columns of an entry about the right; `known`: whether the change may be in another's."""
    others = name_role("written.acting") if known else "NULL::text"
    role = (
        f"CASE WHEN {viewer} = written.whose THEN '{SELF}'"
        f" WHEN {viewer} = {_NO_PERSON} THEN '{OPERATOR}' ELSE {others} END"
    )
    return _list_right("written.acting", role) if known else f"NULL::uuid, NULL::text, {role}"


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
    """In whose right; where the row has no organisation, in whose right to `person`."""
    if subject.organisation is None:
        return render_right(conditions, alias, subject.right)
    named = _acting_in(conditions, alias, subject, name_column(alias, subject.organisation))
    if person is None or subject.organisation_required:
        return named
    return f"coalesce({named}, {_any_right(conditions.parameters, person)})"


def _acting_in(conditions: Conditions, alias: str, subject: Subject, organisation: str) -> str:
    """The right in that organisation; where none is found there, the organisation alone."""
    acting = render_right(conditions, alias, subject.right, organisation=organisation)
    return f"coalesce({acting}, {organisation}::text)"


def _any_right(parameters: Parameters, person: str) -> str:
    """The organisation in which the viewer is anything to the person."""
    any_right = HasRelationship(Scope.PERSON, "id", _ANY)
    return render_acting_right(parameters, person, any_right, ())


def _list_right(acting: str, role: str | None = None) -> str:
    """The columns of an entry about the right: the organisation, its name, and the role."""
    organisation = name_organisation(acting)
    name = f"(SELECT named.name FROM organisation AS named WHERE named.id = {organisation})"
    return f"{organisation}, {name}, {role or name_role(acting)}"


def _name(viewer: str) -> str:
    return f"(SELECT actor.name FROM person AS actor WHERE actor.id = {viewer})"
