"""The stored and the searched form of text."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.text import fold, normalize, normalize_email

EVERY_CHARACTER = [chr(point) for point in range(sys.maxunicode + 1)]


@pytest.mark.parametrize(
    ("words", "found_by"),
    [
        ("Māori", "maori"),
        ("Ma\u0304ori", "MĀORI"),
        ("WHĀNAU", "whanau"),
        ("Straße", "STRASSE"),
        ("ﬁnal", "final"),
        ("½ done", "1⁄2 done"),
        ("İzmir", "izmir"),
        ("Ｋｉａ ｏｒａ", "kia ora"),
    ],
)
def test_words_are_found_without_macrons_and_capitals(words: str, found_by: str) -> None:
    assert fold(words) == fold(found_by)


@pytest.mark.parametrize("words", ["", "🎯 2 × 3", "日本", 'a "quote" \\ %_'])
def test_what_has_neither_marks_nor_capitals_stays_as_it_is(words: str) -> None:
    assert fold(words) == words


def test_letters_that_only_look_alike_stay_apart() -> None:
    assert fold("о") != fold("o")  # Cyrillic and Latin
    assert fold("ø") != fold("o")


def test_folding_any_character_twice_changes_nothing_more() -> None:
    assert [c for c in EVERY_CHARACTER if fold(fold(c)) != fold(c)] == []


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_canonically_equal_texts_fold_alike(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))


@given(st.text(), st.text())
def test_a_part_is_found_in_the_whole(head: str, tail: str) -> None:
    assert fold(head + tail) == fold(head) + fold(tail)


@given(st.text())
def test_what_is_stored_is_nfc_once_and_for_all(text: str) -> None:
    assert unicodedata.is_normalized("NFC", normalize(text))
    assert normalize(normalize(text)) == normalize(text)
    assert fold(normalize(text)) == fold(text)


LONGEST = f"{'a' * 240}@school.example"


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Ana@School.Example", "ana@school.example"),
        ("A\u0304na@school.example", "āna@school.example"),
        ('"a@b"@school.example', '"a@b"@school.example'),
        (LONGEST[-254:], LONGEST[-254:]),
    ],
)
def test_an_email_has_one_form(text: str, email: str) -> None:
    assert normalize_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "ana", "ana@", "@school.example", "ana@school", "ana.b@school",
        "a na@school.example", "ana@school.example\n", "ana@school.example\u200b",
        "\u212aana@school.example", LONGEST[-255:],
    ],
)  # fmt: skip
def test_what_is_no_email_has_none(text: str) -> None:
    assert normalize_email(text) is None
