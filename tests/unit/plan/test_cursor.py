"""Cursors are read back only as they were given out, whatever a client makes of them."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from json import dumps
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.errors import BadUserInputError
from poutama.features import load_model
from poutama.plan.cursor import decode_cursor, sign_list
from poutama.schema.model import OrderTerm

GOAL = load_model().entities["Goal"]
TASK = load_model().entities["GoalTask"]
ORDER = [
    OrderTerm(GOAL.column("dueAt"), descending=True),
    OrderTerm(GOAL.column("title")),
    OrderTerm(GOAL.column("complete")),
    OrderTerm(GOAL.column("version")),
]
LIST = "Person.goals"
SIGNED = "Person.goals -dueAt,title,complete,version"
ID = "60a10000-0000-4000-8000-000000000001"
DUE = "2026-02-03T21:30:00Z"


def encode(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogatepass")).decode()


def cursor(*values: object) -> str:
    return encode(dumps(values))


def test_a_list_and_its_order_are_named_after_their_fields() -> None:
    assert sign_list(LIST, ORDER) == SIGNED
    assert sign_list(LIST, []) == "Person.goals "


def test_a_cursor_gives_its_values_and_the_id() -> None:
    found = decode_cursor(cursor(SIGNED, DUE, "maori", True, 3, ID), LIST, ORDER, "x")
    assert found == [datetime(2026, 2, 3, 21, 30, tzinfo=UTC), "maori", True, 3, UUID(ID)]


def test_a_row_without_a_value_has_a_cursor_too() -> None:
    assert decode_cursor(cursor(SIGNED, None, "", False, 0, ID), LIST, ORDER, "x")[0] is None


FORGED = {
    "nothing": "",
    "no base64": "%%%%",
    "no padding": cursor(SIGNED, DUE, "a", True, 3, ID).rstrip("=") + "A",
    "not ASCII": "ā",
    "half a pair": "\ud83d",
    "no UTF-8": b64encode(b"\xff\xfe").decode(),
    "no JSON": encode("[1,"),
    "a number": encode("1"),
    "null": encode("null"),
    "an object": encode("{}"),
    "an empty list": encode("[]"),
    "another list": cursor(SIGNED.replace("Person", "Query"), DUE, "a", True, 3, ID),
    "a longer text than is sorted by": cursor(SIGNED, DUE, "a" * 101, True, 3, ID),
    "another order": cursor("Person.goals title", DUE, "a", True, 3, ID),
    "the other way round": cursor(SIGNED.replace("-", ""), DUE, "a", True, 3, ID),
    "an order that is a list": cursor([SIGNED], DUE, "a", True, 3, ID),
    "too few values": cursor(SIGNED, DUE, "a", True, ID),
    "too many values": cursor(SIGNED, DUE, "a", True, 3, 3, ID),
    "no id": cursor(SIGNED, DUE, "a", True, 3, None),
    "an id that is none": cursor(SIGNED, DUE, "a", True, 3, ID[1:]),
    "a number for a moment": cursor(SIGNED, 1, "a", True, 3, ID),
    "a day that is none": cursor(SIGNED, "2026-02-30T00:00:00Z", "a", True, 3, ID),
    "a moment out of range": cursor(SIGNED, "0001-01-01T00:00:00+14:00", "a", True, 3, ID),
    "a number for a text": cursor(SIGNED, DUE, 1, True, 3, ID),
    "null where there is always a value": cursor(SIGNED, DUE, None, True, 3, ID),
    "NUL": cursor(SIGNED, DUE, "\0", True, 3, ID),
    "half a pair inside": cursor(SIGNED, DUE, "\ud83d", True, 3, ID),
    "a number for a boolean": cursor(SIGNED, DUE, "a", 1, 3, ID),
    "a boolean for a number": cursor(SIGNED, DUE, "a", True, True, ID),
    "a fraction": cursor(SIGNED, DUE, "a", True, 3.5, ID),
    "a number too large": cursor(SIGNED, DUE, "a", True, 2**63, ID),
    "a number much too large": encode(f'["{SIGNED}",null,"a",true,{"9" * 10_000},"{ID}"]'),
    "infinity": encode(f'["{SIGNED}",null,"a",true,Infinity,"{ID}"]'),
    "a list for a value": cursor(SIGNED, DUE, ["a"], True, 3, ID),
    "nesting": encode("[" * 200_000),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_was_not_given_out_is_refused_in_the_same_words(case: str) -> None:
    with pytest.raises(BadUserInputError) as caught:
        decode_cursor(FORGED[case], LIST, ORDER, "goals.after")
    assert caught.value.message == (
        "goals.after: expected a cursor from this list under the same orderBy."
    )
    assert caught.value.extensions == {"field": "goals.after"}


@given(st.one_of(st.text(), st.binary().map(lambda data: b64encode(data).decode())))
def test_no_text_is_more_than_refused(text: str) -> None:
    with pytest.raises(BadUserInputError):
        decode_cursor(text, LIST, ORDER, "x")


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.lists(json, min_size=4, max_size=5))
def test_no_value_is_more_than_refused(values: list[object]) -> None:
    try:
        found = decode_cursor(cursor(SIGNED, *values[:4], ID), LIST, ORDER, "x")
    except BadUserInputError:
        return
    assert found[1:4] == values[1:4]


def test_the_largest_position_is_no_mistake() -> None:
    order = [OrderTerm(TASK.column("position"))]
    largest = cursor("Goal.tasks position", 2**63 - 1, ID)
    assert decode_cursor(largest, "Goal.tasks", order, "x")[0] == 2**63 - 1
