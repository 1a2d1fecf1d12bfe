"""The printed journey in the scripts of twelve languages and more: real glyphs, in right order."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from poutama.features.exports import pdf_document
from poutama.features.exports.fonts import Typeface, load_typeface
from poutama.features.exports.journey import JourneyGoal, count_goals
from poutama.features.exports.pdf_document import Volume, print_journey
from tests.unit.features.exports.drawn_text import read_drawn
from tests.unit.features.exports.sample import GARDEN, HEADING, PAPER

NAMES = {
    "Māori": "Mereana Tūī Wāhine",
    "Chinese": "王小明，世界",
    "Japanese": "田中さくらカタカナ",
    "Korean": "김민준 안녕하세요",
    "Arabic": "محمد علي",
    "Hebrew": "שָׁלוֹם דוד",
    "Thai": "สมชาย ใจดี น้ำใจ",
    "Hindi": "प्रिया शर्मा क्षत्रिय",
    "Tamil": "பிரியா",
    "Bengali": "প্রিয়া",
    "Russian": "Анна Иванова",
    "Greek": "Ελένη",
    "Amharic": "ሰላም",
    "Georgian": "თამარ",
    "Khmer": "ស្រីមុំ",
    "Punjabi": "ਪ੍ਰੀਤ",
    "Sinhala": "ශ්‍රී",
    "Burmese": "မြန်မာ",
    "Lao": "ສະບາຍດີ",
    "Vietnamese": "Nguyễn Thị Hồng",
    "emoji": "🎉 👩🏽‍🎓 🇳🇿 ❤️ ✅ 1️⃣",
}


def everywhere(name: str) -> JourneyGoal:
    """A goal that has the name wherever a person's words can be."""
    (task, *_), (note,) = GARDEN.tasks, GARDEN.notes
    return replace(
        GARDEN,
        title=name,
        information=name,
        tasks=(replace(task, information=name),),
        notes=(replace(note, author=name, information=name),),
        evidence=(replace(PAPER, title=name),),
    )


def printed(name: str) -> PdfReader:
    goals = [everywhere(name)]
    volume = Volume(1, 1, 1, count_goals(goals))
    content = print_journey(replace(HEADING, name=name), goals, volume, {})
    return PdfReader(BytesIO(content), strict=True)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why typst refused to make PDF/UA-1 (ISO 14289-1), as it does of a letter without a glyph."""
    messages: list[str] = []
    compile_ = typst.compile

    def record(*arguments: Any, **named: Any) -> Any:
        try:
            return compile_(*arguments, **named)
        except typst.TypstError as error:
            messages.append(error.message)
            raise

    monkeypatch.setattr(typst, "compile", record)
    return messages


@pytest.mark.parametrize("language", NAMES)
def test_a_name_is_drawn_by_its_letters_in_their_order(language: str, refused: list[str]) -> None:
    """On the cover, the timeline, and six times with the goal; no glyph is .notdef."""
    name = NAMES[language]
    pages = [read_drawn(page) for page in printed(name).pages]
    assert refused == []
    assert 0 not in set().union(*(page.glyphs for page in pages))
    assert "\ufffd" not in "".join(page.text for page in pages)
    text = "".join("".join(page.text for page in pages).split())
    assert text.count("".join(name.split())) >= 8


@pytest.mark.parametrize("language", ["Māori", "Vietnamese", "Chinese", "Russian"])
def test_any_reader_copies_a_name_as_it_was_written(language: str) -> None:
    text = "".join(page.extract_text() for page in printed(NAMES[language]).pages)
    assert text.count(NAMES[language]) >= 8


def test_emoji_are_tried_before_symbols() -> None:
    """The font of symbols has the frame of 1️⃣ without the digit, and draws one beside the other."""
    families = load_typeface().families
    assert families.index("Noto Emoji") < families.index("Noto Sans Symbols")


def test_a_document_says_that_it_is_accessible() -> None:
    root: Any = printed("Mereana Tūī").trailer["/Root"]
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()


def test_a_script_without_a_font_becomes_words_and_the_cover_says_so() -> None:
    text = "".join(page.extract_text() for page in printed("བོད").pages)
    assert "[Tibetan, 2 characters]" in text
    assert "journey.json has every text as it was written" in " ".join(text.split())
    assert NAMES["emoji"].split()[1] in read_drawn(printed(f"བོད {NAMES['emoji']}").pages[0]).text
    assert "journey.json" not in "".join(page.extract_text() for page in printed("Tūī").pages)


def test_signs_that_turn_the_direction_of_what_follows_are_left_out() -> None:
    assert "Kapai(done10February2026)" in read_drawn(printed("\u202eKa pai").pages[0]).text


def test_without_the_fonts_of_the_extra_chinese_becomes_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_without() -> Typeface:
        return load_typeface(("manimgx_fonts", "not_installed"))

    monkeypatch.setattr(pdf_document, "load_typeface", load_without)
    text = "".join(page.extract_text() for page in printed("王小明").pages)
    assert "[Chinese or Japanese, 3 characters]" in text


def test_a_letter_without_a_glyph_does_not_end_an_export(
    monkeypatch: pytest.MonkeyPatch, refused: list[str]
) -> None:
    typeface = replace(load_typeface(), has_glyph=lambda _: True)
    monkeypatch.setattr(pdf_document, "load_typeface", lambda: typeface)
    assert 0 in read_drawn(printed("བོད").pages[0]).glyphs
    assert ["could not be displayed" in message for message in refused] == [True]


@given(st.text(max_size=60))
def test_whatever_is_written_is_printed(text: str) -> None:
    assert printed(text).pages
