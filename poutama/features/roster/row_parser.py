"""Rows of a roster: records made into what is imported, or into a reason why not.

`roster.csv_reader` calls it. Everything wrong with a row is reported by file, line and field; a row
is refused when something is wrong that is needed here, and used all the same when it is not. A row
that says that it is to be removed needs nothing but its id. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from datetime import date

from poutama.features.roster.columns import (
    ADMINISTRATORS,
    COLUMNS,
    FAMILY,
    SCHOOLS,
    CellKind,
    CsvColumn,
    Header,
)
from poutama.features.roster.lines import CsvRecord
from poutama.features.roster.roster_rows import (
    ClassRow,
    EnrolmentRow,
    OrgRow,
    RoleRow,
    RosterRow,
    SessionRow,
    UserRow,
)
from poutama.hidden_characters import without_hidden
from poutama.jobs.job import RowError
from poutama.text import LONGEST_DECOMPOSITION, has_long_run, normalize, normalize_email
from poutama.unicode_data import is_printable

LONGEST_ID = 255
LONGEST_NAME = 200
LONGEST_CELL = LONGEST_ID * LONGEST_DECOMPOSITION
"""Characters of a name or an email before it is normalised."""

FAULTS = {
    "TOO_LONG": "The row is longer than 65,536 bytes.",
    "BAD_ENCODING": "The row is not UTF-8.",
    "BAD_QUOTES": "The row's quotes are not closed, or something stands beside them.",
}
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_NOT_IN_ADDRESSES = frozenset('"(),:;<>[\\]')
_NO = ("false", "0", "no")
_GONE = ("tobedeleted", "inactive")


Fields = dict[str, str]


class RowReader:
    """Makes rows of one file's records."""

    def __init__(self, file: str, header: Header) -> None:
        self._file = file
        self._name = f"{file}.csv"
        self._header = header
        self._columns = [column for column in COLUMNS[file] if column.name in header.places]
        self._least = 1 + max(
            (header.places[column.name] for column in self._columns if column.required), default=0
        )
        self._make = _MAKERS[file]

    def read(self, record: CsvRecord) -> tuple[RosterRow, list[RowError]]:
        """The row, refused or not, and everything that is wrong with it."""
        errors: list[RowError] = []

        def report(field: str, code: str, message: str) -> None:
            errors.append(
                RowError(file=self._name, line=record.line, field=field, code=code, message=message)
            )

        if self._removes(record):
            gone = self._refused(record)
            if gone.sourced_id:
                return replace(gone, refused=False, removed=True), errors
        fault = record.fault or self._misfit(record)
        if fault:
            report("", fault, FAULTS.get(fault) or self._width(record))
            return self._refused(record), errors
        fields = self._fields(record, report)
        if fields is None:
            return self._refused(record), errors
        row = self._make(record.line, fields, report)
        return (row if row is not None else self._refused(record)), errors

    def is_of(self, record: CsvRecord, schools: Set[str]) -> bool:
        """Whether the row may be of one of the schools; one that names none may."""
        named = {one.strip() for one in self._cell(record, SCHOOLS[self._file]).split(",")} - {""}
        return not named or not named.isdisjoint(schools)

    def _removes(self, record: CsvRecord) -> bool:
        """Whether the row says that it is to be removed, whatever else it has."""
        if record.fault or self._is_beyond(record):
            return False
        return (
            self._cell(record, "status").lower() in _GONE
            or self._cell(record, "enabledUser").lower() in _NO
        )

    def _cell(self, record: CsvRecord, column: str) -> str:
        place = self._header.places.get(column, len(record.cells))
        return record.cells[place].strip() if place < len(record.cells) else ""

    def _is_beyond(self, record: CsvRecord) -> bool:
        return any(cell.strip() for cell in record.cells[self._header.width :])

    def _misfit(self, record: CsvRecord) -> str:
        short = len(record.cells) < self._least
        return "BAD_WIDTH" if short or self._is_beyond(record) else ""

    def _width(self, record: CsvRecord) -> str:
        return f"The row has {len(record.cells)} fields, the header {self._header.width}."

    def _refused(self, record: CsvRecord) -> RosterRow:
        """What is left: whose row it is, so that it is not taken to be absent."""
        text = self._cell(record, "sourcedId")
        known = text if _is_id(text) and "\ufffd" not in text else ""
        return _KINDS[self._file](sourced_id=known, line=record.line, refused=True)

    def _fields(self, record: CsvRecord, report: ReportFault) -> Fields | None:
        """The fields as they are stored; None where one that is needed is of no use."""
        fields: Fields = {}
        usable = True
        for column in self._columns:
            text = self._cell(record, column.name)
            if column.kind is CellKind.NAME:
                text = without_hidden(text).strip()
            fault = _check(column, text)
            if fault is None:
                fields[column.name] = _store(column, text)
                continue
            code, message = fault
            if column.needed:
                usable = False
                report(column.name, code, message)
            else:
                fields[column.name] = ""
                report(column.name, f"ODD_{code}", f"{message} The row is used all the same.")
        return fields if usable else None


