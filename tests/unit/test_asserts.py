"""Every test asserts something on every path: one that returns early, or only calls, cannot fail.

A path is followed through the test's own statements. What a test calls asserts if a function of
that name, anywhere in the tests, asserts; a loop counts as run at least once.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

TESTS = Path(__file__).parents[1]
ASSERTING = frozenset({"raises", "warns", "fail", "assert_never"})
"""What asserts of `pytest`, and what is reached only where a case was forgotten."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def functions() -> dict[str, list[tuple[str, Function]]]:
    """Every function of the tests by its name, and where it is."""
    found = defaultdict(list)
    for folder in (TESTS, *(path for path in TESTS.iterdir() if path.is_dir())):
        if folder.name == "clients":
            continue
        for path in folder.glob("*.py") if folder == TESTS else folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, Function):
                    found[node.name].append((f"{path.relative_to(TESTS)}:{node.lineno}", node))
    return found


def calls(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                yield name


@cache
def asserting() -> frozenset[str]:
    """The names of functions that assert, or call one that does."""
    direct = {
        name
        for name, found in functions().items()
        for _, node in found
        if any(isinstance(each, ast.Assert | ast.Raise) for each in ast.walk(node))
    }
    known = ASSERTING | direct
    while True:
        more = {
            name
            for name, found in functions().items()
            if name not in known and any(known & {*calls(node)} for _, node in found)
        }
        if not more:
            return known
        known |= more


def has_assertion(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Assert) for each in ast.walk(node)) or bool(
        asserting() & {*calls(node)}
    )


def always_asserts(statements: list[ast.stmt]) -> bool:
    """Whether no path through the statements ends without an assertion."""
    for statement in statements:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Return() | ast.Continue() | ast.Break():
                return has_assertion(statement)
        heads, blocks = parts(statement)
        if any(map(has_assertion, heads)) or (blocks and all(map(always_asserts, blocks))):
            return True
        if any(leaves(block) for block in blocks if not always_asserts(block)):
            return False
    return False


def parts(statement: ast.stmt) -> tuple[list[ast.AST], list[list[ast.stmt]]]:
    """What of a statement is always run, and blocks one of which is."""
    match statement:
        case ast.If(test=test, body=body, orelse=other):
            return [test], [body, other]
        case ast.For(iter=head, body=body) | ast.AsyncFor(iter=head, body=body):
            return [head], [body]
        case ast.While(test=test, body=body):
            return [test], [body]
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            return [*items], [body]
        case ast.Try(body=body, finalbody=end):
            return [], [[*body, *end]]
        case ast.Match(subject=subject, cases=cases):
            last = cases[-1].pattern
            others = isinstance(last, ast.MatchAs) and last.pattern is None
            return [subject], [*(case.body for case in cases), *([] if others else [[]])]
    return [statement], []


def leaves(statements: list[ast.stmt]) -> bool:
    """Whether the statements may end the test, or a round of its loop."""
    return any(isinstance(each, ast.Return | ast.Continue | ast.Break) for each in statements)


def test_every_test_asserts_on_every_path() -> None:
    silent = [
        f"tests/{place} {name}: a path without an assertion"
        for name, found in functions().items()
        for place, node in found
        if name.startswith("test_") and not always_asserts(node.body)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("body", "asserts"),
    [
        ("assert x", True),
        ("x()", False),
        ("with pytest.raises(E): x()", True),
        ("if a: assert x", False),
        ("if a: return\nassert x", False),
        ("if a:\n  assert x\nelse:\n  assert y", True),
        ("for a in b: assert a", True),
        ("for a in b:\n  if a: continue\n  assert a", False),
        ("match a:\n  case 1: assert x\n  case _: pass", False),
        ("match a:\n  case 1: assert x", False),
        ("match a:\n  case 1: assert x\n  case _: assert y", True),
        ("with suppress(E): x()", False),
        ("def inner(): assert x\nx()", False),
    ],
)
def test_the_rule_itself(body: str, asserts: bool) -> None:
    assert always_asserts(ast.parse(body).body) is asserts
