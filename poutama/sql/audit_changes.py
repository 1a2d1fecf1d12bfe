"""The entries of a change: of each person of whom the row tells, and of what goes with it.

`sql.audit` calls it and puts them into the one INSERT of the statement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from poutama.plan.nodes import (
    ALWAYS,
    Change,
    Delete,
    Dependents,
    Insert,
    Subject,
    Update,
    UpdateMany,
)
from poutama.sql.acting_right import name_role
from poutama.sql.audit_subject import (
    NO_PERSON,
    OPERATOR,
    SELF,
    render_actor,
    render_person,
    render_right_cells,
    render_right_to,
)
from poutama.sql.fragment import name_column, quote_name, quote_text
from poutama.sql.predicate import Conditions


def writes_entry(change: Change) -> bool:
    """Whether the change leaves an entry: one of nothing is only a look."""
    if not isinstance(change, Update):
        return True
    return bool(change.assignments) or change.record_only


def hides_rows(change: Change) -> bool:
    """Whether the person sees some of the rows that are changed, and others not."""
    dependents = change.dependents if isinstance(change, Delete) else ()
    subjects = (change.subject, *(each.subject for each in dependents))
    return any(each is not None and each.sees != ALWAYS for each in subjects)


@dataclass(frozen=True, slots=True)
class _ChangedRows:
    """Rows that a statement has changed, for their entries.

    Attributes:
        source: what `written` is selected from; `where`: which of it.
        kind, action: what the entries say.
        subject: whose data they are; None for no person's.
        person: of a further person of whom they tell, how that one is found.
    """

    source: str
    kind: str
    action: str
    subject: Subject | None
    person: str | None = None
    where: str = ""


def render_change_entries(conditions: Conditions, change: Change, viewer: str) -> list[str]:
    """The entry of each person of whom the row tells, and of what others wrote and goes with it."""
    match change:
        case Insert():
            action = "INSERT"
        case Update() | UpdateMany():
            action = "UPDATE"
        case Delete():
            action = "DELETE"
    written = _ChangedRows("written", change.entity.name, action, change.subject)
    found = [written]
    if change.subject is not None:
        first = render_person("written", change.subject)
        for column in change.subject.also:
            other = replace(change.subject, column=column)
            person = render_person("written", other)
            where = f" WHERE {person} IS NOT NULL AND {person} IS DISTINCT FROM {first}"
            found.append(replace(written, subject=other, person=person, where=where))
    if isinstance(change, Delete):
        found += [_rows_of_others(each, viewer) for each in change.dependents]
    audience = hides_rows(change)
    return [_entry_of_change(conditions, rows, viewer, audience=audience) for rows in found]


def _rows_of_others(dependents: Dependents, viewer: str) -> _ChangedRows:
    """The rows by others than the viewer, which the statement sees as they were."""
    source, alias = f"{quote_name(dependents.entity.table)} AS written", "written"
    for number, (relation, target) in enumerate(dependents.steps, start=1):
        assert relation.key is not None
        whole = "written" if number == len(dependents.steps) else quote_name(target.table)
        on = f"gone_{number}.id = {name_column(alias, relation.key)}"
        source, alias = f"{source} JOIN {whole} AS gone_{number} ON {on}", f"gone_{number}"
    by = " OR ".join(
        f"{name_column('written', column)} IS DISTINCT FROM {viewer}" for column in dependents.by
    )
    kind, subject = dependents.entity.name, dependents.subject
    return _ChangedRows(source, kind, "DELETE", subject, where=f" WHERE {by}")


def _entry_of_change(
    conditions: Conditions, rows: _ChangedRows, viewer: str, *, audience: bool
) -> str:
    subject, right, shown_to = "NULL::uuid", None, "'PERSON'"
    if rows.subject is not None:
        subject = render_person("written", rows.subject)
        right = render_right_to(conditions, "written", rows.subject, rows.person)
        if rows.subject.sees != ALWAYS:
            seen = conditions.render("written", rows.subject.sees)
            shown_to = f"CASE WHEN {seen.text} THEN 'PERSON' ELSE 'STAFF' END"
    acting = "" if right is None else f", {right} AS acting"
    return (
        f"SELECT gen_random_uuid(), now(), {viewer}, {render_actor(viewer)}, written.whose,"
        f" '{rows.action}', {quote_text(rows.kind)}, written.id,"
        f" {_right_of_change(viewer, known=right is not None)}"
        f"{f', {shown_to}' if audience else ''}"
        f" FROM (SELECT written.*, {subject} AS whose{acting} FROM {rows.source}{rows.where})"
        " AS written"
    )


def _right_of_change(viewer: str, *, known: bool) -> str:
    """The columns of an entry about the right; `known`: whether the change may be in another's."""
    others = name_role("written.acting") if known else "NULL::text"
    role = (
        f"CASE WHEN {viewer} = written.whose THEN '{SELF}'"
        f" WHEN {viewer} = {NO_PERSON} THEN '{OPERATOR}' ELSE {others} END"
    )
    return (
        render_right_cells("written.acting", role) if known else f"NULL::uuid, NULL::text, {role}"
    )
