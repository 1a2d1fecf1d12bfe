"""Writing down who changed what and who read whose data, in the very statement that does it.

A read of others' audited rows inserts one entry for each person whose rows it returns or counts,
unless the same viewer's last is younger than `REMEMBERED`; reading one's own writes nothing. A
change inserts one entry, and its payload those of what it reads besides the row written. Nothing is
read or changed without its entry, because it is one statement. What a filter looks at and does not
return is not written down, nor are sums over a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from poutama.plan.nodes import Change, Delete, Insert, Subject, Update, UpdateMany
from poutama.plan.values import ViewerId
from poutama.sql.fragment import Parameters, name_column, quote_name, quote_text
from poutama.sql.layout import Layout, Level

REMEMBERED = "15 minutes"
"""Reading the same person's data again within this time is the same visit."""

_COLUMNS = "(id, at, actor_id, actor_name, subject_id, action, kind, row_id)"


def is_audited(level: Level) -> bool:
    """Whether reading the level's rows is to be written down."""
    rows = level.rows
    return rows.entity.subject is not None and not rows.own.data and rows.written is None


def render_subject(level: Level) -> str:
    """The column `subject` of an audited level's CTE: whose data the row is."""
    assert level.rows.entity.subject is not None
    return f"{name_column('this', level.rows.entity.subject)} AS subject"


def render_entries(
    parameters: Parameters, change: Change | None, layout: Layout, counted: Sequence[str]
) -> list[str]:
    """The CTE that writes down what the statement does: none, or one.

    `counted`: queries of subject and kind, each pair once, for what is only counted.

    One INSERT for a change and for what its payload reads: one statement cannot change a table
    twice on CockroachDB.
    """
    subjects = [
        f"SELECT DISTINCT item.subject, {quote_text(level.rows.entity.name)} AS kind"
        f" FROM {level.name} AS item"
        for level in layout.levels
        if is_audited(level)
    ]
    subjects += counted
    writes = change is not None and _writes(change)
    if not subjects and not writes:
        return []
    viewer = parameters.place(ViewerId(), "uuid")
    entries = [_entry_of_change(change, viewer)] if change is not None and writes else []
    if subjects:
        entries.append(_entries_of_reads(subjects, viewer))
    return [
        f"audit AS (INSERT INTO audit_entry {_COLUMNS} {' UNION ALL '.join(entries)} RETURNING 1)"
    ]


def _writes(change: Change) -> bool:
    if not isinstance(change, Update):
        return True
    return bool(change.assignments) or change.record_only


def _entries_of_reads(subjects: Sequence[str], viewer: str) -> str:
    recent = (
        "SELECT 1 FROM audit_entry AS entry"
        f" WHERE entry.subject_id = shown.subject AND entry.actor_id = {viewer}"
        f" AND entry.kind = shown.kind AND entry.action = 'READ'"
        f" AND entry.at > now() - interval '{REMEMBERED}'"
    )
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, shown.subject, 'READ',"
        f" shown.kind, NULL::uuid FROM ({' UNION '.join(subjects)}) AS shown"
        f" WHERE shown.subject <> {viewer} AND NOT EXISTS ({recent})"
    )


def _entry_of_change(change: Change, viewer: str) -> str:
    match change:
        case Insert():
            action = "INSERT"
        case Update() | UpdateMany():
            action = "UPDATE"
        case Delete():
            action = "DELETE"
    subject = "NULL::uuid" if change.subject is None else _subject("written", change.subject)
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {_name(viewer)}, {subject},"
        f" '{action}', {quote_text(change.entity.name)}, written.id FROM written"
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


def _name(viewer: str) -> str:
    return f"(SELECT actor.name FROM person AS actor WHERE actor.id = {viewer})"