def _check(column: CsvColumn, text: str) -> tuple[str, str] | None:
    """What is wrong with a value, as code and message."""
    if not text:
        return ("MISSING", f"{column.name} is empty.") if column.required else None
    if any(ord(letter) < 32 and letter not in "\t\r\n" for letter in text):
        return "BAD_CHARACTER", f"{column.name} has a control character: {_shown(text)}."
    match column.kind:
        case CellKind.TEXT | CellKind.NAME if len(text) > LONGEST_CELL:
            message = f"{column.name} has {len(text):,} characters; the most is {LONGEST_CELL:,}."
            return "TOO_LONG", message
        case CellKind.TEXT | CellKind.NAME if has_long_run(text):
            return "BAD_CHARACTER", f"{column.name} has more than 30 accents on one letter."
        case CellKind.ID if not _is_id(text):
            return "BAD_ID", f"{column.name} is not an id of {LONGEST_ID} characters at most."
        case CellKind.WORD if text.lower() not in column.words:
            expected = ", ".join(sorted(column.words))
            return "BAD_VALUE", f"{column.name} is {_shown(text)}; expected one of {expected}."
        case CellKind.DATE if not _is_date(text):
            return "BAD_DATE", f"{column.name} is {_shown(text)}; expected a date as 2026-02-28."
    return None


def _store(column: CsvColumn, text: str) -> str:
    match column.kind:
        case CellKind.WORD:
            return text.lower()
        case CellKind.DATE:
            return text[:10]
        case CellKind.TEXT | CellKind.NAME:
            return normalize(" ".join(text.split()))
        case CellKind.ID:
            return text


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_ID and is_printable(text)


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if not found:
        return False
    try:
        return 1900 <= date.fromisoformat(found[1]).year <= 9990
    except ValueError:
        return False


