"""The CSV files: read back by the standard reader, harmless in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.export_section import JsonObject
from poutama.features.exports.sections import load_sections
from poutama.features.exports.tables import write_table
from poutama.spreadsheet import disarm_formula
from tests.unit.features.exports.sample import (
    FILE_NAMES,
    GARDEN,
    NODES,
    PAPER,
    describe_goal,
)
from tests.unit.test_spreadsheet import FORMULAS

LOADED = load_sections()
SECTIONS = {section.name: section for section in LOADED.all}
GOLDEN = Path(__file__).parent / "golden"


def table(name: str, owners: Iterable[JsonObject]) -> str:
    return "".join(write_table(SECTIONS[name], owners, LOADED.moments[name], "Pacific/Auckland"))


def read(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:], newline=""), strict=True))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_is_as_it_was_promised(name: str) -> None:
    content = table(name, NODES).encode()
    assert content == (GOLDEN / f"{name}.csv").read_bytes()


def test_every_row_names_what_it_belongs_to() -> None:
    (photo, paper) = read(table("evidence", NODES))
    assert (photo["noteId"], photo["goalId"]) == ("", str(GARDEN.id))
    assert paper["noteId"] == str(GARDEN.notes[0].id)


def test_an_empty_journey_is_header_lines() -> None:
    for name in SECTIONS:
        text = table(name, ())
        assert read(text) == []
        assert text.count("\r\n") == 1


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text(text: str) -> None:
    (row,) = read(table("goals", [describe_goal(replace(GARDEN, title=text))]))
    assert row["title"] == "'" + text


@given(st.text(), st.text(alphabet="\",\r\n'=;"))
def test_every_text_comes_back_out_of_the_file(title: str, information: str) -> None:
    goal = describe_goal(replace(GARDEN, title=title, information=information))
    (row,) = read(table("goals", [goal]))
    assert row["title"] == disarm_formula(title)
    assert row["information"] == disarm_formula(information)


def test_a_moment_has_its_day_at_the_school_beside_it() -> None:
    """Midnight of 1 April in Auckland is 31 March in UTC."""
    due = datetime(2026, 3, 31, 11, 0, 0, 123_456, tzinfo=UTC)
    (goal, other) = read(table("goals", [describe_goal(replace(GARDEN, due_at=due)), NODES[1]]))
    assert (goal["dueAt"], goal["dueDay"]) == ("2026-03-31T11:00:00Z", "2026-04-01")
    assert (other["dueAt"], other["dueDay"]) == ("", "")
    assert (other["createdAt"], other["createdDay"]) == ("2026-05-01T21:30:00Z", "2026-05-02")


@pytest.mark.parametrize("name", SECTIONS)
def test_every_row_has_the_number_that_its_goal_has_on_paper(name: str) -> None:
    numbers = [row["goalNumber"] for row in read(table(name, [NODES[1], NODES[0]]))]
    assert set(numbers) == ({"1", "2"} if name == "goals" else {"2"})


def test_a_file_has_the_name_that_the_student_gave_it_and_no_formula() -> None:
    (photo, paper) = read(table("evidence", NODES))
    assert photo["fileName"] == "IMG 2041 Māra kai.JPG"
    assert paper["fileName"] == "'" + FILE_NAMES[PAPER.id]


def test_every_moment_of_every_feature_is_found_in_the_schema() -> None:
    sections = load_sections(access=True)
    for section in sections.all:
        named = {each.name for each in section.columns if each.name.endswith("At")}
        assert named <= sections.moments[section.name]
    assert sections.moments["access"] == {"since"}
    assert sections.moments["auditConnection"] == {"at"}
