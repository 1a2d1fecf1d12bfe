"""A module can be read in one sitting and a function on one screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("poutama", "infra", "bench", "tests", "examples")

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40

# Path, or path::function -> why it may be longer. Keep it short.
EXCUSED: dict[str, str] = {}


def sources() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def test_modules_are_not_too_long() -> None:
    long = {name: len(text.splitlines()) for name, text in sources() if name not in EXCUSED}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_functions_are_not_too_long() -> None:
    long = {
        f"{name}::{function.name}": length(function)
        for name, text in sources()
        for function in functions(text)
    }
    too_long = {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION}
    assert {name: lines for name, lines in too_long.items() if name not in EXCUSED} == {}


def test_nothing_is_excused_that_needs_no_excuse() -> None:
    texts = dict(sources())
    needless = []
    for excused in EXCUSED:
        name, _, wanted = excused.partition("::")
        text = texts.get(name, "")
        long = len(text.splitlines()) > LONGEST_MODULE and not wanted
        for function in functions(text):
            long = long or (function.name == wanted and length(function) > LONGEST_FUNCTION)
        if not long:
            needless.append(excused)
    assert needless == []
