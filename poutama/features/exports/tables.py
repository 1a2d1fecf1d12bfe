"""The journey as CSV files for spreadsheets, one for each section.

Pure; `poutama.spreadsheet` says how a row is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import dumps

from poutama.export_section import ExportSection, JsonObject
from poutama.spreadsheet import BYTE_ORDER_MARK, Cell, format_row


def write_table(section: ExportSection, owners: Iterable[JsonObject]) -> Iterator[str]:
    """The file's text in pieces, one for each goal; or for the person."""
    yield BYTE_ORDER_MARK + format_row(column.name for column in section.columns)
    for owner in owners:
        yield "".join(
            format_row(_to_cell(column.read(row)) for column in section.columns)
            for row in section.find_rows(owner)
        )


def _to_cell(value: object) -> Cell:
    match value:
        case None:
            return ""
        case str() | bool() | int():
            return value
        case _:
            return dumps(value, ensure_ascii=False)
