"""Filters become predicates; a null is a question or a mistake, and never overlooked."""

from __future__ import annotations

from typing import Any

import pytest

from poutama.errors import BadUserInputError
from poutama.features import load_model
from poutama.plan.binding import Binding, resolve_value, resolve_values
from poutama.plan.filters import build_filter, find_values
from poutama.plan.nodes import (
    ALWAYS,
    NEVER,
    All,
    AnyOf,
    Compare,
    Comparison,
    Exists,
    HasWords,
    IsNull,
    Not,
    Predicate,
)
from poutama.plan.values import (
    Constant,
    Items,
    Members,
    Needle,
    Normalized,
    Prefix,
    Variable,
    Words,
)

MODEL = load_model()
GOAL = MODEL.entities["Goal"]
TASK = MODEL.entities["GoalTask"]
TITLE, DUE = GOAL.column("title"), GOAL.column("dueAt")
A, B = Constant("a"), Constant("b")
DONE = {"complete": {"eq": Constant(True)}}
IS_DONE = Compare(TASK.column("complete"), Comparison.EQ, Constant(True))


def build(tree: Any) -> Predicate:
    return build_filter(MODEL, GOAL, tree, "goals.filter")


def test_no_filter_always_holds() -> None:
    assert build(None) == build({}) == ALWAYS


def test_conditions_beside_each_other_must_all_hold() -> None:
    both = build({"title": {"eq": A}, "dueAt": {"gte": B}})
    is_a = Compare(TITLE, Comparison.EQ, Normalized(A))
    assert both == All((is_a, Compare(DUE, Comparison.GTE, B)))
    range_ = build({"dueAt": {"gt": A, "lt": B}})
    assert range_ == All((Compare(DUE, Comparison.GT, A), Compare(DUE, Comparison.LT, B)))


def test_an_empty_condition_always_holds() -> None:
    assert build({"title": {}}) == ALWAYS
    assert build({"and": []}) == ALWAYS
    assert build({"or": []}) == NEVER
    assert build({"not": {}}) == Not(ALWAYS)


def test_one_that_stands_for_a_list_is_a_list_of_one() -> None:
    assert build({"or": {"title": {"eq": A}}}) == AnyOf(
        (Compare(TITLE, Comparison.EQ, Normalized(A)),)
    )


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        ("contains", Needle(A, "goals.filter.title.contains")),
        ("startsWith", Prefix(A, "goals.filter.title.startsWith")),
    ],
)
def test_words_are_looked_for_in_the_folded_copy(operator: str, value: Needle | Prefix) -> None:
    found = build({"title": {operator: A}})
    assert isinstance(found, Compare)
    assert (found.value, found.folded) == (value, True)


def test_a_search_looks_into_every_text_that_can_be_searched() -> None:
    found = build({"search": A})
    assert isinstance(found, HasWords)
    assert [column.field for column in found.columns] == ["title", "information"]
    assert found.words == Words(A, "goals.filter.search")


def test_members_come_as_one_value() -> None:
    assert build({"title": {"in": [A, Variable(("x",))]}}) == Compare(
        TITLE, Comparison.MEMBER, Members(Normalized(Items((A, Variable(("x",))))))
    )
    assert build({"title": {"in": A}}) == Compare(TITLE, Comparison.MEMBER, Members(Normalized(A)))


def test_null_is_asked_for_by_eq_or_is_null() -> None:
    assert build({"dueAt": {"eq": None}}) == IsNull(DUE)
    assert build({"dueAt": {"isNull": Constant(True)}}) == IsNull(DUE)
    assert build({"dueAt": {"isNull": Constant(False)}}) == Not(IsNull(DUE))


def test_quantifiers_are_existence() -> None:
    tasks = GOAL.relation("tasks")
    assert build({"tasks": {"some": DONE}}) == Exists(tasks, TASK, IS_DONE)
    assert build({"tasks": {"none": DONE}}) == Not(Exists(tasks, TASK, IS_DONE))
    assert build({"tasks": {"every": DONE}}) == Not(Exists(tasks, TASK, Not(IS_DONE)))
    assert build({"tasks": {}}) == ALWAYS


def test_a_relation_to_one_row_takes_its_filter_as_it_is() -> None:
    owner = GOAL.relation("owner")
    assert build({"owner": {}}) == Exists(owner, MODEL.entities["Person"], ALWAYS)


NULLS: dict[str, tuple[dict[str, Any], str]] = {
    "a column": ({"title": None}, "goals.filter.title"),
    "a relation": ({"tasks": None}, "goals.filter.tasks"),
    "a quantifier": ({"tasks": {"some": None}}, "goals.filter.tasks.some"),
    "inside a quantifier": (
        {"tasks": {"every": {"complete": None}}}, "goals.filter.tasks.every.complete",
    ),
    "and": ({"and": None}, "goals.filter.and"),
    "inside an item": ({"or": [{}, {"title": None}]}, "goals.filter.or[1].title"),
    "not": ({"not": None}, "goals.filter.not"),
    "search": ({"search": None}, "goals.filter.search"),
    "in": ({"title": {"in": None}}, "goals.filter.title.in"),
    "contains": ({"title": {"contains": None}}, "goals.filter.title.contains"),
    "lt": ({"dueAt": {"lt": None}}, "goals.filter.dueAt.lt"),
    "isNull": ({"dueAt": {"isNull": None}}, "goals.filter.dueAt.isNull"),
    "a related row": ({"owner": None}, "goals.filter.owner"),
}  # fmt: skip


@pytest.mark.parametrize("case", NULLS)
def test_any_other_null_is_a_mistake_and_its_place_is_named(case: str) -> None:
    tree, place = NULLS[case]
    (value,) = find_values(build(tree))
    with pytest.raises(BadUserInputError) as caught:
        resolve_value(value, Binding({}, None, 10))
    assert caught.value.message.startswith(f"{place}: expected a ")
    assert caught.value.extensions == {"field": place}


def test_all_mistakes_of_a_filter_are_found() -> None:
    found = find_values(build({"title": None, "or": [{"dueAt": {"lt": None, "gt": A}}, {}]}))
    with pytest.raises(BadUserInputError) as caught:
        resolve_values(found, Binding({}, None, 10))
    places = [error.extensions["field"] for error in (caught.value, *caught.value.others)]
    assert places == ["goals.filter.title", "goals.filter.or[0].dueAt.lt"]
