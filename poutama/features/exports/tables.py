"""The journey as CSV files for spreadsheets, one for each section.

Pure; `poutama.spreadsheet` says how a row is written. Beside each moment, which is in UTC, stands
the day that it was at the student's school.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from json import dumps

from poutama.export_section import ExportColumn, ExportRow, ExportSection, JsonObject
from poutama.features.exports.dates import in_zone
from poutama.features.exports.sections import OF_GOALS
from poutama.schema.scalars import print_date_time
from poutama.spreadsheet import BYTE_ORDER_MARK, Cell, format_row

GOAL_NUMBER = "goalNumber"
"""The first column of what goals have: the number that the goal has on paper."""


def write_table(
    section: ExportSection, owners: Iterable[JsonObject], moments: frozenset[str], time_zone: str
) -> Iterator[str]:
    """The file's text in pieces, one for each goal; or for the person.

    `moments` are the columns to be followed by the day that it was in the time zone.
    """
    numbered = section.parent in OF_GOALS
    header = [name for column in section.columns for name in _name(column, moments)]
    yield BYTE_ORDER_MARK + format_row([GOAL_NUMBER, *header] if numbered else header)
    for number, owner in enumerate(owners, 1):
        yield "".join(
            format_row([*([number] if numbered else ()), *_read(section, row, moments, time_zone)])
            for row in section.find_rows(owner)
        )


def _name(column: ExportColumn, moments: frozenset[str]) -> tuple[str, ...]:
    if column.name not in moments:
        return (column.name,)
    return column.name, f"{column.name.removesuffix('At')}Day"


def _read(
    section: ExportSection, row: ExportRow, moments: frozenset[str], time_zone: str
) -> Iterator[Cell]:
    for column in section.columns:
        value = column.read(row)
        if column.name not in moments:
            yield _to_cell(value)
        elif value is None:
            yield from ("", "")
        else:
            moment = datetime.fromisoformat(value).replace(microsecond=0)
            yield print_date_time(moment)
            yield in_zone(moment, time_zone).date().isoformat()


def _to_cell(value: object) -> Cell:
    match value:
        case None:
            return ""
        case str() | bool() | int():
            return value
        case _:
            return dumps(value, ensure_ascii=False)
