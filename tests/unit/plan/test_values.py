"""Values are fetched from their places, and what cannot be used is refused there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from poutama.errors import BadUserInputError, LimitExceededError, UnauthenticatedError
from poutama.plan.binding import Binding, resolve_tree, resolve_value
from poutama.plan.values import (
    Constant,
    Folded,
    InputText,
    Items,
    Members,
    Needle,
    NewId,
    Normalized,
    PageSize,
    Prefix,
    Returned,
    Variable,
    ViewerId,
    Words,
)
from poutama.schema.input_rules import TextRule
from poutama.text import NEVER_FOUND, fold
from poutama.viewer import Viewer

PERSON = UUID(int=1)


def bind(**variables: Any) -> Binding:
    return Binding(variables, Viewer(PERSON), max_page_size=10)


def test_a_variable_is_found_at_its_path() -> None:
    binding = bind(input={"tasks": [{"information": "x"}]})
    assert resolve_value(Variable(("input", "tasks", 0, "information")), binding) == "x"


def test_no_viewer_has_no_id() -> None:
    assert resolve_value(ViewerId(), bind()) == PERSON
    with pytest.raises(UnauthenticatedError):
        resolve_value(ViewerId(), Binding({}, None, 10))


def test_a_new_id_is_the_same_within_one_attempt() -> None:
    binding = bind()
    first = resolve_value(NewId(1), binding)
    assert resolve_value(NewId(1), binding) == first != resolve_value(NewId(2), binding)
    binding.start_again()
    assert resolve_value(NewId(1), binding) != first


def test_what_a_procedure_returned_is_found_by_its_field() -> None:
    binding = bind()
    binding.returned = {"goal": PERSON}
    assert resolve_value(Returned("goal"), binding) == PERSON


def test_a_text_is_folded_as_the_search_columns_are() -> None:
    assert resolve_value(Folded(Constant("MĀORI")), bind()) == "maori"
    assert resolve_value(Folded(Constant(None)), bind()) is None


def test_a_text_is_compared_in_the_form_that_is_stored() -> None:
    assert resolve_value(Normalized(Constant("Ma\u0304ori")), bind()) == "M\u0101ori"
    several = Members(Normalized(Variable(("x",))))
    assert resolve_value(several, bind(x=["a\u0304", "b"])) == '["\u0101", "b"]'


@pytest.mark.parametrize(
    ("text", "words"),
    [("Te  REO", ["te", "reo"]), (" ", []), ("", []), ("te \u00b4", ["te"])],
)
def test_a_search_looks_for_words(text: str, words: list[str]) -> None:
    found = resolve_value(Words(Constant(text), "it.filter.search"), bind())
    assert isinstance(found, str)
    assert json.loads(found) == words


@pytest.mark.parametrize("accent", ["\u0301", "\u00b4", "\u00a8 ", "\u0304\u0301"])
def test_an_accent_alone_is_found_nowhere(accent: str) -> None:
    assert resolve_value(Needle(Constant(accent), "it"), bind()) == NEVER_FOUND
    assert resolve_value(Prefix(Constant(accent), "it"), bind()) == NEVER_FOUND
    found = resolve_value(Words(Constant(accent), "it.filter.search"), bind())
    assert isinstance(found, str)
    assert json.loads(found) == [NEVER_FOUND]
    assert NEVER_FOUND not in fold(accent)


def test_a_search_has_twenty_words_at_most() -> None:
    with pytest.raises(BadUserInputError, match=r"it\.filter\.search: expected at most 20 words"):
        resolve_value(Words(Constant("a " * 21), "it.filter.search"), bind())


@pytest.mark.parametrize("letter", ["a", "\ufb03"])
def test_what_is_looked_for_within_texts_has_a_hundred_characters_once_folded(letter: str) -> None:
    """The work of looking for it is, at worst, its length times that of the text."""
    fits = letter * (100 // len(fold(letter)))
    for whole in (fits, f"{fits} {fits}"):
        assert resolve_value(Words(Constant(whole), "it.search"), bind())
    assert resolve_value(Needle(Constant(fits), "it.contains"), bind()) == fold(fits)
    longer = fits + letter * 2
    message = f"expected a {{}} of at most 100 characters, got {len(fold(longer))}"
    with pytest.raises(BadUserInputError, match=rf"it\.contains: {message.format('text')}"):
        resolve_value(Needle(Constant(longer), "it.contains"), bind())
    with pytest.raises(BadUserInputError, match=rf"it\.search: {message.format('word')}"):
        resolve_value(Words(Constant(f"b {longer}"), "it.search"), bind())
    assert resolve_value(Prefix(Constant(longer), "it"), bind()) == fold(longer)


def test_members_travel_as_json() -> None:
    values = Items((Constant('a"b'), Constant(PERSON), Constant(datetime(2026, 2, 3, tzinfo=UTC))))
    found = resolve_value(Members(values), bind())
    assert isinstance(found, str)
    assert json.loads(found) == ['a"b', str(PERSON), "2026-02-03T00:00:00Z"]
    assert resolve_value(Members(Variable(("x",))), bind(x=["ā"])) == '["ā"]'


@pytest.mark.parametrize(
    "blank",
    [
        "\u200b",
        "\u2065",
        "\ufff0",
        "\U000e0fff",
        "\ufeff",
        "\u3164",
        "\u00ad",
        "\u2800",
        "\u0301",
        " \u200d\n",
    ],
)
def test_a_text_that_shows_nothing_is_refused(blank: str) -> None:
    with pytest.raises(BadUserInputError, match=r"input\.x: expected more than white space"):
        resolve_value(InputText(Constant(blank), TextRule(1, 30), "input.x"), bind())


def test_characters_that_show_nothing_do_not_count() -> None:
    reason = InputText(Constant("ok" + "\u200b" * 20), TextRule(10, 100), "input.reason")
    with pytest.raises(BadUserInputError, match="expected at least 10 visible characters, got 2"):
        resolve_value(reason, bind())
    plain = InputText(Constant("a talk \U0001f33f"), TextRule(8, 100), "input.reason")
    assert resolve_value(plain, bind()) == "a talk \U0001f33f"


@pytest.mark.parametrize("control", ["\x1b[2J", "\x07", "\x00", "\x85", "\x7f"])
def test_what_a_terminal_obeys_is_refused(control: str) -> None:
    with pytest.raises(BadUserInputError):
        resolve_value(InputText(Constant(f"Kura{control}"), TextRule(1, 30), "input.x"), bind())
    lines = InputText(Constant("one\r\n\ttwo"), TextRule(1, 30), "input.x")
    assert resolve_value(lines, bind()) == "one\r\n\ttwo"


@pytest.mark.parametrize("size", [0, 1, 10])
def test_a_page_may_be_as_large_as_allowed(size: int) -> None:
    assert resolve_value(PageSize(Constant(size), "x.first"), bind()) == size


def test_a_page_of_another_size_is_refused() -> None:
    with pytest.raises(BadUserInputError, match=r"x\.first: expected a number from 0, got -1"):
        resolve_value(PageSize(Constant(-1), "x.first"), bind())
    with pytest.raises(LimitExceededError, match=r"x\.first: a page may have 10 items at most"):
        resolve_value(PageSize(Constant(11), "x.first"), bind())


RULE = TextRule(1, 3, "[a-z]+", "small letters")


def test_a_text_is_composed_before_it_is_counted() -> None:
    text = InputText(Constant("a\u0304" * 3), TextRule(1, 3), "input.x")
    assert resolve_value(text, bind()) == "\u0101" * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "input.x: expected 1 to 3 characters, got 0."),
        ("abcd", "input.x: expected 1 to 3 characters, got 4."),
        ("   ", "input.x: expected more than white space."),
        ("A", 'input.x: expected small letters, got "A".'),
        ("a\n", 'input.x: expected small letters, got "a\\n".'),
    ],
)
def test_a_text_that_breaks_its_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadUserInputError) as caught:
        resolve_value(InputText(Constant(text), RULE, "input.x"), bind())
    assert caught.value.message == message
    assert caught.value.extensions == {"field": "input.x"}


@pytest.mark.parametrize("text", ["\0", "a\0", "\ud800", "a\udfff"])
def test_what_no_column_can_hold_is_refused_everywhere(text: str) -> None:
    for value in (
        Constant(text),
        Variable(("x",)),
        Folded(Variable(("x",))),
        Members(Variable(("list",))),
        InputText(Variable(("x",)), TextRule(), "input.x"),
    ):
        with pytest.raises(BadUserInputError, match=r"NUL|surrogate"):
            resolve_value(value, bind(x=text, list=["ok", text]))


def test_a_field_that_the_document_itself_fills_is_named() -> None:
    with pytest.raises(BadUserInputError, match=r"^input\.x contains the character NUL") as caught:
        resolve_value(InputText(Constant("a\0"), TextRule(), "input.x"), bind())
    assert caught.value.extensions == {"field": "input.x"}


def test_what_was_refused_is_not_repeated() -> None:
    with pytest.raises(BadUserInputError) as caught:
        resolve_value(Variable(("x",)), bind(x="secret\0"))
    assert "secret" not in caught.value.message
    assert "$x" in caught.value.message


def test_a_tree_is_resolved_leaf_by_leaf() -> None:
    tree = {"a": [Constant(1), None], "b": {"c": Variable(("x",))}, "d": None}
    assert resolve_tree(tree, bind(x=2)) == {"a": [1, None], "b": {"c": 2}, "d": None}


MARKS = "a" + "\u0301" * 60_000 + "\u0316" * 60_000
"""What froze a server for half a minute."""


def test_a_text_of_marks_is_refused_and_its_place_is_named() -> None:
    title = InputText(Variable(("text",)), TextRule(maximum=100_000), "input.title")
    with pytest.raises(BadUserInputError, match=r"input\.title: expected at most 30 combining"):
        resolve_value(title, bind(text=MARKS))
    needle = Needle(Variable(("filter", "search")), "goals.filter.search")
    with pytest.raises(BadUserInputError, match=r"goals\.filter\.search: expected at most 100000"):
        resolve_value(needle, bind(filter={"search": MARKS}))
    with pytest.raises(BadUserInputError, match="A text: expected at most 30 combining marks"):
        resolve_value(Folded(Constant(MARKS[60_000:60_040])), bind())


def test_what_is_far_too_long_is_not_normalized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("poutama.plan.binding.normalize")
    title = InputText(Variable(("text",)), TextRule(maximum=200), "input.title")
    with pytest.raises(BadUserInputError, match="expected 0 to 200 characters, got 120001"):
        resolve_value(title, bind(text=MARKS))


def test_a_text_that_fits_once_it_is_normalized_fits() -> None:
    title = InputText(Variable(("text",)), TextRule(maximum=200), "input.title")
    assert resolve_value(title, bind(text="a\u0304" * 200)) == "ā" * 200
    assert resolve_value(title, bind(text="\u1f82" * 200)) == "ᾂ" * 200
    assert resolve_value(title, bind(text="α\u0313\u0300\u0345" * 200)) == "ᾂ" * 200
