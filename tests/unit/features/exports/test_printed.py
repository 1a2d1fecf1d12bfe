"""The PDF, as pypdf reads it back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from pypdf import PdfReader

from poutama.features.exports.embedded_pictures import fit_picture
from poutama.features.exports.journey import JourneyGoal, count_goals
from poutama.features.exports.pdf_document import Volume, print_journey
from poutama.features.exports.pdf_goal import describe_goal
from poutama.features.exports.theme import label_goal_type
from tests.unit.features.exports.sample import (
    EMOJI,
    GARDEN,
    GOALS,
    HEADING,
    LANGUAGES,
    LONG_WORD,
    PAPER,
    PHOTO,
    moment,
)

WHOLE = Volume(1, 1, 1, count_goals(GOALS))


def picture(side: int = 40, mode: str = "RGB") -> bytes:
    content = BytesIO()
    Image.new(mode, (side, side), 200).save(content, "WEBP")
    fitting = fit_picture(content.getvalue())
    assert fitting is not None
    return fitting


def printed(
    goals: Sequence[JourneyGoal] = GOALS,
    volume: Volume = WHOLE,
    pictures: dict[UUID, bytes] | None = None,
) -> PdfReader:
    content = print_journey(HEADING, goals, volume, pictures or {})
    return PdfReader(BytesIO(content), strict=True)


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def elements(reader: PdfReader) -> list[Any]:
    """All structure elements, each before those in it: the order in which they are read."""
    root: Any = reader.trailer["/Root"]

    def walk(node: Any) -> Iterator[Any]:
        node = node.get_object()
        if isinstance(node, dict) and "/S" in node:
            yield node
        kids = node.get("/K", []) if isinstance(node, dict) else node
        for kid in kids if isinstance(kids, list) else [kids]:
            if not isinstance(kid, int):
                yield from walk(kid)

    return list(walk(root["/StructTreeRoot"]["/K"]))


def test_every_word_can_be_read_macrons_and_all() -> None:
    text = text_of(printed()).replace("\n", " ")
    for words in (
        "Mereana Tūī",
        "Grow kūmara with my whānau",
        "Ask Nana about kōpura (done 10 February 2026)",
        "=HYPERLINK",
        "Hēmi Kea · 11 February 2026",
        f"Ka pai! {EMOJI}",
        "WELLBEING",
        "CULTURAL",
        "Complete",
        "Certificate",
    ):
        assert words in text


def test_dates_are_those_of_the_school() -> None:
    text = text_of(printed())
    assert "As it was on 4 September 2026. Dates are those of Auckland." in text
    assert (
        "Set 4 February 2026 · due 2 April 2026 · completed 3 March 2026"
        " · last changed 29 March 2026"
    ) in text


def test_a_word_longer_than_a_line_is_broken_and_whole() -> None:
    assert LONG_WORD in text_of(printed()).replace("\n", "")


def test_a_text_longer_than_a_page_goes_on_over_pages() -> None:
    lines = [f"line {number} of many" for number in range(200)]
    reader = printed([replace(LANGUAGES, information="\n".join(lines))])
    text = text_of(reader)
    assert [line for line in lines if line not in text] == []
    assert len(reader.pages) >= 5


def test_pages_are_numbered_and_headed() -> None:
    reader = printed([replace(GARDEN, information="{nb} {pages} \n" * 150)])
    last = len(reader.pages)
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {last}" in page.extract_text()
        assert ("Learning journey of Mereana Tūī" in page.extract_text()) is (number > 1)
    assert text_of(reader).count("{nb} {pages}") == 150


def test_it_is_a4_and_says_what_it_is_and_in_which_language() -> None:
    reader = printed()
    assert {tuple(map(round, page.mediabox)) for page in reader.pages} == {(0, 0, 595, 842)}
    assert reader.metadata is not None
    assert reader.metadata.title == "Learning journey of Mereana Tūī"
    assert reader.metadata.author == "Mereana Tūī"
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en-NZ"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


def test_it_is_tagged_in_the_order_in_which_it_is_read() -> None:
    found = elements(printed())
    kinds = [element["/S"] for element in found]
    assert kinds.index("/H1") < kinds.index("/H2") < kinds.index("/Figure") < kinds.index("/H3")
    assert kinds.index("/H3") < kinds.index("/H4")
    assert kinds.count("/H2") == 2
    assert kinds.count("/H3") == len(GOALS)


def test_the_timeline_is_described() -> None:
    (figure,) = [e for e in elements(printed()) if e["/S"] == "/Figure"]
    assert figure["/Alt"].startswith("Timeline of 2 goals since 4 February 2026: 1 complete, 1 ")


def test_the_timeline_shows_the_terms_and_every_goal_by_name_and_type() -> None:
    first = printed().pages[0].extract_text()
    for words in ("Term 1", "Term 3", "Mar", "Grow kūmara with my whā", "Wellbeing", "under way"):
        assert words in first


def test_a_picture_is_shown_with_its_description() -> None:
    reader = printed(pictures={PHOTO.id: picture()})
    assert sum(len(page.images) for page in reader.pages) == 1
    described = [e["/Alt"] for e in elements(reader) if "/Alt" in e]
    assert "Five kūmara plants" in described


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_broken_picture_is_left_out(content: bytes) -> None:
    assert fit_picture(content) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_pictures_of_every_sort_are_shown(mode: str) -> None:
    reader = printed([GARDEN], pictures={PHOTO.id: picture(mode=mode)})
    assert sum(len(page.images) for page in reader.pages) == 1


def test_an_empty_journey_is_a_page() -> None:
    reader = printed([])
    assert len(reader.pages) == 1
    assert "No goals have been set yet." in text_of(reader)


def test_the_same_journey_is_printed_to_the_same_bytes() -> None:
    pictures = {PHOTO.id: picture()}
    first, second = [print_journey(HEADING, GOALS, WHOLE, pictures) for _ in range(2)]
    assert first == second


def test_a_volume_says_which_it_is_and_counts_on() -> None:
    text = text_of(printed(volume=Volume(2, 3, 101, count_goals(GOALS * 60))))
    assert "PART 2 OF 3" in text
    assert "Goal 101" in text
    assert "Goal 102" in text


@pytest.mark.parametrize(
    ("year", "day"), [(1, "1 January 2"), (1900, "1 January 1901"), (9999, "31 December 9999")]
)
def test_a_date_at_the_end_of_time_does_no_harm(year: int, day: str) -> None:
    goal = replace(LANGUAGES, due_at=datetime(year, 12, 31, 23, 59, tzinfo=UTC))
    assert f"due {day}\n" in text_of(printed([goal, GARDEN]))


def test_hundreds_of_goals_have_a_timeline_of_several_pages() -> None:
    goals = [replace(LANGUAGES, title=f"Goal of number {n}", information="") for n in range(120)]
    reader = printed(goals)
    assert sum("Term 2" in page.extract_text() for page in reader.pages) == 4
    shown = Counter(re.findall(r"Goal of number (\d+)", text_of(reader)))
    # Each once on the timeline and once for itself.
    assert shown == {str(number): 2 for number in range(120)}


def test_a_type_that_is_new_here_is_shown_by_its_name() -> None:
    assert "COMMUNITY SERVICE" in text_of(printed([replace(GARDEN, goal_type="COMMUNITY_SERVICE")]))


@pytest.mark.parametrize(
    "kind", ["ACADEMIC", "PERSONAL", "CAREER", "WELLBEING", "CULTURAL", "SPORTS", "NEW"]
)
def test_white_letters_can_be_read_on_every_colour(kind: str) -> None:
    """WCAG 2.2, 1.4.3."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    color = bytes.fromhex(label_goal_type(kind).color.removeprefix("#"))
    red, green, blue = map(linear, color)
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


