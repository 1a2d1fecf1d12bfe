"""The report of an import is opened in spreadsheets: what people are called is never a formula."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any, cast

import pytest
from asyncpg import Record

from poutama.features.roster.difference import HEADER, write_changes, write_header
from poutama.features.roster.staged_tables import StagedTable
from tests.unit.test_spreadsheet import FORMULAS


def report(**values: Any) -> list[list[str]]:
    row = {"action": "ADD", "line": 2, "sourced_id": "c1", "name": "Art", **values}
    file = StringIO()
    write_header(file)
    write_changes(file, StagedTable.GROUP, [cast(Record, row)])
    return list(csv.reader(StringIO(file.getvalue().removeprefix("\ufeff"), newline="")))


def test_a_report_says_what_becomes_of_each_row() -> None:
    assert report() == [list(HEADER), ["ADD", "group", "2", "c1", "New group Art."]]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_it_is_a_formula(text: str) -> None:
    assert report(sourced_id=text)[1][3] == "'" + text
