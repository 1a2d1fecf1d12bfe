"""journey.json: its shape is a promise, held by a golden file."""

from __future__ import annotations

import json
from pathlib import Path

from poutama.features.exports.document import VERSION, describe_goal, write_document
from poutama.features.exports.journey import read_part, write_part
from tests.unit.features.exports.sample import ARABIC, EMOJI, GOALS, HEADING, LONG_WORD

GOLDEN = Path(__file__).parent / "golden"


def test_the_document_is_as_it_was_promised() -> None:
    text = "".join(write_document(HEADING, GOALS))
    assert text == (GOLDEN / "journey.json").read_text(encoding="utf-8")
    assert VERSION == 1


def test_it_is_one_valid_json_document_with_every_text_as_it_was_written() -> None:
    read = json.loads("".join(write_document(HEADING, GOALS)))
    garden, languages = read["goals"]
    assert garden["notes"][0]["information"] == f"Ka pai! {EMOJI}"
    assert languages["title"].startswith(ARABIC)
    assert languages["information"] == LONG_WORD
    assert read["goals"] == [describe_goal(goal) for goal in GOALS]


def test_a_journey_without_goals_is_a_document_too() -> None:
    read = json.loads("".join(write_document(HEADING, ())))
    assert read["goals"] == []
    assert read["person"] == {"id": str(HEADING.person_id), "name": "Mereana Tūī"}


def test_no_key_of_the_store_leaves_with_it() -> None:
    text = "".join(write_document(HEADING, GOALS))
    assert "people/1/evidence" not in text


def test_a_part_comes_back_as_it_was() -> None:
    assert read_part(write_part(GOALS)) == list(GOALS)
