"""What is missing of some of the demo school's students, and of those who come with them.

Called by `demo.loader`, once for each batch. Only reads. Nothing that people changed is missing:
people and memberships that are there are left as they are, and a group that was deleted
stays deleted, with the memberships in it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asyncpg import Record

from poutama.db.connection import Database
from poutama.demo.demo_memberships import (
    ORGANISATIONS,
    group_id,
    organisation_id,
    write_group,
    write_leaders,
    write_learning,
    write_mentoring,
    write_organisations,
)
from poutama.demo.group_assignment import (
    SUMMER,
    Group,
    groups_mentored,
    groups_of,
    has_caregiver,
    mentors_of,
)
from poutama.demo.school import (
    ADMIN_EMAILS,
    COLUMNS,
    MANAGER_EMAILS,
    SchoolRows,
    caregiver_email,
    mentor_email,
    person_id,
    student_email,
    write_adult,
    write_student,
)
from poutama.errors import ConfigurationError, ConflictError, DatabaseError

READ_SECONDS = 60.0
_NO_SUCH_TABLE = "42P01"
_PLACE, _GROUP = (COLUMNS["membership"].index(name) for name in ("organisation_id", "group_id"))


@dataclass(frozen=True, slots=True)
class StudentRange:
    """The students `first` to `last`, and all people and rows that come with them."""

    first: int
    last: int

    def students(self) -> dict[str, int]:
        """Their numbers, by email."""
        return {student_email(number): number for number in range(self.first, self.last + 1)}

    def adults(self) -> list[str]:
        """The emails of the other people."""
        numbers = range(self.first, self.last + 1)
        return [
            *((*ADMIN_EMAILS, *MANAGER_EMAILS) if self.first == 1 else ()),
            *(mentor_email(number) for number in mentors_of(self.first, self.last)),
            *(caregiver_email(number) for number in numbers if has_caregiver(number)),
        ]

    def memberships(self) -> SchoolRows:
        """The emails of all."""
        rows = SchoolRows()
        if self.first == 1:
            write_leaders(rows)
        for mentor in mentors_of(self.first, self.last):
            write_mentoring(rows, mentor)
        for student in range(self.first, self.last + 1):
            write_learning(rows, student)
        return rows

    def groups(self) -> list[Group]:
        """The groups that these people are in; some may have come with an earlier batch."""
        mentors = mentors_of(self.first, self.last)
        groups = {group for mentor in mentors for group in groups_mentored(mentor)}
        if self.first == 1:
            groups.add(SUMMER)
        for student in range(self.first, self.last + 1):
            groups.update(groups_of(student))
        return sorted(groups, key=lambda group: (group.organisation, group.number))


async def make_missing(database: Database, batch: StudentRange) -> SchoolRows:
    """The rows of the batch that are not in the database, and were not deleted from it.

    Raises:
        ConflictError: an email of the batch belongs to a person who is not the school's.
        ConfigurationError: the database has no tables yet.
    """
    students, adults = batch.students(), batch.adults()
    people = await _find_people(database, [*students, *adults])
    rows = SchoolRows()
    for email in adults:
        if email not in people:
            write_adult(rows, email)
    for email, number in students.items():
        if email not in people:
            write_student(rows, number)
    await _add_memberships(database, batch, people, rows)
    return rows


async def _add_memberships(
    database: Database, batch: StudentRange, people: set[str], rows: SchoolRows
) -> None:
    """Add what is missing of organisations and groups, and of the memberships in those there are.

    A group comes in one transaction with the caregiver of its first student, organisations with
    the first caregiver. So if the caregiver is there and the group is not, it was deleted.
    """
    groups, memberships = batch.groups(), batch.memberships().membership
    organisations = [organisation_id(number) for number in ORGANISATIONS]
    wanted: Mapping[str, Sequence[object]] = {
        "organisation": organisations,
        "learning_group": [group_id(group) for group in groups],
        "membership": [row[0] for row in memberships],
    }
    present = await _find_ids(database, wanted)
    if batch.first == 1 and caregiver_email(1) not in people and not present & {*organisations}:
        write_organisations(rows)
    places: set[object] = present | {row[0] for row in rows.organisation}
    for group in groups:
        begins_here = batch.first <= group.first_student <= batch.last
        founded = not begins_here or caregiver_email(group.first_student) in people
        there = organisation_id(group.organisation) in places
        if not founded and there and group_id(group) not in present:
            write_group(rows, group)
    places |= {row[0] for row in rows.learning_group} | {None}
    rows.membership += [
        row
        for row in memberships
        if row[0] not in present and row[_PLACE] in places and row[_GROUP] in places
    ]


async def _find_people(database: Database, emails: Sequence[str]) -> set[str]:
    """Which of the school's people are there, by the email they were given.

    Raises:
        ConflictError: an email belongs to a person who is not the school's.
    """
    ids = {person_id(email): email for email in emails}
    statement = (
        f"select id, email from person where id in ({_marks(1, len(ids))})"  # noqa: S608
        f" union select id, email from person where email in ({_marks(len(ids) + 1, len(ids))})"
    )
    found = await _read(database, statement, [*ids, *emails])
    for row in found:
        if row["id"] not in ids:
            raise ConflictError(
                f"{row['email']} belongs to a person who is not of the demo school;"
                " use another database."
            )
    return {ids[row["id"]] for row in found}


async def _find_ids(database: Database, wanted: Mapping[str, Sequence[object]]) -> set[object]:
    """Which of the ids are there, in all the tables together."""
    parts, values = list[str](), list[object]()
    for table, ids in wanted.items():
        marks = _marks(len(values) + 1, len(ids))
        parts.append(f"select id from {table} where id in ({marks})")  # noqa: S608
        values += ids
    found = await _read(database, " union all ".join(parts), values)
    return {row["id"] for row in found}


def _marks(first: int, count: int) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))


async def _read(database: Database, statement: str, values: Sequence[object]) -> list[Record]:
    try:
        deadline = time.monotonic() + READ_SECONDS
        return list(await database.read(statement, values, deadline=deadline, name="demo"))
    except DatabaseError as error:
        if error.sqlstate == _NO_SUCH_TABLE:
            message = "The database has no tables yet: run `poutama migrate` first."
            raise ConfigurationError(message) from error
        raise
