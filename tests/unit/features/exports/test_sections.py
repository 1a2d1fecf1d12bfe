"""What a feature of another package adds to an export: in JSON, in its CSV file and in print."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from io import BytesIO, StringIO
from typing import Any

import pytest
from pypdf import PdfReader

from poutama.errors import ConfigurationError
from poutama.export_section import (
    ExportColumn,
    ExportFiles,
    ExportParent,
    ExportRow,
    ExportSection,
)
from poutama.feature import Feature, FeatureSet
from poutama.features import load_features
from poutama.features.exports.document import write_document
from poutama.features.exports.journey import count_goals, read_goal, read_section
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.features.exports.readme import write_readme
from poutama.features.exports.sections import Sections, arrange_sections
from poutama.features.exports.tables import write_table
from poutama.schema.load import build_model
from poutama.schema.model import Model
from poutama.schema.source import Source
from tests.unit.features.exports.sample import GARDEN, HEADING, describe_goal

SDL = """
extend type Goal { habits: [Habit!]! @many(key: "goal_id") }
extend type Person { badges: [Badge!]! @many(key: "person_id") }
type Habit
  @table(name: "habit", order: ["CREATED_AT_ASC"])
  @visible(through: "goal")
  @audited(partOf: "goal") {
  id: UUID!
  name: String!
  kept: Boolean!
  goal: Goal! @one(key: "goal_id")
  createdAt: DateTime!
}
type Badge @table(name: "badge", order: ["CREATED_AT_ASC"])
  @visible(person: "person_id", to: [SELF])
  @audited(person: "person_id") {
  id: UUID!
  name: String!
  createdAt: DateTime!
}
"""
HABITS = ExportSection(
    name="habits",
    title="Habits",
    parent=ExportParent.GOAL,
    fields="id name kept createdAt",
    columns=(
        ExportColumn("habitId", "id"),
        ExportColumn("goalId", lambda row: row.owner["id"]),
        ExportColumn("name", "name", "Habit"),
        ExportColumn("kept", "kept", "Kept"),
        ExportColumn("since", "createdAt", "Since"),
    ),
)
BADGES = ExportSection(
    name="badges",
    title="Badges",
    parent=ExportParent.PERSON,
    fields="name",
    columns=(ExportColumn("name", "name", "Badge"),),
)
HABIT = {"id": "h", "name": "=Reading", "kept": True, "createdAt": "2026-03-01T00:00:00Z"}
GOAL = {**describe_goal(GARDEN), "habits": [HABIT]}
PERSON = {"badges": [{"name": "Ka pai"}]}
BUILT_IN = tuple(load_features().exports.values())


@cache
def model() -> Model:
    return build_model([*load_features().read_sources(), Source("habits.graphql", SDL)])


@cache
def sections() -> Sections:
    return arrange_sections((HABITS, BADGES, *BUILT_IN), model())


def rows(section: ExportSection, owner: Any) -> list[dict[str, str]]:
    moments = sections().moments[section.name]
    table = write_table(section, [owner], moments, HEADING.time_zone)
    text = "".join(table).removeprefix("\ufeff")
    return list(csv.DictReader(StringIO(text, newline=""), strict=True))


def test_sections_come_after_those_that_ship_and_are_read_with_them() -> None:
    found = sections()
    names = [section.name for section in found.of_goals]
    assert names == ["goals", "tasks", "notes", "evidence", "habits"]
    assert found.of_person == (BADGES,)
    for document in (found.first_page, found.next_page):
        assert "habits { id name kept createdAt }" in document
    assert "badges { name }" in found.first_page
    assert "badges" not in found.next_page


def test_what_only_an_access_has_is_in_no_other_export() -> None:
    only = replace(BADGES, parent=ExportParent.ACCESS)
    declared = (HABITS, only, *BUILT_IN)
    journey = arrange_sections(declared, model())
    access = arrange_sections(declared, model(), access=True)
    assert journey.of_person == ()
    assert "badges" not in journey.first_page
    assert only in access.of_person
    assert "badges { name }" in access.first_page
    assert journey.of_goals == access.of_goals


def test_it_is_in_the_document_under_its_goal_and_its_person() -> None:
    read = json.loads("".join(write_document(HEADING, [GOAL], PERSON)))
    assert read["goals"][0]["habits"] == [HABIT]
    assert read["badges"] == PERSON["badges"]


def test_it_has_a_csv_file_without_formulas() -> None:
    assert rows(HABITS, GOAL) == [
        {
            "goalNumber": "1",
            "habitId": "h",
            "goalId": str(GARDEN.id),
            "name": "'=Reading",
            "kept": "true",
            "since": "2026-03-01T00:00:00Z",
            "sinceDay": "2026-03-01",
        }
    ]
    assert rows(BADGES, PERSON) == [{"name": "Ka pai"}]


def test_it_is_printed_plainly_with_its_goal_and_at_the_end() -> None:
    goal = read_goal(GOAL, [HABITS])
    badges = [read_section(BADGES, PERSON)]
    content = print_journey(HEADING, [goal], Volume(1, 1, 1, count_goals([goal])), {}, badges)
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    assert "HABITS\n=Reading\nKept: yes · Since: 1 March 2026\n" in text
    assert "BADGES\nKa pai\n" in text
    first = print_journey(HEADING, [goal], Volume(1, 2, 1, count_goals([goal])), {}, badges)
    assert "BADGES" not in "".join(
        page.extract_text() for page in PdfReader(BytesIO(first)).pages
    ), "the person's sections end the last volume"


def test_a_goal_without_rows_has_no_heading() -> None:
    assert read_goal({**GOAL, "habits": []}, [HABITS]).sections == ()


def test_the_readme_names_it() -> None:
    text = "".join(write_readme(HEADING, 1, sections().all))
    assert "goals, tasks, notes, evidence, habits, badges." in text


def test_a_value_that_is_not_there_is_an_empty_cell() -> None:
    column = ExportColumn("author", "author.name")
    assert column.read(ExportRow({"author": None}, {}, 1)) is None
    section = replace(HABITS, columns=(column, ExportColumn("tags", "tags")))
    assert rows(section, {"habits": [{"author": None, "tags": ["a"]}]}) == [
        {"goalNumber": "1", "author": "", "tags": '["a"]'}
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            replace(HABITS, fields="id colour"),
            "export section 'habits': Cannot query field 'colour' on type 'Habit'.",
        ),
        (replace(HABITS, fields="id {"), "export section 'habits': Syntax Error"),
        (
            replace(BADGES, parent=ExportParent.GOAL),
            "export section 'badges': Cannot query field 'badges' on type 'Goal'.",
        ),
    ],
)
def test_a_section_that_the_schema_has_not_is_refused_by_name(
    section: ExportSection, message: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        arrange_sections((section, *BUILT_IN), model())
    assert raised.value.message.startswith(message)


def test_what_is_laid_out_by_hand_has_to_be_there() -> None:
    with pytest.raises(ConfigurationError, match="no feature has the section goals, notes, tasks"):
        arrange_sections((HABITS,), model())


def test_a_section_that_another_feature_has_is_refused() -> None:
    features = [Feature(name=name, package="tests", exports=(HABITS,)) for name in ("one", "two")]
    with pytest.raises(ConfigurationError, match="'two': the export section habits is taken by"):
        FeatureSet(features)


def test_a_name_or_files_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'\.\./x': name: expected a field's name"):
        replace(HABITS, name="../x")
    with pytest.raises(ConfigurationError, match="'badges': files: expected parent GOAL, got"):
        replace(BADGES, files=ExportFiles("SELECT 1"))
    with pytest.raises(ConfigurationError, match="'badges': is_for_staff: expected parent GOAL"):
        replace(BADGES, is_for_staff=bool)
