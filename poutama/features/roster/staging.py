"""The rows of an import on their way from the file into tables of its own.

`roster.steps` calls it. Rows are written thousands a statement, as JSON: the oldest CockroachDB
takes no arrays. What is staged is personal data, and goes when the import is done or too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from json import dumps
from uuid import UUID
from zoneinfo import ZoneInfo

from poutama.db.connection import Database
from poutama.db.statements import load_sql
from poutama.db.transaction import Transaction
from poutama.features.roster.checkpoint import TableCounts
from poutama.features.roster.roster_rows import ClassRow, EnrolmentRow, RoleRow, RosterRow, UserRow
from poutama.features.roster.staged_tables import FIND_STAGED, StagedTable
from poutama.jobs.job import RowError
from poutama.text import fold

MANAGER = "MENTOR_MANAGER"
FILE_TABLES = {
    "classes": StagedTable.GROUP,
    "users": StagedTable.PERSON,
    "roles": StagedTable.MEMBERSHIP,
    "enrollments": StagedTable.MEMBERSHIP,
}

_SQL = load_sql(__package__, "staging.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership(RosterRow):
    """A membership that is wanted, be it of an enrolment or of a role."""

    kind: str = ""
    class_id: str = ""
    user_id: str = ""
    role: str = ""
    begins: str = ""
    ends: str = ""


KINDS = {"enrollments": "ENROLMENT", "roles": "ROLE", "users": "USER"}
"""File -> what the memberships are called that its rows ask for."""


async def find_staged(
    database: Database, import_id: UUID, file: str, rows: Sequence[RosterRow], *, deadline: float
) -> set[str]:
    """The ids of those rows that were staged before, in an earlier batch of the same file."""
    table = FILE_TABLES[file]
    statement = FIND_STAGED[table]
    values: list[object] = [import_id, dumps(sorted({row.sourced_id for row in rows}))]
    if table is StagedTable.PERSON:
        statement = _SQL["find_people"]
    elif table is StagedTable.MEMBERSHIP:
        statement = _SQL["find_memberships"]
        values.append(KINDS[file])
    found = await database.read(statement, values, deadline=deadline, name="roster/staged")
    return {row["sourced_id"] for row in found}


def drop_doubles(
    file: str, rows: Iterable[RosterRow], there: set[str]
) -> tuple[list[RosterRow], list[RowError]]:
    """Keep the first row of each id; the others are errors.

    A user who teaches and is a parent may have a row for each role: those of a family come last.
    """
    kept, errors = [], []
    for row in sorted(rows, key=_is_of_family):
        if row.sourced_id not in there:
            there.add(row.sourced_id)
            kept.append(row)
            continue
        if _is_of_family(row):
            continue
        errors.append(
            RowError(
                file=f"{file}.csv",
                line=row.line,
                field="sourcedId",
                code="DUPLICATE",
                message=f"{row.sourced_id[:60]!r} is also in an earlier line; that one counts.",
            )
        )
    return kept, errors


def _is_of_family(row: RosterRow) -> bool:
    return isinstance(row, UserRow) and row.family


async def stage_rows(
    transaction: Transaction,
    import_id: UUID,
    rows: Sequence[RosterRow],
    *,
    place: TableCounts,
    zone: ZoneInfo,
    managers: bool,
    chosen: bool = False,
) -> None:
    """Write rows of one file, in their order, from those places on.

    Args:
        transaction: of the step.
        import_id: whose they are.
        rows: of one file, no id twice.
        place: the number of the next row of each table.
        zone: in which dates are meant.
        managers: whether roles that manage are wanted.
        chosen: whether they are of some schools of the file: a user who names none (1.2) is a
            person only with a role or a class in one of these.
    """
    groups = [row for row in rows if isinstance(row, ClassRow)]
    people = [row for row in rows if isinstance(row, UserRow)]
    memberships = list(select_memberships(rows, managers=managers))
    for statement, values in (
        ("add_groups", _group_values(groups, place.group, zone)),
        ("add_people", _person_values(people, place.person, chosen=chosen)),
        ("add_memberships", _membership_values(memberships, place.membership, zone)),
        ("set_roles", _role_values(rows)),
        ("set_enrolled", _enrolled_values(rows)),
        ("set_students", _student_values(rows)),
    ):
        if values:
            await transaction.execute(_SQL[statement], import_id, dumps(values))


def count_staged(rows: Sequence[RosterRow], *, managers: bool) -> TableCounts:
    """How many rows of each table `stage_rows` writes."""
    return TableCounts(
        group=sum(isinstance(row, ClassRow) for row in rows),
        person=sum(isinstance(row, UserRow) for row in rows),
        membership=sum(1 for _ in select_memberships(rows, managers=managers)),
    )


def select_memberships(rows: Iterable[RosterRow], *, managers: bool) -> Iterable[Membership]:
    """The memberships that rows ask for: enrolments, and roles that manage where that is wanted.

    A role that does not manage is one to be removed: it may have managed before.
    """
    for row in rows:
        match row:
            case EnrolmentRow():
                begins, ends = row.begins, row.ends
                yield _membership(row, row.role, row.user_id, row.class_id, begins, ends)
            case RoleRow() if managers:
                role = MANAGER if row.manages else ""
                yield _membership(row, role, row.user_id, "", row.begins, row.ends)
            case UserRow() if managers and not row.family and (row.has_role or row.refused):
                yield _membership(row, MANAGER if row.manages else "", row.sourced_id)


def _membership(
    row: RosterRow, role: str, user_id: str, class_id: str = "", begins: str = "", ends: str = ""
) -> Membership:
    return Membership(
        sourced_id=row.sourced_id,
        line=row.line,
        refused=row.refused,
        removed=row.removed or not role,
        kind=KINDS[row.file],
        class_id=class_id,
        user_id=user_id,
        role=role,
        begins=begins,
        ends=ends,
    )


def _start(row: RosterRow, place: int) -> list[object]:
    return [row.sourced_id, place, row.line, row.hash, row.refused, row.removed]


def _group_values(rows: Sequence[ClassRow], place: int, zone: ZoneInfo) -> list[list[object]]:
    return [
        [
            *_start(row, place + index),
            *(row.name, fold(row.name)),
            _midnight(row.begins, zone),
            _midnight(row.ends, zone),
            row.bare,
        ]
        for index, row in enumerate(rows)
    ]


def _person_values(rows: Sequence[UserRow], place: int, *, chosen: bool) -> list[list[object]]:
    return [
        [
            *_start(row, place + index),
            *(row.name, row.email, row.username),
            row.family or (chosen and not row.has_role),
            False,
            fold(row.name),
            row.student,
        ]
        for index, row in enumerate(rows)
    ]


def _membership_values(
    rows: Sequence[Membership], place: int, zone: ZoneInfo
) -> list[list[object]]:
    return [
        [
            *_start(row, place + index),
            *(row.kind, row.class_id, row.user_id, row.role),
            _midnight(row.begins, zone),
            _midnight(row.ends, zone),
        ]
        for index, row in enumerate(rows)
    ]


def _role_values(rows: Sequence[RosterRow]) -> list[list[object]]:
    return [
        [row.user_id, row.family, not row.family]
        for row in rows
        if isinstance(row, RoleRow) and not row.refused and not row.removed
    ]


def _enrolled_values(rows: Sequence[RosterRow]) -> list[list[object]]:
    enrolled = {row.user_id for row in rows if isinstance(row, EnrolmentRow) and not row.removed}
    return [[user_id] for user_id in sorted(enrolled - {""})]


def _student_values(rows: Sequence[RosterRow]) -> list[list[object]]:
    """The users whom roles or classes list as students, whatever comes of these rows."""
    listed = {
        row.user_id
        for row in rows
        if (isinstance(row, RoleRow) and row.student)
        or (isinstance(row, EnrolmentRow) and row.role == "STUDENT")
    }
    return [[user_id] for user_id in sorted(listed - {""})]


def _midnight(text: str, zone: ZoneInfo) -> str | None:
    """The beginning of that day there; the end of a span is the beginning of a day as well."""
    return datetime.combine(date.fromisoformat(text), time(), zone).isoformat() if text else None
