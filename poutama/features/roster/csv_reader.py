"""Reads a roster's files in batches, from wherever the last batch ended.

`roster.phases` calls it. Memory holds one batch and never a file. Pure but
for reading the archive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from poutama.features.roster.archive import Archive
from poutama.features.roster.columns import Header, match_header
from poutama.features.roster.lines import CsvRecord, read_records
from poutama.features.roster.manifest import MANIFEST, Manifest, read_manifest
from poutama.features.roster.row_parser import RosterRow, RowReader
from poutama.jobs.job import RowError
from poutama.zip_archive import ArchiveError, EntryReader

MAX_MANIFEST_LINES = 500
MAX_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class FilePosition:
    """Where in a file the reading goes on."""

    line: int = 1
    offset: int = 0


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some rows of a file.

    Attributes:
        rows: those that can be used, and those that cannot but whose id can be read.
        errors: what is wrong with them.
        place: where the next batch begins; None after the last row.
        blind: rows whose id cannot be read: what is absent cannot be known.
    """

    rows: list[RosterRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    place: FilePosition | None = None
    blind: int = 0


def open_manifest(archive: Archive) -> Manifest:
    """What the archive says is in it.

    Raises:
        ArchiveError: there is nothing that can be imported.
    """
    records: list[CsvRecord] = []
    if MANIFEST in archive.entries:
        found = read_records(archive.open_entry(MANIFEST))
        records = list(islice(found, MAX_MANIFEST_LINES))
    return read_manifest(records, archive.entries.keys())


class FileReader:
    """One file of an archive, read batch by batch."""

    def __init__(self, archive: Archive, file: str) -> None:
        """Read the header.

        Raises:
            ArchiveError: the file is damaged, or not one that can be read as text.
        """
        self._name = f"{file}.csv"
        self._entry = archive.open_entry(self._name)
        self._header, self.errors, self._start = _read_header(self._name, file, self._entry)
        self._rows = RowReader(file, self._header) if self._header is not None else None
        self._records: Iterator[CsvRecord] = iter(())
        self._place: FilePosition | None = None

    @property
    def is_readable(self) -> bool:
        """Whether its header has the columns that are needed; `errors` says why not."""
        return self._rows is not None

    def read_batch(self, place: FilePosition | None, limit: int) -> RowBatch:
        """Up to `limit` rows from that place on; None is the first row.

        Raises:
            ArchiveError: the file is damaged.
        """
        assert self._rows is not None, "a file without a header has no rows"
        rows: list[RosterRow] = []
        found: list[RowError] = []
        blind = 0
        last: CsvRecord | None = None
        for last in islice(self._continue_at(place or self._start), limit):
            row, errors = self._rows.read(last)
            found.extend(errors)
            if row.sourced_id:
                rows.append(row)
            else:
                blind += 1
        self._place = FilePosition(last.next_line, last.next_offset) if last is not None else None
        return RowBatch(rows, found, self._place, blind)

    def _continue_at(self, place: FilePosition) -> Iterator[CsvRecord]:
        """The records from there on; going back would unpack everything before it anew."""
        if place != self._place:
            self._entry.seek(place.offset)
            self._records = read_records(self._entry, line=place.line, offset=place.offset)
        return self._records


def _read_header(
    name: str, file: str, entry: EntryReader
) -> tuple[Header | None, list[RowError], FilePosition]:
    start = entry.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ArchiveError(f"{name} is UTF-16; it must be UTF-8.")
    entry.seek(0)
    record = next(read_records(entry), None)
    if record is None:
        return None, [_error(name, 0, "", "NO_HEADER", f"{name} has no header.")], FilePosition()
    if record.fault or len(record.cells) > MAX_COLUMNS:
        message = f"The header of {name} cannot be read; lines must end in LF or CR LF."
        return None, [_error(name, record.line, "", "BAD_HEADER", message)], FilePosition()
    header = match_header(file, record.cells)
    errors = [
        _error(name, record.line, known, "HEADER_READ_AS", f"Read {guess[:60]!r} as {known}.")
        for guess, known in header.guessed.items()
    ]
    bad = [
        _error(name, record.line, column, "NO_COLUMN", f"{name} has no column {column}.")
        for column in header.missing
    ]
    bad += [
        _error(name, record.line, column, "COLUMN_TWICE", f"{name} has the column {column} twice.")
        for column in header.twice
    ]
    place = FilePosition(record.next_line, record.next_offset)
    return (None if bad else header), [*errors, *bad], place


def _error(file: str, line: int, field: str, code: str, message: str) -> RowError:
    return RowError(file=file, line=line, field=field, code=code, message=message)
