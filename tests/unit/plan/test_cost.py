"""Cost: what each part counts, that lists multiply, and that a plan's expression is enough."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from bench.cases import DASHBOARD
from poutama.errors import BadUserInputError, LimitExceededError
from poutama.plan.cost import (
    BYTES_OF_VALUE,
    check_variables,
    price_answer,
    price_refusal,
    price_variables,
)
from poutama.settings import Settings
from tests.unit.plan.costs import cost_of, find_cost
from tests.unit.plan.test_limits import DASHBOARD as FRAGMENTS
from tests.unit.plan.test_limits import GROUPS

# One row counts as one row here, and a list without `first` has three.
PLAIN = Settings(cost_rows=1.0, cost_subquery=0.0, assumed_list_size=3, max_cost=10**9)
# As served, but without fractions.
EXACT = Settings(cost_depth_factor=2.0, cost_rows=1.0)
PAGES = "query P($n: Int) { goalsConnection(first: $n) { nodes { id tasks { id } } } }"


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ("{ __schema { types { name } } }", 1),
        # An object, and its field half as dear again.
        ("{ me { id } }", 4),
        ("{ me { id name } }", 5),
        # Twice is once, but under two names it is two.
        ("{ me { id id } me { id } }", 4),
        ("{ me { id other: id } }", 5),
        ("{ me { id ... { name } ...F ...F } } fragment F on Person { name }", 5),
        # What is left out costs nothing.
        ("{ me { id name @skip(if: true) } }", 4),
        # 3 x (2 + 1.5)
        ("{ goals { id } }", 11),
        # An argument of one value as well.
        ("{ goals(first: 2) { id } }", 1 + 7),
        # 1 + 2 x (2 + 1.5 x (1 + 3 x (2 + 1.5)))
        ("{ goals(first: 2) { id tasks { id } } }", 40),
        ("{ goals(first: 0) { id } }", 1),
        # Wrapping adds no depth: 2 for the connection, then as the list.
        ("{ goalsConnection(first: 2) { nodes { id } } }", 1 + 2 + 7),
        # A count reads all there are, 3 here, whatever the page.
        ("{ goalsConnection(first: 2) { totalCount } }", 1 + 2 + 1 + 3 * 2),
        # 1 + 2 + 2 x (2 + 1 + 2 + 1.5): edges, cursor, node, id
        ("{ goalsConnection(first: 2) { edges { cursor node { id } } } }", 16),
        # filter, title, eq and the text
        ('{ goals(first: 1, filter: {title: {eq: "a"}}) { id } }', 1 + 3 + 4),
        # 10 for the change, input and three values, 2 for the payload, the goal and its id
        ('mutation { createGoal(input: {goalType: SPORTS, title: "a"}) { goal { id } } }', 21),
    ],
)  # fmt: skip
def test_the_parts_add_up(query: str, cost: int) -> None:
    assert cost_of(query, PLAIN) == cost


def test_a_list_without_first_is_taken_to_have_the_assumed_size() -> None:
    query = "{ goals { id tasks { id } } }"
    assert cost_of(query, EXACT) == cost_of(query.replace("goals", "goals(first: 10)"), EXACT) - 1


def test_a_list_without_first_has_the_size_that_its_field_expects() -> None:
    query = "{ groups { id members { id } } }"
    paged = "{ groups(first: 5) { id members(first: 30) { id } } }"
    # Two arguments more, one of them in every row.
    assert cost_of(query, EXACT) == cost_of(paged, EXACT) - 1 - 5 * 2


def test_a_list_that_returns_to_a_type_around_it_counts_every_row() -> None:
    there = "{ goals { owner { memberships(first: 5) { id } } } }"
    back = there.replace("memberships", "goals")

    # 2 goals x 1.5 x 1.5 x 3.5 a row: five rows, where others have them for one.
    assert cost_of(back) - cost_of(there) == 2 * 1.5 * 1.5 * 3.5 * 4
    wrapped = back.replace("goals(first: 5) { id }", "goalsConnection(first: 5) { nodes { id } }")
    assert cost_of(wrapped) > cost_of(back)


@pytest.mark.parametrize(
    "query",
    [
        "{ organisations { memberships { organisation { memberships { organisation {"
        " memberships { id } } } } } } }",
        "{ me { goals { owner { goals { owner { goals { id } } } } } } }",
    ],
)
def test_relations_that_lead_in_circles_are_refused_by_their_price(query: str) -> None:
    with pytest.raises(LimitExceededError, match="costs"):
        cost_of(query)


def test_what_an_answer_had_in_it_is_priced_afterwards() -> None:
    settings = Settings()
    assert price_answer(999, 9, settings) == 0
    assert price_answer(21_500, 0, settings) == 21
    listed, placed = (LimitExceededError("too many", limit=limit) for limit in ("listRows", "rows"))
    assert price_answer(21_500, 1_234, settings) == 21 + 123
    scanned = LimitExceededError("too many", limit="scannedRows")
    assert price_refusal(scanned, settings) == settings.max_cost
    assert price_refusal(listed, settings) == 1_000 / 5 * 2
    assert price_refusal(placed, settings) == settings.max_cost
    assert price_refusal(LimitExceededError("long", limit="bytes"), settings) == settings.max_cost
    assert price_refusal(LimitExceededError("deep", limit="depth"), settings) == 0


def test_a_page_without_first_has_the_default_size() -> None:
    query = "{ goalsConnection { nodes { id } } }"
    assert cost_of(query) == cost_of("{ goalsConnection(first: 50) { nodes { id } } }") - 1


def test_a_size_in_a_variable_costs_as_one_in_the_document() -> None:
    written = "{ goalsConnection(first: 70) { nodes { id tasks { id } } } }"
    assert cost_of(PAGES, n=70) == cost_of(written)


def test_one_expression_serves_every_size() -> None:
    expressions = {find_cost(PAGES, n=n)[0] for n in (1, 50, 1_000)}
    assert len(expressions) == 1
    assert cost_of(PAGES, PLAIN, n=100) - cost_of(PAGES, PLAIN, n=0) == 100 * (2 + 1.5 * 11.5)


def test_a_cost_that_no_variable_changes_is_a_number() -> None:
    cost, _ = find_cost(DASHBOARD)
    assert cost.lists == ()


@pytest.mark.parametrize(
    ("query", "most"), [(DASHBOARD, 200), (FRAGMENTS, 200), (GROUPS, 1_500), ("{ me { name } }", 5)]
)
def test_what_people_look_at_every_day_costs_little(query: str, most: int) -> None:
    assert cost_of(query) <= most


def test_a_whole_page_of_goals_can_be_read() -> None:
    fields = "id goalType title information complete dueAt color updatedAt createdAt"
    assert cost_of(f"{{ goalsConnection(first: 1000) {{ nodes {{ {fields} }} }} }}") < 5_000


@pytest.mark.parametrize(
    "query",
    [
        # Round and round: each level multiplies the rows.
        "{ " + "goals { owner { " * 5 + "id" + " } }" * 5 + " }",
        "{ goalsConnection(first: 1000) { nodes { tasks(first: 1000) { id } } } }",
        "query($n: Int = 900) { goalsConnection(first: $n) { nodes { tasks(first: $n) { id } } } }",
        "{ groups(first: 40) { members(first: 40) { person { goals(first: 40) { id } } } } }",
    ],
)
def test_lists_within_lists_cannot_multiply_for_ever(query: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        cost_of(query)

    details = caught.value.extensions
    assert (details["limit"], details["allowed"]) == ("cost", 5_000)
    assert f"costs {details['value']}: at most 5000 allowed" in caught.value.message
    assert cost_of(query, Settings(max_cost=10**9)) == details["value"]


@pytest.mark.parametrize(
    ("size", "error"),
    [(1_001, LimitExceededError), (10**9, LimitExceededError), (-1, BadUserInputError)],
)
def test_a_page_has_a_largest_size(size: int, error: type[Exception]) -> None:
    for query, input in ((PAGES, {"n": size}), (PAGES.replace("$n)", f"{size})"), {})):
        with pytest.raises(error, match=r"goalsConnection\.first: .*got"):
            cost_of(query.replace("($n: Int)", "") if not input else query, **input)


def test_a_filter_cannot_be_nested_for_ever() -> None:
    deep = "{id: {eq: $id}}"
    for _ in range(4):
        deep = f"{{goal: {{tasks: {{some: {deep}}}}}}}"
    query = f"query($id: UUID!) {{ goals {{ tasks(filter: {deep}) {{ id }} }} }}"
    one = "60a10000-0000-4000-8000-000000000005"

    with pytest.raises(LimitExceededError, match="nested 14 objects deep"):
        cost_of(query, id=one)
    assert cost_of(query, Settings(max_depth=14, max_cost=10**9), id=one)


FILTERED = "{ goals(first: 1, filter: {%s}) { id } }"


def test_a_filters_relations_cost_what_they_would_as_lists_for_all_rows_of_the_list() -> None:
    """Of 3 goals, each with 3 tasks: whatever `first` keeps of them."""
    plain = cost_of(FILTERED % "complete: {eq: true}", PLAIN)
    some = cost_of(FILTERED % "tasks: {some: {complete: {eq: true}}}", PLAIN)
    twice = "tasks: {some: {complete: {eq: true}}, none: {complete: {eq: true}}}"

    # Two objects more in the argument.
    assert some - plain == 2 + 3 * (3 * 2)
    assert cost_of(FILTERED % twice, PLAIN) - some == 3 + 3 * (3 * 2)
    # The way back to goals multiplies: 3 goals, their 3 tasks, the goal of each.
    back = cost_of(FILTERED % "tasks: {some: {goal: {complete: {eq: true}}}}", PLAIN)
    assert back - some == 1 + 3 * 3 * 2 * 1.5


def test_a_count_is_priced_by_what_its_list_is_expected_to_have() -> None:
    query = "{ organisation(organisationId: $o) { %s(first: 0) { totalCount } } }"
    query = "query($o: UUID!) " + query
    one = "60a10000-0000-4000-8000-000000000005"

    def price(field: str) -> float:
        return cost_of(query % field, PLAIN, o=one)

    # 100 memberships and 30 groups, an object each, within an object; `includeEnded` costs 1.5.
    assert price("membershipsConnection") - price("groupsConnection") == (100 - 30) * 2 * 1.5 - 2


def test_each_relation_in_a_filter_costs_what_planning_a_subquery_does() -> None:
    """250 of them took the database two seconds, however few rows there are."""
    query = "query($f: GoalFilter) { goals(first: 1, filter: $f) { id } }"

    def cost_of_planning(*parts: object) -> int:
        served = Settings(max_cost=10**9)
        free = replace(served, cost_subquery=0.0)
        priced, unpriced = [cost_of(query, each, f={"or": list(parts)}) for each in (served, free)]
        return priced - unpriced

    notes = {"notes": {"some": {"version": {"eq": 1}}}}
    assert cost_of_planning({"version": {"eq": 1}}) == 0
    assert cost_of_planning(notes) == 40
    assert cost_of_planning(notes, {"not": notes}, {"notes": {"none": {}, "every": {}}}) == 160
    assert cost_of_planning({"tasks": {"some": {"goal": {"owner": {"name": {"eq": "a"}}}}}}) == 120
    with pytest.raises(LimitExceededError, match="costs"):
        cost_of(query, f={"or": [notes] * 250})


@pytest.mark.parametrize(
    "filter_",
    [
        "memberships: {some: {organisation: {memberships: {some: {organisation: {memberships:"
        " {some: {role: {eq: ADMIN}}}}}}}}}",
        "goals: {some: {owner: {goals: {some: {owner: {goals: {some: {complete: {eq: true}}}}}}}}}",
    ],
)
def test_filters_that_lead_in_circles_are_refused_by_their_price(filter_: str) -> None:
    with pytest.raises(LimitExceededError, match="costs"):
        cost_of(f"{{ groups {{ members(filter: {{person: {{{filter_}}}}}) {{ id }} }} }}")


def test_rows_inserted_together_are_counted() -> None:
    query = "mutation($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"

    def cost(tasks: int) -> int:
        rows = [{"information": "a"}] * tasks
        return cost_of(query, i={"goalType": "SPORTS", "title": "a", "tasks": rows})

    # The object, its text and the default that it gets.
    assert cost(100) - cost(0) == 300
    with pytest.raises(LimitExceededError, match="501 items"):
        cost(501)


CREATE = "mutation($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"
FULL = {"goalType": "SPORTS", "title": "x", "tasks": [{"information": "a" * 2_000}] * 490}


def test_text_is_priced_by_its_bytes_wherever_an_argument_uses_it() -> None:
    empty = {**FULL, "tasks": [{"information": "a"}] * 490}
    more = cost_of(CREATE, i=FULL) - cost_of(CREATE, i=empty)
    assert more == 490 * 2_000 // EXACT.cost_bytes
    note = (
        f'createGoalNote(input: {{goalId: "{UUID(int=1)}", information: $t}}) {{ note {{ id }} }}'
    )
    notes = " ".join(f"n{number}: {note}" for number in range(15))
    several = f"mutation($t: String!) {{ {notes} }}"
    none, one, two = (cost_of(several, t=text) for text in ("a", "a" * 5_000, "\u0101" * 5_000))
    assert (one - none, two - one) == (15 * 10, 15 * 10)


def test_text_in_the_document_is_priced_too_and_a_lists_rows_do_not_multiply_it() -> None:
    query = "query($n: Int) { goals(first: $n) { tasks(filter: {search: TEXT}) { id } } }"
    short, long = (query.replace("TEXT", f'"{"a" * length}"') for length in (5, 5_005))
    assert cost_of(long, n=700) - cost_of(short, n=700) == 10


def test_what_is_sent_is_priced_before_it_is_coerced() -> None:
    # All variables, the input, its fields, and the tasks with their texts.
    values = 1 + 1 + len(FULL) + 490 * 2
    text = 490 * (2_000 + len("information"))
    price = (text + values * BYTES_OF_VALUE) // 500
    assert price_variables({"i": FULL}, EXACT) == (values, price)
    assert price_variables({"i": {"title": "short"}, "n": 5, "o": None}, EXACT) == (5, 0)
    large = {"unknown": ["a" * 3_000_000]}
    with pytest.raises(LimitExceededError, match="variables alone cost 6000"):
        check_variables(*price_variables(large, EXACT), EXACT)


def test_what_follows_one_value_too_many_is_not_looked_at() -> None:
    many = {"i": [*["a" * 500] * 1_000_000, *[1] * EXACT.max_values]}
    values, price = price_variables(many, EXACT)
    assert values == EXACT.max_values + 1
    assert price == values * BYTES_OF_VALUE // 500