def _make_class(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    name = fields["title"]
    if not _fits("title", name, LONGEST_NAME, report):
        return None
    terms = {one.strip() for one in fields.get("termSourcedIds", "").split(",")} - {""}
    return ClassRow(
        sourced_id=fields["sourcedId"],
        line=line,
        name=name,
        school=fields.get("schoolSourcedId", ""),
        terms=tuple(sorted(terms)),
    )


def _make_user(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    role = fields.get("role", "")
    name = _name(fields)
    if not name:
        report("familyName", "MISSING", "The user has no name.")
        return None
    if not _fits("familyName", name, LONGEST_NAME, report):
        return None
    email, usable = _find_email(fields, report)
    if not usable:
        return None
    return UserRow(
        sourced_id=fields["sourcedId"],
        line=line,
        name=name,
        email=email,
        username=_find_username(fields),
        has_role=bool(role),
        family=role in FAMILY,
        manages=role in ADMINISTRATORS,
        student=role == "student",
    )


def _make_role(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    if not _in_order(fields, report):
        return None
    return RoleRow(
        sourced_id=fields["sourcedId"],
        line=line,
        user_id=fields["userSourcedId"],
        family=fields["role"] in FAMILY,
        manages=fields["role"] in ADMINISTRATORS,
        student=fields["role"] == "student",
        begins=fields.get("beginDate", ""),
        ends=fields.get("endDate", ""),
    )


def _make_enrolment(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    if not _in_order(fields, report):
        return None
    role = {"student": "STUDENT", "teacher": "MENTOR"}.get(fields["role"], "")
    if not role:
        message = f"Role {fields['role']} in a class is ignored."
        report("role", "UNUSED_ROLE", message)
    return EnrolmentRow(
        sourced_id=fields["sourcedId"],
        line=line,
        # Nothing is wanted of it: what stood there with another role before ends.
        removed=not role,
        class_id=fields["classSourcedId"],
        user_id=fields["userSourcedId"],
        role=role,
        begins=fields.get("beginDate", ""),
        ends=fields.get("endDate", ""),
    )


def _make_org(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    name, kind = fields["name"], fields["type"].lower()
    if not _fits("name", name, LONGEST_NAME, report):
        return None
    return OrgRow(sourced_id=fields["sourcedId"], line=line, name=name, kind=kind)


def _make_session(line: int, fields: Fields, report: ReportFault) -> RosterRow | None:
    if not _in_order(fields, report, first="startDate"):
        return None
    begins, ends = fields["startDate"], fields["endDate"]
    return SessionRow(sourced_id=fields["sourcedId"], line=line, begins=begins, ends=ends)


def _name(fields: Fields) -> str:
    given_name = fields.get("preferredGivenName") or fields.get("givenName", "")
    family = fields.get("preferredFamilyName") or fields.get("familyName", "")
    return f"{given_name} {family}".strip()


def _find_email(fields: Fields, report: ReportFault) -> tuple[str, bool]:
    """The email, else the username if it is one, else empty; and whether the row can be used.

    A row without an address can: young children have none. One with a wrong address cannot.
    """
    written = fields.get("email", "")
    email = _read_email(written)
    username = _read_email(fields.get("username", ""))
    if written and not email:
        code = "ODD_BAD_EMAIL" if username else "BAD_EMAIL"
        report("email", code, f"email is {_shown(written)}; {_expect_email(written)}.")
    found = email or username
    return found, bool(found or not written)


def _find_username(fields: Fields) -> str:
    """The username in lower case; empty where it is an address, which is the email's business."""
    username = fields.get("username", "").lower()
    return "" if "@" in username or len(username) > LONGEST_ID else username


def _read_email(text: str) -> str:
    """The address in its stored form; empty where the text is not one address and nothing else."""
    email = normalize_email(text) or ""
    return "" if email.count("@") != 1 or _NOT_IN_ADDRESSES & set(email) else email


def _expect_email(text: str) -> str:
    """What should stand there instead, in words."""
    if text.lower().startswith("mailto:"):
        return "write the address alone, without mailto:"
    if text.count("@") > 1:
        return "expected one address, got several"
    return "expected an email address"


def _in_order(fields: Fields, report: ReportFault, first: str = "beginDate") -> bool:
    begins, ends = fields.get(first, ""), fields.get("endDate", "")
    if begins and ends and ends < begins:
        report("endDate", "BAD_DATE", f"endDate is {ends}, before the {first} {begins}.")
        return False
    return True


def _fits(field: str, text: str, limit: int, report: ReportFault) -> bool:
    if len(text) <= limit:
        return True
    report(field, "TOO_LONG", f"{field} has {len(text):,} characters; the most is {limit}.")
    return False


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


ReportFault = Callable[[str, str, str], None]
_MAKERS: Mapping[str, Callable[[int, Fields, ReportFault], RosterRow | None]] = {
    "classes": _make_class,
    "users": _make_user,
    "roles": _make_role,
    "enrollments": _make_enrolment,
    "academicSessions": _make_session,
    "orgs": _make_org,
}
_KINDS: Mapping[str, type[RosterRow]] = {
    row.file: row for row in (ClassRow, UserRow, RoleRow, EnrolmentRow, SessionRow, OrgRow)
}
