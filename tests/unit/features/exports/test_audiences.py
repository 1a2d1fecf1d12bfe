"""An export says of each goal and note who it is for, and has notes for staff only on request."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from poutama.features.exports.audience_words import (
    describe_goal_audience,
    describe_note_audience,
)
from poutama.features.exports.journey import JourneyGoal, count_goals
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.features.exports.readme import write_readme
from poutama.features.exports.sections import load_sections
from tests.unit.features.exports.sample import GARDEN, HEADING, LANGUAGES

(NOTE,) = GARDEN.notes
FOR_STAFF = "Only for staff of Te Kura: not for the student, not for caregivers."


def printed(*goals: JourneyGoal) -> list[str]:
    content = print_journey(HEADING, goals, Volume(1, 1, 1, count_goals(goals)), {})
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


@pytest.mark.parametrize(
    ("audience", "is_confined", "words"),
    [
        ("ME", True, "For the student alone."),
        ("MENTORS", False, "For the student and mentors, not for caregivers."),
        ("CAREGIVERS", False, "For the student, mentors and caregivers."),
        (
            "CAREGIVERS",
            True,
            "For the student, mentors and caregivers. Of mentors, those of the organisations that"
            " the student chose.",
        ),
        ("FRIENDS", False, "For FRIENDS."),
    ],
)
def test_a_goal_says_who_it_is_for(audience: str, is_confined: bool, words: str) -> None:
    goal = replace(GARDEN, audience=audience, is_confined=is_confined)
    assert describe_goal_audience(goal) == words
    assert words in " ".join("".join(printed(goal)).split("\n"))


@pytest.mark.parametrize(
    ("of_goal", "audience", "organisation", "words"),
    [
        ("CAREGIVERS", "STAFF", "Te Kura", FOR_STAFF),
        ("CAREGIVERS", "STAFF", "", "Only for mentors: not for the student, not for caregivers."),
        ("CAREGIVERS", "STUDENT", "", "For the student and mentors, not for caregivers."),
        (
            "CAREGIVERS",
            "CAREGIVERS",
            "Te Kura",
            "For the student, staff of Te Kura and caregivers.",
        ),
        ("MENTORS", "CAREGIVERS", "", "For the student and mentors, not for caregivers."),
        ("ME", "CAREGIVERS", "", "For the student alone."),
        ("CAREGIVERS", "FRIENDS", "", "For FRIENDS."),
    ],
)
def test_a_note_says_who_it_is_for(
    of_goal: str, audience: str, organisation: str, words: str
) -> None:
    note = replace(NOTE, audience=audience, organisation=organisation)
    goal = replace(GARDEN, audience=of_goal, notes=(note,))
    assert describe_note_audience(note, goal) == words
    assert words in "".join(printed(goal))


def test_paper_with_notes_for_staff_says_so_on_its_cover_and_each_page() -> None:
    goal = replace(GARDEN, notes=(replace(NOTE, audience="STAFF"),))
    pages = printed(goal, LANGUAGES)
    assert "With notes for staff: not to be handed to the student or to caregivers." in pages[0]
    assert all("With notes for staff" in page for page in pages)
    assert "Only for staff" in pages[-1].split("EVIDENCE")[1], "the note's file"
    assert not any("With notes for staff" in page for page in printed(GARDEN, LANGUAGES))
    assert "Not for caregivers" in "".join(printed(GARDEN)).split("EVIDENCE")[1]


@pytest.mark.parametrize("notes_for_staff", [True, False])
def test_the_readme_says_whether_notes_for_staff_may_be_in_it(notes_for_staff: bool) -> None:
    text = "".join(write_readme(HEADING, 1, load_sections().all, notes_for_staff))
    assert ("NOTES FOR STAFF MAY BE IN IT" in text) is notes_for_staff
    assert "Each goal and note says who it is for" in text
