"""Where the job of an import is: the phase, the place in it, and what the phases before have left.

`roster.runner` writes it with each step. Structs, stored as JSON: a job whose checkpoint another
release has written fails, and says that it is to be started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

import msgspec

from poutama.features.roster.manifest import Mode
from poutama.features.roster.staged_tables import StagedTable


class RosterPhase(StrEnum):
    """What the next step does; `roster.steps` has the function of each, and their order."""

    BEGIN = "begin"
    CLEAN = "clean"
    OPEN = "open"
    READ = "read"
    DROP_ENDINGS = "drop-endings"
    MATCH_GROUPS = "match-groups"
    END_GROUPS = "end-groups"
    MATCH_PEOPLE = "match-people"
    REFUSE_RIVALS = "refuse-rivals"
    END_PEOPLE = "end-people"
    MATCH_MEMBERSHIPS = "match-memberships"
    END_ENROLMENTS = "end-enrolments"
    END_ROLES = "end-roles"
    END_USERS = "end-users"
    COMBINE_MEMBERSHIPS = "combine-memberships"
    COUNT = "count"
    GUARD = "guard"
    WRITE_GROUPS = "write-groups"
    WRITE_PEOPLE = "write-people"
    WRITE_MEMBERSHIPS = "write-memberships"
    END_LINKS = "end-links"
    END_MEMBERSHIPS = "end-memberships"
    REPORT_PEOPLE = "report-people"
    REPORT_MEMBERSHIPS = "report-memberships"
    CHOOSE_REPORT = "choose-report"
    WRITE_REPORT = "write-report"
    FINISH_CHECK = "finish-check"
    FINISH_APPLICATION = "finish-application"


class _Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """A place within a phase."""


class StagedRowCursor(_Cursor, frozen=True, tag="row"):
    """The staged row of a table from which a phase goes on."""

    place: int


class FileCursor(_Cursor, frozen=True, tag="file"):
    """The file that is being read, by its index in the state, and where in it.

    A new file begins without `line` and `offset`.
    """

    index: int
    line: int = 0
    offset: int = 0


class IdCursor(_Cursor, frozen=True, tag="id"):
    """The school's id after which links are compared with what is staged."""

    after: str


class MeasureCursor(_Cursor, frozen=True, tag="measure"):
    """All endings are staged; the table's rows are to be counted anew."""


class RepeatCursor(_Cursor, frozen=True, tag="repeat"):
    """The phase does the same once more: what is left is found, not remembered."""


PhaseCursor: TypeAlias = StagedRowCursor | FileCursor | IdCursor | MeasureCursor | RepeatCursor


class TableCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number for each of the staged tables."""

    group: int = 0
    person: int = 0
    membership: int = 0

    @classmethod
    def of(cls, counts: Mapping[StagedTable, int]) -> TableCounts:
        """Those numbers; 0 where there is none."""
        return cls(**{table.value: count for table, count in counts.items()})

    def __getitem__(self, table: StagedTable) -> int:
        count: int = getattr(self, table.value)
        return count

    def __add__(self, other: TableCounts) -> TableCounts:
        return TableCounts.of({table: self[table] + other[table] for table in StagedTable})

    def replace(self, table: StagedTable, count: int) -> TableCounts:
        """The same with another number for that table."""
        return TableCounts.of({**{each: self[each] for each in StagedTable}, table: count})


class ErrorCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rows of a file have an error of that code."""

    file: str
    code: str
    count: int


class FileState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is read.

    Attributes:
        name: of `columns.FILES`.
        mode: what the manifest says of it.
        blind: how many rows have no id that can be read: what is absent cannot be known.
    """

    name: str
    mode: Mode
    blind: int = 0


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the phases leave for those after them.

    Attributes:
        files: those that are read.
        staged: rows of each table that stand in files.
        tops: one more than the last place of each table; None until the files are read.
        rows_read: of all files.
        rows_refused: those among them that cannot be used.
        endings_checked: memberships that would end, when it was checked.
        errors: how many were found; no more than `MAX_REPORTED` of each are reported one by one.
        report_key: of the report; empty until it is chosen.
    """

    files: tuple[FileState, ...] = ()
    staged: TableCounts = TableCounts()
    tops: TableCounts | None = None
    rows_read: int = 0
    rows_refused: int = 0
    endings_checked: int = 0
    errors: tuple[ErrorCount, ...] = ()
    report_key: str = ""


class RosterCheckpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the job goes on.

    Attributes:
        phase: what it does next; None is the kind's first.
        cursor: where in the phase; None is its beginning.
        state: what the phases before have left.
    """

    phase: RosterPhase | None = None
    cursor: PhaseCursor | None = None
    state: State = State()
