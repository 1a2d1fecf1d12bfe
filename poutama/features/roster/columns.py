"""The columns of OneRoster's files, and how real headers are recognised as them.

`roster.row_parser` reads fields by them. Of each file the columns are listed that its standard
requires, and those that are of use here; whatever else there is, passwords for one, is never looked
at. Pure.

https://www.imsglobal.org/oneroster-v11-final-csv-tables and
https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto


class CellKind(Enum):
    """What a column holds."""

    ID = auto()
    TEXT = auto()
    NAME = auto()
    WORD = auto()
    DATE = auto()


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """A column of the standard.

    Attributes:
        name: as the standard has it.
        kind: how its values are read.
        required: whether the standard wants a value in every row.
        needed: whether a row without a good value is of no use here.
        words: what a WORD may be, in lower case.
        since: a later version than 1.0 has it: a file may lack the column.
    """

    name: str
    kind: CellKind = CellKind.TEXT
    required: bool = False
    needed: bool = False
    words: frozenset[str] = frozenset()
    since: str = ""


def _needed(name: str, kind: CellKind = CellKind.ID) -> CsvColumn:
    return CsvColumn(name, kind, required=True, needed=True)


def _word(name: str, words: str, *, required: bool = True, needed: bool = False) -> CsvColumn:
    return CsvColumn(name, CellKind.WORD, required, needed, frozenset(words.split()))


STATUS = "active tobedeleted inactive"
USER_ROLES = (
    "administrator aide guardian parent proctor relative student teacher"
    " counselor districtadministrator principal siteadministrator systemadministrator"
)
ADMINISTRATORS = frozenset(
    ("administrator", "districtadministrator", "principal", "siteadministrator")
)
FAMILY = frozenset(("guardian", "parent", "relative"))

_START = (_needed("sourcedId"), _word("status", STATUS, required=False, needed=True))
COLUMNS: Mapping[str, Sequence[CsvColumn]] = {
    "classes": (
        *_START,
        _needed("title", CellKind.NAME),
        CsvColumn("courseSourcedId", CellKind.ID, required=True),
        _word("classType", "homeroom scheduled"),
        CsvColumn("schoolSourcedId", CellKind.ID, required=True),
        CsvColumn("termSourcedIds", required=True),
    ),
    "users": (
        *_START,
        replace(_word("enabledUser", "true false 1 0 yes no", needed=True), since="1.1"),
        CsvColumn("orgSourcedIds"),
        _word("role", USER_ROLES, required=False, needed=True),
        CsvColumn("username", required=True),
        CsvColumn("givenName", CellKind.NAME, required=True),
        CsvColumn("familyName", CellKind.NAME, required=True),
        CsvColumn("email"),
        CsvColumn("preferredGivenName", CellKind.NAME),
        CsvColumn("preferredFamilyName", CellKind.NAME),
    ),
    "roles": (
        *_START,
        _needed("userSourcedId"),
        _word("roleType", "primary secondary"),
        _word("role", USER_ROLES, needed=True),
        CsvColumn("beginDate", CellKind.DATE, needed=True),
        CsvColumn("endDate", CellKind.DATE, needed=True),
        CsvColumn("orgSourcedId", CellKind.ID, required=True),
    ),
    "enrollments": (
        *_START,
        _needed("classSourcedId"),
        CsvColumn("schoolSourcedId", CellKind.ID, required=True),
        _needed("userSourcedId"),
        _word("role", "student teacher administrator proctor aide", needed=True),
        CsvColumn("beginDate", CellKind.DATE, needed=True),
        CsvColumn("endDate", CellKind.DATE, needed=True),
    ),
    "academicSessions": (
        *_START,
        _needed("startDate", CellKind.DATE),
        _needed("endDate", CellKind.DATE),
    ),
    "orgs": (
        *_START,
        _needed("name", CellKind.NAME),
        _needed("type", CellKind.TEXT),
    ),
}
"""Name of a file -> its columns. A value in a `needed` column that is wrong refuses the row."""

FILES = ("classes", "users", "roles", "enrollments")
"""Files whose rows become something here; to the others of `COLUMNS` these rows refer."""
SCHOOLS = {
    "classes": "schoolSourcedId",
    "users": "orgSourcedIds",
    "roles": "orgSourcedId",
    "enrollments": "schoolSourcedId",
}
"""File -> the column that names the school of a row, or several with commas between them."""
_OTHER_FILES = """
academicSessions categories classResources courses courseResources demographics lineItems
lineItemLearningObjectiveIds lineItemScoreScales orgs resources results resultLearningObjectiveIds
resultScoreScales scoreScales userProfiles userResources
"""
OTHER_FILES = tuple(_OTHER_FILES.split())
"""Files of the standard that nothing is taken from."""

# Columns that are near enough to a needed one's name to be taken for it.
_OTHER_COLUMNS = """
datelastmodified grades grade classcode location subjects subjectcodes periods userids middlename
identifier sms phone agentsourcedids password usermasteridentifier resourcesourcedids
preferredmiddlename primaryorgsourcedid pronouns userprofilesourcedid primary
"""
_OTHERS = frozenset(_OTHER_COLUMNS.split())
_IGNORED = re.compile(r"[\s_\-.]+")


@dataclass(frozen=True, slots=True)
class Header:
    """Where a file's columns are.

    Attributes:
        places: column name -> index.
        width: how many columns there are.
        guessed: what stands there -> column that it was taken for.
        missing: needed columns that are not there.
        lacking: those among them that OneRoster 1.0 does not have.
        twice: columns that are there more than once.
    """

    places: Mapping[str, int]
    width: int
    guessed: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    twice: Sequence[str] = ()
    lacking: Sequence[str] = ()


def match_header(file: str, cells: Sequence[str]) -> Header:
    """Recognise a file's columns whatever their order, case, spaces and small misspellings."""
    columns = {_plain(column.name): column for column in COLUMNS[file]}
    plain = [_plain(cell) for cell in cells]
    places: dict[str, int] = {}
    twice: list[str] = []
    for index, name in enumerate(plain):
        if name in columns and columns[name].name in places:
            twice.append(columns[name].name)
        elif name in columns:
            places[columns[name].name] = index
    guessed: dict[str, str] = {}
    for index, name in enumerate(plain):
        if name in columns or name in _OTHERS or name.startswith("metadata"):
            continue
        near = [
            column.name
            for known, column in columns.items()
            if column.name not in places and _is_near(name, known)
        ]
        if len(near) == 1:
            places[near[0]] = index
            guessed[cells[index].strip()] = near[0]
    absent = [
        column
        for column in COLUMNS[file]
        if column.required and column.needed and column.name not in places
    ]
    missing = [column.name for column in absent if not column.since]
    lacking = [column.name for column in absent if column.since]
    return Header(places, len(cells), guessed, missing, twice, lacking)


def _plain(name: str) -> str:
    return _IGNORED.sub("", name.lstrip("\ufeff")).strip('"').lower()


def _is_near(name: str, known: str) -> bool:
    """Whether one is the other with a slip: one letter, or two in a long word."""
    allowed = 2 if len(known) >= 9 else 1
    if len(known) < 4 or abs(len(name) - len(known)) > allowed or len(name) > 40:
        return False
    return _distance(name, known) <= allowed


def _distance(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
