"""What the classes of a roster refer to: terms, with their dates.

`roster.fetching` keeps it beside the open zip, and `roster.phases` completes classes by it. A file
that is not there, or cannot be read, bounds nothing: `errors` has the reason. Pure but for reading
the archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from poutama.features.roster.archive import Archive
from poutama.features.roster.csv_reader import FileReader
from poutama.features.roster.row_parser import ClassRow, RosterRow, SessionRow
from poutama.jobs.job import RowError

MAX_ROWS = 20_000
"""Of each file: more terms no class refers to."""


@dataclass(frozen=True, slots=True)
class References:
    """What rows refer to.

    Attributes:
        terms: sourcedId -> the term.
        errors: what of the files cannot be used.
    """

    terms: Mapping[str, SessionRow]
    errors: Sequence[RowError]

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
    return References(terms, errors)


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
