"""What the classes of a roster refer to: terms, with their dates, and schools, with their names.

`roster.fetching` keeps it beside the open zip, and `roster.phases` completes classes by it. A file
that is not there, or cannot be read, bounds nothing: `errors` has the reason. Pure but for reading
the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from poutama.features.roster.archive import Archive
from poutama.features.roster.csv_reader import FileReader
from poutama.features.roster.roster_rows import ClassRow, OrgRow, RosterRow, SessionRow
from poutama.features.roster.row_parser import LONGEST_NAME
from poutama.jobs.job import JobFailedError, RowError

MAX_ROWS = 20_000
"""Of each file: more terms no class refers to."""
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class References:
    """What rows refer to.

    Attributes:
        terms: sourcedId -> the term.
        schools: sourcedId -> the school's name.
        errors: what of the files cannot be used.
    """

    terms: Mapping[str, SessionRow]
    schools: Mapping[str, str]
    errors: Sequence[RowError]

    def require(self, chosen: Set[str]) -> None:
        """Have the file's schools among them those that were chosen.

        Raises:
            JobFailedError: it names schools, and one that was chosen is not one of them.
        """
        unknown = sorted(chosen - self.schools.keys())
        if self.schools and unknown:
            raise JobFailedError(
                f"orgs.csv has no school {unknown[0][:60]!r}. It has {self.list_schools()}."
            )

    def list_schools(self) -> str:
        """The schools by id and name, as far as they can be read at a glance."""
        shown = [f"{id_[:60]} ({name})" for id_, name in sorted(self.schools.items())[:MAX_SHOWN]]
        more = len(self.schools) - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more else "")

    def describe_choice(self, chosen: Set[str]) -> list[RowError]:
        """What is imported of a file of several schools, in a sentence."""
        if len(self.schools) < 2:
            return []
        which = "those that were chosen" if chosen else "all of them; `schools` chooses some"
        message = f"The file has {len(self.schools):,} schools, {self.list_schools()}: {which}."
        return [RowError(file="orgs.csv", line=0, field="", code="SCHOOLS", message=message)]

    def label(self, row: ClassRow, chosen: Set[str]) -> ClassRow:
        """The class with its school in its name, where the file brings several schools."""
        school = self.schools.get(row.school, "")
        several = len(self.schools.keys() & chosen if chosen else self.schools) > 1
        name = f"{row.name} ({school})"
        fits = several and school and row.name and len(name) <= LONGEST_NAME
        return replace(row, name=name if fits else row.name, bare=not self.schools)

    def bound(self, row: ClassRow) -> tuple[ClassRow, list[RowError]]:
        """The class with the dates of its terms, unless one of them is not known."""
        found = [self.terms.get(term) for term in row.terms]
        known = [term for term in found if term is not None]
        if len(known) < len(found):
            return row, self._report_unknown(row)
        if not known:
            return row, []
        begins, ends = min(term.begins for term in known), max(term.ends for term in known)
        return replace(row, begins=begins, ends=ends), []

    def _report_unknown(self, row: ClassRow) -> list[RowError]:
        """Where the file of terms is there; deltas often come without it."""
        unknown = [term for term in row.terms if term not in self.terms]
        message = (
            f"There is no term {unknown[0][:60]!r} that could be used: no term bounds the class."
        )
        error = RowError(
            file="classes.csv",
            line=row.line,
            field="termSourcedIds",
            code="ODD_REFERENCE",
            message=message,
        )
        return [error] if self.terms else []


def read_references(archive: Archive) -> References:
    """Read the files to which others refer.

    Raises:
        ArchiveError: one is damaged, or not one that can be read as text.
    """
    rows, errors = _read(archive, "academicSessions")
    terms = {
        row.sourced_id: row for row in reversed(rows) if isinstance(row, SessionRow) and row.ends
    }
    rows, more = _read(archive, "orgs")
    schools = {
        row.sourced_id: row.name
        for row in reversed(rows)
        if isinstance(row, OrgRow) and row.kind == "school"
    }
    return References(terms, schools, [*errors, *more])


def _read(archive: Archive, file: str) -> tuple[list[RosterRow], list[RowError]]:
    """The rows that can be used, and what is wrong with the others; of an id, the first counts."""
    if f"{file}.csv".lower() not in archive.entries:
        return [], []
    reader = FileReader(archive, file)
    if not reader.is_readable:
        return [], reader.errors
    batch = reader.read_batch(None, MAX_ROWS)
    rows = [row for row in batch.rows if not row.refused and not row.removed]
    return rows, [*reader.errors, *batch.errors]
