"""`docs/limits.md` names every limit as it is, and its examples cost what it says."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bench.cases import DASHBOARD, SMALL
from poutama.plan.binding import LONGEST_NEEDLE
from poutama.plan.cost import BYTES_OF_VALUE
from poutama.plan.introspection import LARGEST_INTROSPECTION
from poutama.settings import Settings
from poutama.text import LONGEST_RUN, LONGEST_TEXT
from tests.unit.plan.costs import cost_of

PAGE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text(encoding="utf-8")
UNBOUNDED = Settings(max_cost=10**9)
GOAL = "id goalType title information complete dueAt color updatedAt createdAt"
TASK = "id information complete updatedAt createdAt"
MENTOR = f"""
query Groups($n: Int, $m: Int, $g: Int, $t: Int) {{
  groups(first: $n) {{
    id name PROGRESS
    members(first: $m) {{
      id role
      person {{ id name goals(first: $g) {{ {GOAL} tasks(first: $t) {{ {TASK} }} }} }}
    }}
  }}
}}
"""
WHOLE = re.sub(r"\((first|\$n).*?\)", "", MENTOR).replace(
    "PROGRESS", "progress { active overdue completed }"
)
PAGED = MENTOR.replace("PROGRESS", "")
ROUND = "goals { owner { "
GOALS = "{ goalsConnection(first: 1000) { nodes { "
CREATE = "mutation($i: CreateGoalInput!) { createGoal(input: $i) { goal { id } } }"
GIVEN = {"goalType": "SPORTS", "title": "x", "tasks": [{"information": "a"}] * 500}

EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "`{ me { name } }`": (SMALL, {}),
    "a student's dashboard: goals with all fields, their tasks and notes": (DASHBOARD, {}),
    "a mentor's groups -> members -> person -> goals -> tasks, all fields": (WHOLE, {}),
    "the same with 10 groups, 30 members, 5 goals and 5 tasks by `first`": (
        PAGED,
        {"n": 10, "m": 30, "g": 5, "t": 5},
    ),
    "`goalsConnection(first: 1000)` with nine fields": (GOALS + GOAL + " } } }", {}),
    "a goal with 500 tasks, created at once": (CREATE, {"i": GIVEN}),
    "goals -> owner -> goals -> ... twice round": (
        "{ " + ROUND * 2 + "id" + " } }" * 2 + " }",
        {},
    ),
    "... three times round": ("{ " + ROUND * 3 + "id" + " } }" * 3 + " }", {}),
    "an organisation's memberships -> organisation -> memberships": (
        "{ organisations { memberships { organisation { memberships { id } } } } }",
        {},
    ),
    "1,000 goals with 1,000 tasks each": (GOALS + "tasks(first: 1000) { id } } } }", {}),
}


def named(prefixes: tuple[str, ...]) -> dict[str, Any]:
    return {
        item.name.upper(): item.default
        for item in fields(Settings)
        if item.name.startswith(prefixes)
    }


@pytest.mark.parametrize(("name", "default"), named(("max_", "budget_")).items())
def test_every_limit_is_in_a_table_with_its_default(name: str, default: float) -> None:
    assert f"| `{name}` | {default:,.0f} |" in PAGE


@pytest.mark.parametrize("name", [*named(("cost_", "assumed_")), "TRUSTED_DOCUMENTS"])
def test_every_weight_is_named(name: str) -> None:
    assert re.search(rf"`(POUTAMA_)?{name}`", PAGE)


def sentences() -> list[str]:
    """What the page says in running text, with the numbers as they are in force."""
    now = Settings()
    dashboard = cost_of(DASHBOARD, UNBOUNDED)
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    dearest = words[int(now.budget_capacity / now.max_cost)]
    return [
        f"{LONGEST_TEXT:,} characters at most in a search or a filter",
        f"has at most {LONGEST_NEEDLE} characters in its",
        f"{LONGEST_RUN} combining marks in a row",
        f"| `introspection` | | {LARGEST_INTROSPECTION:,} |",
        f"| `REQUEST_SECONDS` | {now.request_seconds:g} |",
        f"the default page ({now.default_page_size})",
        f"without, {now.assumed_list_size} (`ASSUMED_LIST_SIZE`)",
        f"an argument | {now.cost_scalar:g} (`COST_SCALAR`)",
        f"a payload | {now.cost_object:g} (`COST_OBJECT`)",
        f"x {now.cost_depth_factor:g} (`COST_DEPTH_FACTOR`)",
        f"its size / {now.cost_rows:g} (`COST_ROWS`)",
        f"hence the {now.cost_rows:g}:",
        f"| {now.cost_bytes} bytes of text in the variables",
        f"each value counted as {BYTES_OF_VALUE} bytes more",
        f"1 for each {now.cost_document:g} characters (`COST_DOCUMENT`)",
        f"all of these are within {now.max_cost:,}",
        f"That is {int(now.budget_capacity / dashboard)} dashboards at once, and"
        f" {words[int(now.budget_refill / dashboard)]} a second",
        f"or {dearest} of the dearest operations there can be, and one in"
        f" {math.ceil(now.max_cost / now.budget_refill)} seconds",
        f"q={now.budget_capacity};w={now.budget_capacity / now.budget_refill:.0f}",
        f"your budget of {now.budget_capacity} is left",
    ]


@pytest.mark.parametrize("sentence", sentences())
def test_running_text_has_the_numbers_in_force(sentence: str) -> None:
    assert sentence in " ".join(PAGE.split())


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_costs_what_the_page_says(example: str) -> None:
    query, input = EXAMPLES[example]
    assert f"| {example} | {cost_of(query, UNBOUNDED, **input):,} |" in PAGE


def test_every_example_is_computed() -> None:
    table = PAGE.partition("| | cost |\n|---|---|\n")[2].partition("\n\n")[0]
    assert len(table.splitlines()) == len(EXAMPLES)
