"""The text of a statement depends on the plan alone: never on values, nor on who renders it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from json import dumps
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poutama.plan.operation import GraphQLRequest
from poutama.sql.statement import Statement
from tests.golden.compiled import RENDERINGS, compile_request
from tests.golden.document import Golden, read_goldens

each_golden = pytest.mark.parametrize("golden", read_goldens(), ids=lambda golden: golden.name)

# Long enough to be in no statement by chance; `dumps` makes a GraphQL literal of it.
secrets = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12).map(
    lambda text: f"sécret'{text}\\\"--"
)


def statements(query: str, variables: dict[str, Any] | None = None) -> list[Statement]:
    compiled = compile_request(GraphQLRequest(query, variables=variables))
    return [found for rendering in RENDERINGS for found in compiled.statements[rendering]]


@each_golden
def test_the_same_document_makes_the_same_text(golden: Golden) -> None:
    first, second = compile_request(golden.request), compile_request(golden.request)
    assert first.plan == second.plan
    for rendering in RENDERINGS:
        one, other = first.statements[rendering], second.statements[rendering]
        assert [(s.text, s.values) for s in one] == [(s.text, s.values) for s in other]


PRINT = """
from tests.golden.compiled import compile_request
from tests.golden.document import read_goldens
for golden in read_goldens():
    for statements in compile_request(golden.request).statements.values():
        for statement in statements:
            print(statement.text, statement.values)
"""


def test_the_same_document_makes_the_same_text_in_every_process() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert b"SELECT" in texts.pop()


IN_QUERIES: list[Callable[[str], str]] = [
    lambda text: f"{{ goals(filter: {{search: {text}}}) {{ id }} }}",
    lambda text: f"{{ goals(filter: {{title: {{eq: {text}, contains: {text}}}}}) {{ id }} }}",
    lambda text: f"{{ goals(filter: {{not: {{title: {{in: [{text}, {text}]}}}}}}) {{ id }} }}",
    lambda text: f"{{ goals(filter: {{tasks: {{some: {{search: {text}}}}}}}) {{ id }} }}",
    lambda text: f"{{ me {{ goalsConnection(after: {text}) {{ totalCount nodes {{ id }} }} }} }}",
    lambda text: (
        f"mutation {{ createGoal(input: {{goalType: SPORTS, title: {text}, tasks:"
        f" [{{information: {text}}}]}}) {{"
        f" goal {{ tasks(filter: {{search: {text}}}) {{ id }} }} }} }}"
    ),
    lambda text: (
        'mutation { updateGoal(input: {goalId: "60a10000-0000-4000-8000-000000000001",'
        f" color: {text}}}) {{ goal {{ id }} }} }}"
    ),
]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(IN_QUERIES), secrets, secrets)
def test_no_value_is_ever_in_the_text(query: Callable[[str], str], secret: str, other: str) -> None:
    first = statements(query(dumps(secret, ensure_ascii=False).replace("\x7f", "\\u007f")))
    second = statements(query(dumps(other, ensure_ascii=False).replace("\x7f", "\\u007f")))
    assert [statement.text for statement in first] == [statement.text for statement in second]
    assert all("cret" not in statement.text for statement in first)
    assert any("cret" in repr(statement.values) for statement in first)


def test_a_value_of_a_variable_is_not_even_in_the_plan() -> None:
    query = "query ($w: String) { goals(filter: {search: $w}) { id } }"
    for statement in statements(query, {"w": "secret"}):
        assert "secret" not in statement.text + repr(statement.values)


def test_a_value_used_twice_is_one_parameter() -> None:
    query = "query ($w: String) { a: goals(filter: {search: $w}) { id } b: goals { id } }"
    for statement in statements(query, {"w": "x"}):
        assert len(statement.values) == len(set(statement.values)) == 2


KEYS = ["a", "_", "select", "x" * 500]


@pytest.mark.parametrize("key", KEYS)
def test_response_keys_are_text_not_names(key: str) -> None:
    for statement in statements(f"{{ {key}: goals {{ {key}: title }} }}"):
        assert f'"{key}":' in statement.text + repr(statement.assembly)
