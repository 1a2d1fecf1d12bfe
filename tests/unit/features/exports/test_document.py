"""journey.json: its shape is a promise, held by a golden file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poutama.errors import NotFoundError
from poutama.features.exports.document import VERSION, write_document
from poutama.features.exports.journey import (
    JourneyPart,
    StoredFile,
    read_goal,
    read_part,
    write_part,
)
from tests.unit.features.exports.sample import ARABIC, EMOJI, GOALS, HEADING, LONG_WORD, NODES

GOLDEN = Path(__file__).parent / "golden"


def test_the_document_is_as_it_was_promised() -> None:
    text = "".join(write_document(HEADING, NODES, {}))
    assert text == (GOLDEN / "journey.json").read_text(encoding="utf-8")
    assert VERSION == 1


def test_it_is_one_valid_json_document_with_every_text_as_it_was_written() -> None:
    read = json.loads("".join(write_document(HEADING, NODES, {})))
    garden, languages = read["goals"]
    assert garden["notes"][0]["information"] == f"Ka pai! {EMOJI}"
    assert languages["title"].startswith(ARABIC)
    assert languages["information"] == LONG_WORD
    assert read["goals"] == list(NODES)


def test_a_journey_without_goals_is_a_document_too() -> None:
    read = json.loads("".join(write_document(HEADING, (), {})))
    assert read["goals"] == []
    assert read["person"] == {"id": str(HEADING.person_id), "name": "Mereana Tūī"}


def test_what_is_under_the_person_stands_before_the_goals() -> None:
    read = json.loads("".join(write_document(HEADING, NODES, {"habits": [{"name": "Reading"}]})))
    assert list(read)[-3:] == ["person", "habits", "goals"]
    assert read["habits"] == [{"name": "Reading"}]


def test_a_part_comes_back_as_it_was() -> None:
    part = JourneyPart(
        list(NODES), [StoredFile(id="1", key="k", thumbnail="", path="evidence/p.jpg")], form=2
    )
    assert read_part(write_part(part)) == part


@pytest.mark.parametrize(
    "part", [NODES, {"goals": NODES, "files": []}, {"goals": NODES, "files": [], "form": 1}]
)
def test_a_part_of_another_release_is_not_there(part: object) -> None:
    """It may have notes for staff, and says of no goal who it is for."""
    with pytest.raises(NotFoundError):
        read_part(json.dumps(part).encode())


def test_a_part_has_all_that_is_printed() -> None:
    assert [read_goal(node, ()) for node in NODES] == list(GOALS)
