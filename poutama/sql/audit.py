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

from poutama.plan.nodes import (
    All,
    AnyOf,
    Change,
    HasRelationship,
    IsNull,
    Predicate,
    Subject,
    Trace,
)
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import Column, ColumnKind, Scope
from poutama.sql.acting_right import list_columns, render_right
from poutama.sql.audit_changes import hides_rows, render_change_entries, writes_entry
from poutama.sql.audit_subject import (
    ANY,
    render_actor,
    render_any_right,
    render_person,
    render_right_cells,
    render_right_in,
)
from poutama.sql.fragment import Parameters, name_column, quote_text
from poutama.sql.predicate import Conditions
from poutama.sql.relationship import render_is_current
from poutama.sql.statement import Statement

REMEMBERED = "15 minutes"
"""Reading the same person's data again within this time is the same visit."""

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
    writes = change is not None and writes_entry(change)
    if not traced and not writes:
        return []
    audience = change is not None and writes and hides_rows(change)
    viewer = conditions.parameters.place(ViewerId(), "uuid")
    entries = []
    if change is not None and writes:
        entries.extend(render_change_entries(conditions, change, viewer))
    if traced:
        entries.append(_entries_of_reads(conditions, traced, viewer, audience=audience))
    columns = f"{_COLUMNS[:-1]}, audience)" if audience else _COLUMNS
    into = f"INSERT INTO audit_entry {columns} {' UNION ALL '.join(entries)} RETURNING 1"
    ctes = [f"rights AS ({_render_rights(viewer)})"] if _need_rights(traced) else []
    return [*ctes, f"audit AS ({into})"]


def render_recorded_read(person: Value, kind: Value) -> Statement:
    """The statement that writes down a read of a person's data that is not one type's rows."""
    parameters = Parameters()
    viewer, subject = parameters.place(ViewerId(), "uuid"), parameters.place(person, "uuid")
    right = render_any_right(parameters, subject)
    return Statement(
        f"INSERT INTO audit_entry {_COLUMNS} SELECT gen_random_uuid(), now(), {viewer},"
        f" {render_actor(viewer)}, {subject}, 'READ', {parameters.place(kind, 'text')},"
        f" NULL::uuid, {render_right_cells('reader.acting')}"
        f" FROM (SELECT {right} AS acting) AS reader",
        parameters.values,
    )


def _entries_of_reads(
    conditions: Conditions, traced: Sequence[TracedRows], viewer: str, *, audience: bool
) -> str:
    """One entry for each person, kind and organisation, whatever rows there are several of."""
    shown_to = ", 'PERSON'" if audience else ""
    parts = [_people(conditions, rows, viewer) for rows in _join_alike(traced)]
    # After the groups: a database that knew it before would look for the right by which each row
    # is read, also those of whom there is an entry already. In no right are only those rows read
    # for which there is none in any organisation: their entry names none, as others have theirs.
    people = (
        "SELECT shown.subject, shown.kind, min(shown.action) AS action,"
        " CASE WHEN shown.organisation_id IS NOT NULL"
        " THEN coalesce(min(shown.acting), shown.organisation_id::text) END AS acting"
        f" FROM ({' UNION ALL '.join(parts)}) AS shown"
        " GROUP BY shown.subject, shown.kind, shown.organisation_id"
        " HAVING CASE WHEN shown.organisation_id IS NULL THEN count(shown.acting) < count(*)"
        " ELSE count(shown.acting) > 0 END"
    )
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {render_actor(viewer)}, reader.subject,"
        f" reader.action, reader.kind, NULL::uuid, {render_right_cells('reader.acting')}{shown_to}"
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
        acting = render_right_in(conditions, "found", subject, organisation)
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
    to_person = HasRelationship(Scope.PERSON, "subject", ANY)
    return AnyOf((subject.right, All((IsNull(column), to_person))))


def _name_subjects(subject: Subject, query: str) -> str:
    """The rows, each once for every person of whom it tells, who is the column `subject`."""
    columns = (subject.column, *subject.also)
    found = [render_person("item", replace(subject, column=column)) for column in columns]
    if len(found) == 1:
        return f"(SELECT {found[0]} AS subject, item.* FROM ({query}) AS item) AS found"
    cases = " ".join(f"WHEN {number} THEN {each}" for number, each in enumerate(found, start=1))
    numbers = ", ".join(f"({number})" for number, _ in enumerate(found, start=1))
    return (
        f"(SELECT CASE person.number {cases} END AS subject, item.* FROM ({query}) AS item,"
        f" (VALUES {numbers}) AS person(number)) AS found"
    )