def test_a_goal_of_a_long_ago_year_squeezes_no_axis() -> None:
    goals = [replace(GARDEN, created_at=moment(2, 1, year=2011)), LANGUAGES]
    assert "2015" in printed(goals).pages[0].extract_text()


@pytest.mark.parametrize("count", [*range(15, 20), *range(64, 69)])
def test_no_page_has_a_few_lines_only(count: int) -> None:
    """A goal of so many lines would leave one to four of them to a last page."""
    text = "\n".join(f"line {number}" for number in range(count))
    goal = replace(GARDEN, information=text, tasks=(), notes=(), evidence=())
    for page in printed([goal]).pages:
        written = [line for line in page.extract_text().splitlines() if "Page" not in line]
        assert len(written) - 1 > 4


def test_a_part_has_its_own_goals_and_the_numbers_of_the_whole() -> None:
    whole = count_goals(GOALS).add(count_goals([GARDEN] * 3))
    text = " ".join(text_of(printed([LANGUAGES], Volume(2, 2, 5, whole))).split())
    assert "5 goals 4 complete 4 of 8 tasks done 4 notes 8 files" in text
    assert "Goals 5 to 5 are in this part. The numbers are of all parts." in text
    assert "Wellbeing 4 Cultural 1" in text
    assert "in this part" not in text_of(printed())


def test_a_recording_is_printed_with_its_length() -> None:
    song = replace(PAPER, title="Waiata", media_type="video/mp4", seconds=185, size=4_200_000)
    (found,) = describe_goal(1, replace(LANGUAGES, evidence=(song,)), HEADING, ())["evidence"]
    assert (found["title"], found["about"]) == ("Waiata", "MP4, 3:05, 4.2 MB")
    (found,) = describe_goal(1, replace(LANGUAGES, evidence=(PAPER,)), HEADING, ())["evidence"]
    assert found["about"] == "PDF, 1 kB"
