"""Fills a database with the demo school, or with what is missing of it.

Called by `poutama demo` and `poutama up`. A batch of whole students is one transaction, so an
interrupted run is taken up again where it stopped. A person who is there is left as they are,
goals and all, even if somebody has changed or deleted some of them since. Rows that are not the
demo school's are never changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from poutama.db.bulk import Loader, TableRows, open_loader
from poutama.db.connection import Database
from poutama.errors import (
    AmbiguousCommit,
    BadUserInputError,
    ConfigurationError,
    ConflictError,
    DatabaseError,
)
from poutama.local.school import (
    ADMIN_EMAIL,
    COLUMNS,
    LARGEST,
    STUDENTS_A_MENTOR,
    SchoolRows,
    mentor_email,
    mentors_of,
    person_id,
    student_email,
    write_adult,
    write_student,
)
from poutama.settings import Settings

ROWS_A_STUDENT = 90
TRIES = 5
READ_SECONDS = 60.0
_UNIQUE_VIOLATION, _NO_SUCH_TABLE = "23505", "42P01"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What a run added; zeros when everything was there."""

    students: int
    people: int
    goals: int
    tasks: int
    notes: int
    seconds: float

    @property
    def rows(self) -> int:
        return self.people + self.goals + self.tasks + self.notes

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class Batch:
    """The students `first` to `last`, and the adults who come with them."""

    first: int
    last: int

    def adults(self) -> list[str]:
        mentors = [mentor_email(number) for number in mentors_of(self.first, self.last)]
        return ([ADMIN_EMAIL] if self.first == 1 else []) + mentors


async def make_demo(
    url: str,
    *,
    students: int,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> DemoSummary:
    """Make sure that the demo school has its first `students` students, mentors and administrator.

    Args:
        url: a migrated database.
        students: 1 to 1,000,000; memory does not grow with it.
        progress: told (students so far, students) at the start and after each batch.
        settings: how to connect; the defaults if None.

    Raises:
        BadUserInputError: `students` is out of range.
        ConfigurationError: the database has no tables yet.
        ConflictError: somebody else has an email of the demo school.
        UnavailableError: the database went away; run again to go on.
    """
    if not 1 <= students <= LARGEST:
        raise BadUserInputError(f"students: expected 1 to {LARGEST:,}")
    begun = time.perf_counter()
    report = progress or (lambda _done, _total: None)
    people, goals, tasks, notes = await _fill(settings or Settings(), url, students, report)
    return DemoSummary(students, people, goals, tasks, notes, time.perf_counter() - begun)


async def _fill(settings: Settings, url: str, students: int, report: Progress) -> list[int]:
    """Add batch after batch; return how many rows each table got, in the order of `COLUMNS`."""
    report(0, students)
    added = dict.fromkeys(COLUMNS, 0)
    database = Database(settings, url=url)
    try:
        async with open_loader(settings, url) as loader:
            for batch in _split(students, loader.batch_rows):
                for table, values in (await _add_missing(database, loader, batch)).tables():
                    added[table] += len(values)
                report(batch.last, students)
            if any(added.values()):
                await loader.finish()
    finally:
        await database.close()
    return list(added.values())


def _split(students: int, batch_rows: int) -> Iterator[Batch]:
    """Batches of whole classes."""
    classes = max(1, batch_rows // ROWS_A_STUDENT // STUDENTS_A_MENTOR)
    size = classes * STUDENTS_A_MENTOR
    for first in range(1, students + 1, size):
        yield Batch(first, min(first + size - 1, students))


async def _add_missing(database: Database, loader: Loader, batch: Batch) -> SchoolRows:
    """Add what is missing of the batch, and return it; another run may be adding the same."""
    for _ in range(TRIES):
        rows = await _make_missing(database, batch)
        tables = [TableRows(name, COLUMNS[name], values) for name, values in rows.tables()]
        tables = [table for table in tables if table.rows]
        try:
            if tables:
                await loader.load(tables)
        except AmbiguousCommit:
            continue
        except DatabaseError as error:
            if error.sqlstate != _UNIQUE_VIOLATION:
                raise
        else:
            return rows
    raise ConflictError("The demo school is being changed by somebody else; try again.")


async def _make_missing(database: Database, batch: Batch) -> SchoolRows:
    students = {student_email(number): number for number in range(batch.first, batch.last + 1)}
    adults = batch.adults()
    present = await _find_present(database, [*students, *adults])
    rows = SchoolRows()
    for email in adults:
        if email not in present:
            write_adult(rows, email)
    for email, number in students.items():
        if email not in present:
            write_student(rows, number)
    return rows


async def _find_present(database: Database, emails: Sequence[str]) -> set[str]:
    """Which of the school's people are there, by the email they were given.

    Raises:
        ConflictError: an email belongs to a person who is not the school's.
    """
    ids = {person_id(email): email for email in emails}
    marks = [f"${number}" for number in range(1, 2 * len(emails) + 1)]
    statement = (
        f"select id, email from person where id in ({', '.join(marks[: len(emails)])})"  # noqa: S608
        f" union select id, email from person where email in ({', '.join(marks[len(emails) :])})"
    )
    try:
        deadline = time.monotonic() + READ_SECONDS
        found = await database.read(statement, [*ids, *emails], deadline=deadline, name="demo")
    except DatabaseError as error:
        if error.sqlstate == _NO_SUCH_TABLE:
            message = "The database has no tables yet: run `poutama migrate` first."
            raise ConfigurationError(message) from error
        raise
    for row in found:
        if row["id"] not in ids:
            raise ConflictError(f"{row['email']} belongs to somebody who is not the demo school's.")
    return {ids[row["id"]] for row in found}
