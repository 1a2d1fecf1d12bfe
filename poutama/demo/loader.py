"""Fills a database with the demo school, or with what is missing of it.

Called by `poutama demo` and `poutama up`. A batch of whole students is one transaction, so an
interrupted run is taken up again where it stopped. A person who is there is left as they are,
goals and all, even if some of them were changed or deleted since; `demo.missing_rows` knows
what is missing. Rows that are not the demo school's are never changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from poutama.db.bulk_load import Loader, TableRows, open_loader
from poutama.db.connection import Database
from poutama.demo.demo_memberships import ORGANISATIONS, organisation_id
from poutama.demo.group_assignment import STUDENTS_A_MENTOR
from poutama.demo.missing_rows import StudentRange, make_missing
from poutama.demo.school import COLUMNS, DOMAIN, LARGEST, SchoolRows
from poutama.errors import AmbiguousCommit, BadUserInputError, ConflictError, DatabaseError
from poutama.features.roster.organisation_verification import verify_organisations
from poutama.settings import Settings

ROWS_A_STUDENT = 90
TRIES = 5
VERIFY_SECONDS = 30.0
# Unique and foreign keys: the same was added, or what a row refers to was deleted, just now.
_CHANGED_MEANWHILE = frozenset({"23505", "23503"})

ReportProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What a run added; zeros when everything was there."""

    students: int
    people: int
    organisations: int
    groups: int
    memberships: int
    goals: int
    tasks: int
    notes: int
    seconds: float

    @property
    def rows(self) -> int:
        belonging = self.organisations + self.groups + self.memberships
        return self.people + belonging + self.goals + self.tasks + self.notes

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


async def make_demo(
    url: str,
    *,
    students: int,
    progress: ReportProgress | None = None,
    settings: Settings | None = None,
) -> DemoSummary:
    """Make sure that the demo school has its first `students` students and all who come with them.

    Args:
        url: a migrated database.
        students: 1 to 1,000,000; memory does not grow with it.
        progress: called with (students so far, students) at the start and after each batch.
        settings: how to connect; the defaults if None.

    Raises:
        BadUserInputError: `students` is out of range.
        ConfigurationError: the database has no tables yet.
        ConflictError: another person has an email of the demo school.
        UnavailableError: the database went away; run again to go on.
    """
    if not 1 <= students <= LARGEST:
        raise BadUserInputError(f"students: expected 1 to {LARGEST:,}, got {students:,}")
    begun = time.perf_counter()
    report = progress or (lambda _done, _total: None)
    added = await _fill(settings or Settings(), url, students, report)
    return DemoSummary(
        students=students,
        people=added["person"],
        organisations=added["organisation"],
        groups=added["learning_group"],
        memberships=added["membership"],
        goals=added["goal"],
        tasks=added["goal_task"],
        notes=added["goal_note"],
        seconds=time.perf_counter() - begun,
    )


async def _fill(
    settings: Settings, url: str, students: int, report: ReportProgress
) -> dict[str, int]:
    """Add batch after batch; return how many rows each table got."""
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
        if added["organisation"]:
            # Only once: an operator who revokes it, to try what it is like, is not overruled.
            ids = [organisation_id(number) for number in ORGANISATIONS]
            deadline = time.monotonic() + VERIFY_SECONDS
            await verify_organisations(database, ids, domains=[DOMAIN], deadline=deadline)
    finally:
        await database.close()
    return added


def _split(students: int, batch_rows: int) -> Iterator[StudentRange]:
    """Batches of whole classes."""
    classes = max(1, batch_rows // ROWS_A_STUDENT // STUDENTS_A_MENTOR)
    size = classes * STUDENTS_A_MENTOR
    for first in range(1, students + 1, size):
        yield StudentRange(first, min(first + size - 1, students))


async def _add_missing(database: Database, loader: Loader, batch: StudentRange) -> SchoolRows:
    """Add what is missing of the batch, and return it; another run may be adding the same."""
    for _ in range(TRIES):
        rows = await make_missing(database, batch)
        tables = [TableRows(name, COLUMNS[name], values) for name, values in rows.tables()]
        tables = [table for table in tables if table.rows]
        try:
            if tables:
                await loader.load(tables)
        except AmbiguousCommit:
            continue
        except DatabaseError as error:
            if error.sqlstate not in _CHANGED_MEANWHILE:
                raise
        else:
            return rows
    raise ConflictError("The demo school is being changed by another process; try again.")
