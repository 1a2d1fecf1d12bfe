"""Names do not look alike by characters of which nothing is seen."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.edge.oidc import _read_name
from poutama.errors import BadUserInputError
from poutama.features import load_model
from poutama.hidden_characters import find_hidden, without_hidden
from poutama.plan.binding import resolve_value
from poutama.plan.values import Constant, InputText
from poutama.schema.input_rules import TextRule
from poutama.schema.model import InputChildren, InputColumn, InputField, ObjectInput, TextInput
from poutama.unicode_data import category
from tests.unit.plan.test_values import bind

HIDDEN = (
    *("\u202e", "\u2066", "\u2069", "\u200f", "\u200e", "\u061c", "\u200b", "\u2060", "\u00ad"),
    *("\ufeff", "\u180e", "\u034f", "\u115f", "\u3164", "\u2800", "\ufe0f", "\U000e0001"),
    *("\U000e0041", "\U000e0100", "\u200c", "\u200d"),
)
NEEDED = (
    *("می\u200cخواهم", "نامه\u200cها", "श्री क\u094d\u200dष", "ශ\u0dca\u200dරී", "র\u200d\u09cdয"),
    *("\u0d05\u0d35\u0d28\u0d4d\u200d", "葛\U000e0100城", "\U0001f469\u200d\U0001f3eb", "❤\ufe0f"),
    *("\U0001f469\U0001f3fd\u200d\U0001f33e", "\U0001f3f3\ufe0f\u200d\U0001f308", "1\ufe0f\u20e3"),
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    *("Ngāti Māhanga", "Zoë O’Brien-Ó Súilleabháin", "Nguyễn Thị", "עִבְרִית"),
)


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_a_name_has_no_hidden_characters(hidden: str) -> None:
    for name in (f"Mrs {hidden}Smith", f"Mrs{hidden} Smith", f"Mrs Smith{hidden}", f"{hidden}Mrs"):
        assert find_hidden(name) == f"U+{ord(hidden):04X}"
        assert without_hidden(name) == name.replace(hidden, "")


@pytest.mark.parametrize("name", NEEDED, ids=ascii)
def test_scripts_and_emoji_keep_what_they_need(name: str) -> None:
    assert find_hidden(name) is None
    assert without_hidden(name) == name


def test_every_format_character_is_refused_between_letters() -> None:
    formats = [each for each in map(chr, range(sys.maxunicode)) if category(each) == "Cf"]
    assert len(formats) > 150
    assert [each for each in formats if find_hidden(f"a{each}b") is None] == []


def test_a_joiner_before_what_shows_nothing_joins_nothing() -> None:
    # U+2800 is a symbol, as an emoji is.
    assert without_hidden("\u2642\u200d\u2800") == "\u2642"


@given(st.text(st.sampled_from([*HIDDEN, *"aم♂\u094d\U0001f3f41", "\u20e3"]), max_size=8))
def test_what_is_left_of_a_name_has_none(name: str) -> None:
    assert find_hidden(without_hidden(name)) is None


def test_an_input_that_is_a_name_refuses_them() -> None:
    message = "show nothing or turn the direction of the text, got U+202E"
    name = InputText(Constant("Mrs \u202ehtimS"), TextRule(1, 200, is_name=True), "input.name")
    with pytest.raises(BadUserInputError, match=message.replace("+", r"\+")):
        resolve_value(name, bind())
    text = InputText(Constant("Mrs \u202ehtimS"), TextRule(1, 200), "input.title")
    assert resolve_value(text, bind()) == "Mrs \u202ehtimS"


def test_every_name_of_a_mutations_input_is_declared_as_one() -> None:
    def texts(inputs: dict[str, InputField], path: str) -> list[tuple[str, TextRule]]:
        found: list[tuple[str, TextRule]] = []
        for name, field in inputs.items():
            if isinstance(field, InputColumn | TextInput):
                found.append((f"{path}.{name}", field.text))
            elif isinstance(field, InputChildren | ObjectInput):
                found += texts(dict(field.fields), f"{path}.{name}")
        return found

    mutations = load_model().mutations.values()
    found = [text for each in mutations for text in texts(dict(each.inputs), each.field)]
    names = {path for path, rule in found if rule.is_name}
    assert names >= {path for path, _ in found if path.split(".")[-1] == "name"}
    assert names >= {"updatePerson.name", "createGroup.name", "updateOrganisation.name"}


@pytest.mark.parametrize(("sent", "stored"), [
    ("Mrs \u202eSmith", "Mrs Smith"), ("නි\u0dca\u200dර", "නි\u0dca\u200dර"), ("\u200b", None),
    ("Mrs\nSmith", None),
])  # fmt: skip
def test_the_name_of_a_sign_in_is_cleaned(sent: str, stored: str | None) -> None:
    assert _read_name(sent) == stored
