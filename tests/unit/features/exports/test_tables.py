"""The CSV files: read back by the standard reader, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.features.exports.sections import load_sections
from poutama.features.exports.tables import write_table
from poutama.spreadsheet import disarm_formula
from tests.unit.features.exports.sample import GARDEN, NODES, describe_goal
from tests.unit.test_spreadsheet import FORMULAS

SECTIONS = {section.name: section for section in load_sections().all}
GOLDEN = Path(__file__).parent / "golden"


def read(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:], newline=""), strict=True))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_is_as_it_was_promised(name: str) -> None:
    content = "".join(write_table(SECTIONS[name], NODES)).encode()
    assert content == (GOLDEN / f"{name}.csv").read_bytes()


def test_every_row_names_what_it_belongs_to() -> None:
    (photo, paper) = read("".join(write_table(SECTIONS["evidence"], NODES)))
    assert (photo["noteId"], photo["goalId"]) == ("", str(GARDEN.id))
    assert paper["noteId"] == str(GARDEN.notes[0].id)


def test_an_empty_journey_is_header_lines() -> None:
    for table in SECTIONS.values():
        text = "".join(write_table(table, ()))
        assert read(text) == []
        assert text.count("\r\n") == 1


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text(text: str) -> None:
    (row,) = read(
        "".join(write_table(SECTIONS["goals"], [describe_goal(replace(GARDEN, title=text))]))
    )
    assert row["title"] == "'" + text


@given(st.text(), st.text(alphabet="\",\r\n'=;"))
def test_every_text_comes_back_out_of_the_file(title: str, information: str) -> None:
    goal = describe_goal(replace(GARDEN, title=title, information=information))
    (row,) = read("".join(write_table(SECTIONS["goals"], [goal])))
    assert row["title"] == disarm_formula(title)
    assert row["information"] == disarm_formula(information)
