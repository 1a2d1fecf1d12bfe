"""Twice as much input is about twice as much work, wherever text goes: counted, never timed.

Work is what the interpreter does (lines run, functions called) and the characters that
`unicodedata.normalize` is called with, for which a model of CPython's sort stands in: each mark is
moved past the others of its run, so a run of n marks is n squared. What costs n log n is at most
2.3 times as much for twice as much, from a thousand on; what is quadratic is four times.
"""

from __future__ import annotations

import json
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from types import FrameType
from typing import Any
from uuid import UUID

import pytest

from poutama.edge.content_negotiation import negotiate
from poutama.edge.payload import parse_body, parse_parameters
from poutama.engine.prepare import PreparedRead, SimpleWrite, prepare_operation
from poutama.errors import PoutamaError
from poutama.features import load_model
from poutama.features.exports.file_names import shorten_name
from poutama.features.exports.glyphs import make_printable
from poutama.features.roster.archive import open_archive
from poutama.features.roster.csv_reader import FileReader
from poutama.plan.binding import Binding
from poutama.plan.operation import Documents, GraphQLFailure, GraphQLRequest
from poutama.settings import Settings
from poutama.spreadsheet import format_row
from poutama.sql.statement import bind_values
from poutama.store.object_keys import content_disposition
from poutama.text import fold, normalize, normalize_email, trim_marks
from poutama.viewer import Viewer
from tests.unit.features.rosters import classes, csv_of, user, zip_of

MODEL = load_model()
VIEWER = Viewer(UUID(int=1))
SIZE = 1_500
MAX_RATIO = 2.4
SLACK = 2_000
"""Lines that do not depend on the input, or that only its first piece costs."""


class Work:
    """Lines, calls, and characters normalised."""

    def __init__(self) -> None:
        self.done = 0

    def trace(self, _frame: FrameType, event: str, _argument: object) -> Any:
        self.done += event == "line"
        return self.trace

    def profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.done += event in ("call", "c_call")

    def normalize(self, form: str, text: str) -> str:
        self.done += _sorting(text)
        return text if len(text) > 1 else _normalize(form, text)  # type: ignore[arg-type]


_normalize = unicodedata.normalize


def _sorting(text: str) -> int:
    work = run = 0
    for letter in _decomposed(text):
        run = run + 1 if unicodedata.combining(letter) else 0
        work += 1 + run
    return work


def _decomposed(text: str) -> Iterator[str]:
    for letter in text:
        yield from _normalize("NFKD", letter)


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    work = Work()
    before = sys.gettrace(), sys.getprofile()
    with monkeypatch.context() as patch:
        patch.setattr(unicodedata, "normalize", work.normalize)
        sys.settrace(work.trace)
        sys.setprofile(work.profile)
        try:
            yield work
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])


def count(monkeypatch: pytest.MonkeyPatch, use: Callable[[], object]) -> int:
    with counting(monkeypatch) as work, suppress(PoutamaError, GraphQLFailure):
        use()
    return work.done


PIECES = {
    "letters": "a",
    "macrons": "ā",
    "one mark": "\u0301",
    "marks out of order": "\u0301\u0316",
    "marks that are none until decomposed": "\u0f73\u0f75",
    "marks that decompose to two": "\u0344",
    # Both sizes have more letters than a search may: a refusal reads its text once more.
    "few marks on each letter": "a" + "\u0301\u0316" * 6,
    "half-width marks": "ｶ\uff9e",
    "Hangul": "\u1100\u1161\u11a8",
    "ligatures": "ﷺ",
    "Thai": "\u0e01\u0e48",
    "white space": " ",
    "line ends": "\r\n",
    "quotes": '"',
    "backslashes": "\\",
    "emoji": "👩\u200d🚀",
    "flags": "🇳",
    "at signs": "@.",
    "formulas": "=",
}


