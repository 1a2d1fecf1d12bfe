"""Reads a roster's files in batches, from wherever the last batch ended.

`roster.phases` calls it. Memory holds one batch and never a file. Pure but
for reading the archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from itertools import islice

from poutama.features.roster.archive import Archive
from poutama.features.roster.columns import Header, match_header
from poutama.features.roster.lines import SEPARATORS, CsvRecord, find_separator, read_records
from poutama.features.roster.manifest import MANIFEST, Manifest, read_manifest
from poutama.features.roster.roster_rows import RosterRow
from poutama.features.roster.row_parser import RowReader
from poutama.jobs.job import RowError
from poutama.zip_archive import ArchiveError, EntryReader

MAX_MANIFEST_LINES = 500
MAX_COLUMNS = 500
_START_BYTES = 1 << 14
_SHOWN_HEADER = 60


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
        entry = archive.open_entry(MANIFEST)
        separator = _find_separator(MANIFEST, entry)
        records = list(islice(read_records(entry, separator=separator), MAX_MANIFEST_LINES))
    return read_manifest(records, archive.entries.keys())


def find_unreadable(archive: Archive, files: Iterable[str]) -> list[str]:
    """Why files of the archive cannot be read as what they are, in sentences; empty if they can.

    Raises:
        ArchiveError: a file is damaged, or not one that can be read as text.
    """
    readers = [FileReader(archive, file) for file in files]
    return [
        error.message for reader in readers if not reader.is_readable for error in reader.errors
    ]


class FileReader:
    """One file of an archive, read batch by batch."""

    def __init__(self, archive: Archive, file: str) -> None:
        """Read the header.

        Raises:
            ArchiveError: the file is damaged, or not one that can be read as text.
        """
        self._name = f"{file}.csv"
        self._entry = archive.open_entry(self._name.lower())
        self._separator = _find_separator(self._name, self._entry)
        self._header, self.errors, self._start = _read_header(
            self._name, file, self._entry, self._separator
        )
        if self._separator != ",":
            self.errors.append(
                _error(
                    self._name,
                    1,
                    "",
                    "ODD_SEPARATOR",
                    f"{self._name} has {SEPARATORS[self._separator]} between its fields, where the"
                    " standard has commas; it was read so.",
                )
            )
        self._rows = RowReader(file, self._header) if self._header is not None else None
        self._records: Iterator[CsvRecord] = iter(())
        self._place: FilePosition | None = None

    @property
    def is_readable(self) -> bool:
        """Whether its header has the columns that are needed; `errors` says why not."""
        return self._rows is not None

    def read_batch(
        self, place: FilePosition | None, limit: int, schools: Set[str] = frozenset()
    ) -> RowBatch:
        """Up to `limit` rows from that place on; None is the first row.

        Of `schools`, where there are some: rows of others are passed over, whatever is wrong.

        Raises:
            ArchiveError: the file is damaged.
        """
        assert self._rows is not None, "a file without a header has no rows"
        rows: list[RosterRow] = []
        found: list[RowError] = []
        blind = 0
        last: CsvRecord | None = None
        for last in islice(self._continue_at(place or self._start), limit):
            if schools and not self._rows.is_of(last, schools):
                continue
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
            self._records = read_records(
                self._entry, line=place.line, offset=place.offset, separator=self._separator
            )
        return self._records


def _find_separator(name: str, entry: EntryReader) -> str:
    """What stands between the fields of the file; the entry is at its beginning afterwards.

    Raises:
        ArchiveError: it is not UTF-8.
    """
    start = entry.read(_START_BYTES)
    # UTF-16 has a mark, or beside each ASCII letter a byte that is zero.
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start[:4]:
        raise ArchiveError(f"{name} is UTF-16; it must be UTF-8. Save it as “CSV UTF-8”.")
    entry.seek(0)
    return find_separator(start)


def _read_header(
    name: str, file: str, entry: EntryReader, separator: str
) -> tuple[Header | None, list[RowError], FilePosition]:
    record = next(read_records(entry, separator=separator), None)
    if record is None:
        return None, [_error(name, 0, "", "NO_HEADER", f"{name} has no header.")], FilePosition()
    if record.fault or len(record.cells) > MAX_COLUMNS:
        message = f"The header of {name} cannot be read; lines must end in LF or CR LF."
        return None, [_error(name, record.line, "", "BAD_HEADER", message)], FilePosition()
    header = match_header(file, record.cells)
    place = FilePosition(record.next_line, record.next_offset)
    bad = _find_misfits(name, record, header)
    return (None, bad, place) if bad else (header, _find_oddities(name, record, header), place)


def _find_misfits(name: str, record: CsvRecord, header: Header) -> list[RowError]:
    """Why the file cannot be read by its header."""
    shown = ",".join(cell.strip() for cell in record.cells)[:_SHOWN_HEADER]
    return [
        _error(
            name,
            record.line,
            column,
            "NO_COLUMN",
            f"{name} has no column {column}; its header begins {shown!r}.",
        )
        for column in header.missing
    ] + [
        _error(name, record.line, column, "COLUMN_TWICE", f"{name} has the column {column} twice.")
        for column in header.twice
    ]


def _find_oddities(name: str, record: CsvRecord, header: Header) -> list[RowError]:
    """What is not as the standard says, and read all the same."""
    odd = [
        _error(name, record.line, known, "HEADER_READ_AS", f"Read {guess[:60]!r} as {known}.")
        for guess, known in header.guessed.items()
    ]
    odd += [
        _error(
            name,
            record.line,
            column,
            "ODD_NO_COLUMN",
            f"{name} has no column {column}, as in OneRoster 1.0: all of its rows are used.",
        )
        for column in header.lacking
    ]
    return odd


def _error(file: str, line: int, field: str, code: str, message: str) -> RowError:
    return RowError(file=file, line=line, field=field, code=code, message=message)
