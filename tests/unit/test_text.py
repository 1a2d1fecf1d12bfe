"""The stored and the searched form of text."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.errors import BadUserInputError
from poutama.text import (
    LONGEST_DECOMPOSITION,
    LONGEST_RUN,
    LONGEST_TEXT,
    NormalForm,
    fold,
    has_long_run,
    normalize,
    normalize_email,
    trim_marks,
)

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


MARKS = ("\u0301", "\u0316", "\u0344", "\u0f73", "\u0f75", "\u0f81", "\uff9e", "\u0334")
TEXTS_OF_MARKS = st.text(st.sampled_from("aé\u1f82ﷺ가ｶ" + "".join(MARKS)), max_size=80) | st.builds(
    lambda head, mark, count: head + mark * count,
    st.sampled_from(["", "a", "ᾂ", "ế"]),
    st.sampled_from(MARKS),
    st.integers(12, 34),
)


def longest_run(text: str) -> int:
    """Marks in a row once it is decomposed, as the Stream-Safe Text Format counts them."""
    longest = run = 0
    # Letter by letter: what is tried here must not take the test's own time.
    for letter in text:
        for part in unicodedata.normalize("NFKD", letter):
            run = run + 1 if unicodedata.combining(part) else 0
            longest = max(longest, run)
    return longest


@given(TEXTS_OF_MARKS)
def test_thirty_marks_in_a_row_are_the_most(text: str) -> None:
    assert has_long_run(text) is (longest_run(text) > LONGEST_RUN)
    if not has_long_run(text):
        assert trim_marks(text) == text
        return
    for refuse in (normalize, fold):
        with pytest.raises(BadUserInputError, match="at most 30 combining marks"):
            refuse(text)
    assert normalize_email(f"{text}@school.example") is None
    assert longest_run(trim_marks(text)) <= LONGEST_RUN


@given(TEXTS_OF_MARKS, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_the_verdict_is_the_same_on_every_spelling(text: str, form: NormalForm) -> None:
    if not has_long_run(text):
        assert not has_long_run(normalize(text, form))
    else:
        assert has_long_run(unicodedata.normalize(form, text))


def test_a_search_for_ten_letters_misses_no_run() -> None:
    """What the quick look at a text takes for granted of Unicode, whichever version it is."""
    parts = {letter: unicodedata.normalize("NFKD", letter) for letter in EVERY_CHARACTER}
    alone = {a for a, many in parts.items() if all(map(unicodedata.combining, many))}
    assert min(alone) >= "\u0300"
    most = max(len(parts[letter]) for letter in alone)
    ends = max(len(many) - len(many.rstrip("".join(alone))) for many in parts.values())
    # One letter, and ten that are marks alone, are not enough for a run.
    assert ends + 10 * most <= LONGEST_RUN
    assert not [a for a in parts.keys() - alone if unicodedata.combining(parts[a][0])]
    assert max(len(unicodedata.normalize("NFD", a)) for a in EVERY_CHARACTER) <= (
        LONGEST_DECOMPOSITION
    )


def test_the_length_is_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("poutama.text.unicodedata")
    for refuse in (normalize, fold):
        for letter in ("a", "ā", "\u0301"):
            with pytest.raises(BadUserInputError, match="at most 100000 characters, got 100001"):
                refuse(letter * (LONGEST_TEXT + 1))
    assert normalize_email("\u0301" * 2_000) is None