def repeat(piece: str, size: int) -> str:
    return piece * (size // len(piece)) or piece


def write(documents: Documents, query: str, variables: dict[str, Any]) -> None:
    operation = documents.find_operation(GraphQLRequest(query))
    values, shape = documents.coerce_variables(operation, variables)
    prepared = prepare_operation(MODEL, Settings(), operation, variables, shape, "json")
    binding = Binding(values, VIEWER, 1000)
    if isinstance(prepared, PreparedRead):
        bind_values(prepared.statement, binding)
        return
    for step in prepared.steps:
        assert isinstance(step, SimpleWrite)
        bind_values(step.statement, binding)


CREATE = "mutation($input: CreateGoalInput!) { createGoal(input: $input) { goal { id } } }"
SEARCH_OTHERS = """query($filter: MembershipFilter) {
  organisations { membershipsConnection(first: 0, filter: $filter) { totalCount } }
}"""
SEARCH = "query($filter: GoalFilter) { goals(filter: $filter) { id } }"
GOAL = {"goalType": "SPORTS", "title": "A"}
LOOSE = Settings(max_characters=10**9, max_tokens=10**9)


def create(goal: dict[str, Any]) -> Callable[[], None]:
    return lambda: write(Documents(MODEL, Settings()), CREATE, {"input": {**GOAL, **goal}})


def search(condition: dict[str, Any]) -> Callable[[], None]:
    return lambda: write(Documents(MODEL, Settings()), SEARCH, {"filter": condition})


def search_others(conditions: int) -> Callable[[], None]:
    one = {"person": {"goals": {"some": {"complete": {"eq": True}}}}}
    listed = {"filter": {"and": [one] * conditions}}
    return lambda: write(Documents(MODEL, Settings()), SEARCH_OTHERS, listed)


def literal(text: str) -> Callable[[], None]:
    quoted = json.dumps(text, ensure_ascii=False)
    query = f"{{ goals(filter: {{search: {quoted}}}) {{ id }} }}"
    return lambda: write(Documents(MODEL, LOOSE), query, {})


def read_roster(file: str, content: bytes) -> None:
    reader = FileReader(open_archive(BytesIO(zip_of({f"{file}.csv": content}))), file)
    if reader.is_readable:
        reader.read_batch(None, 10_000)


def in_a_class(text: str) -> Callable[[], None]:
    content = csv_of("classes", classes(("c1", text)))
    return lambda: read_roster("classes", content)


def in_a_user(text: str) -> Callable[[], None]:
    content = csv_of("users", [{**user("u1", "A B"), "email": text, "username": text}])
    return lambda: read_roster("users", content)


USES: dict[str, Callable[[str], Callable[[], object]]] = {
    "normalising": lambda text: lambda: normalize(text),
    "folding": lambda text: lambda: fold(text),
    "trimming": lambda text: lambda: trim_marks(text),
    "an email": lambda text: lambda: normalize_email(text),
    "an email's name": lambda text: lambda: normalize_email(f"{text}@school.example"),
    "a title": lambda text: create({"title": text}),
    "a goal's text": lambda text: create({"information": text}),
    "a task": lambda text: create({"tasks": [{"information": text}]}),
    "a search": lambda text: search({"search": text}),
    "contains": lambda text: search({"title": {"contains": text}}),
    "startsWith": lambda text: search({"information": {"startsWith": text}}),
    "eq": lambda text: search({"title": {"eq": text}}),
    "in": lambda text: search({"title": {"in": [text, text]}}),
    "a literal": literal,
    "a class of a roster": in_a_class,
    "a user of a roster": in_a_user,
    "a header of a roster": lambda text: lambda: read_roster("users", f"{text},a\n".encode()),
    "a file's name": lambda text: lambda: content_disposition(text, inline=False),
    "a name in an export": lambda text: lambda: shorten_name(text, "file"),
    "a printed text": lambda text: lambda: make_printable(text, str.isascii),
    "a cell of a spreadsheet": lambda text: lambda: format_row([text]),
    "Accept": lambda text: lambda: negotiate(text),
    "a parameter": lambda text: lambda: parse_parameters(f"query={text!a}"),
    "a query": lambda text: lambda: Documents(MODEL, LOOSE).find_operation(GraphQLRequest(text)),
    "a body": lambda text: lambda: parse_body(text.encode()),
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES.keys())
@pytest.mark.parametrize("use", USES.values(), ids=USES.keys())
def test_a_text_of_twice_the_length_is_twice_the_work(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[str], Callable[[], object]], piece: str
) -> None:
    once, twice = (count(monkeypatch, use(repeat(piece, size))) for size in (SIZE, 2 * SIZE))
    assert twice <= MAX_RATIO * once + SLACK


def nested(keys: list[str], inside: object) -> object:
    for key in reversed(keys):
        inside = {key: inside}
    return inside


def body_of(**variables: object) -> bytes:
    return json.dumps({"query": "{__typename}", "variables": variables}).encode()


MANY: dict[str, Callable[[int], Callable[[], object]]] = {
    "tasks": lambda n: create({"tasks": [{"information": f"{i}"} for i in range(n // 8)]}),
    "conditions": lambda n: search({"and": [{"title": {"eq": f"{i}"}} for i in range(n // 8)]}),
    "conditions on others": lambda n: search_others(n // 20),
    "ids": lambda n: search({"title": {"in": [f"{i}" for i in range(n // 4)]}}),
    "unknown variables": lambda n: search({f"x{i}": i for i in range(n)}),
    "wrong items": lambda n: search({"and": list(range(n))}),
    "fields": lambda n: (
        lambda: write(
            Documents(MODEL, LOOSE), "{ goals { id " + " ".join(["title"] * (n // 10)) + " } }", {}
        )
    ),
    "unused fragments": lambda n: (
        lambda: write(
            Documents(MODEL, Settings()),
            "{__typename}" + " ".join(f"fragment F{i} on Goal{{id}}" for i in range(n // 10)),
            {},
        )
    ),
    "a fragment of many fields": lambda n: (
        lambda: write(
            Documents(MODEL, Settings()),
            "{__typename} fragment F on Goal{" + "id " * (n // 4) + "}",
            {},
        )
    ),
    "fragments of fragments": lambda n: (
        lambda: write(
            Documents(MODEL, Settings()),
            "{__typename}"
            + " ".join(f"fragment F{i} on Goal{{...F{i + 1}}}" for i in range(n // 12)),
            {},
        )
    ),
    "variables": lambda n: (
        lambda: write(
            Documents(MODEL, Settings()),
            "query(" + " ".join(f"$a{i}: Int" for i in range(n // 5)) + "){__typename}",
            {},
        )
    ),
    "operations": lambda n: (
        lambda: write(
            Documents(MODEL, Settings()),
            " ".join(f"query Q{i}{{__typename}}" for i in range(n // 8)),
            {},
        )
    ),
    "parameters": lambda n: lambda: parse_parameters("&".join(f"a{i}=1" for i in range(n))),
    "accepted types": lambda n: lambda: negotiate(",".join(f"a/b{i};q=0.1" for i in range(n))),
    "items below a long key": lambda n: (
        lambda: parse_body(body_of(**{"k" * n: [0] * n}, deep=nested(["a"] * 100, 1)))
    ),
}


@pytest.mark.parametrize("use", MANY.values(), ids=MANY.keys())
def test_twice_as_many_are_twice_the_work(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[int], Callable[[], object]]
) -> None:
    once, twice = (count(monkeypatch, use(size)) for size in (SIZE, 2 * SIZE))
    assert twice <= MAX_RATIO * once + SLACK


def hand_over(text: str) -> None:
    unicodedata.normalize("NFC", text)


def test_the_count_sees_what_is_quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = "\u0301\u0316" * SIZE
    once, twice = (
        count(monkeypatch, partial(hand_over, marks[:size])) for size in (SIZE, 2 * SIZE)
    )
    assert twice > 3 * once


def test_a_long_key_is_not_copied_for_each_value_below_it() -> None:
    """Memory is counted where work is one copy in C."""
    body = body_of(**{"k" * 20_000: [0] * 20_000}, deep=nested(["a"] * 60, [[]] * 10))
    tracemalloc.start()
    try:
        parse_body(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(body)
