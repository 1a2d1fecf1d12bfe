"""What the product does is written once: no two functions of it have the same statements."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAST_NODES = 25
"""Of the syntax tree: what is smaller, such as a property, may well be alike."""
ALIKE = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})
"""What the language asks of every class."""


def statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The statements as text, without the docstring and without names of places."""
    body = function.body[ast.get_docstring(function) is not None :]
    return "\n".join(map(ast.dump, body))


def find_twins(sources: dict[str, str]) -> list[list[str]]:
    """Functions that have the same statements, by where they are."""
    places = defaultdict(list)
    for name, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = statements(node)
                size = sum(1 for part in node.body for _ in ast.walk(part))
                if size >= LEAST_NODES and node.name not in ALIKE and body:
                    places[body].append(f"{name}:{node.lineno} {node.name}")
    return [found for found in places.values() if len(found) > 1]


def test_no_function_is_written_twice() -> None:
    paths = sorted((ROOT / "poutama").rglob("*.py"))
    assert paths
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    assert find_twins(sources) == []


def test_twins_are_found_under_any_name() -> None:
    body = "found = [each.name for each in rows if each.size > 0]; return sorted({*found})"
    one, other = (f"def {name}(rows: Rows) -> Rows: {body}" for name in ("one", "other"))
    assert find_twins({"a.py": one, "b.py": other}) == [["a.py:1 one", "b.py:1 other"]]
    assert find_twins({"a.py": one, "b.py": other.replace("> 0", "> 1")}) == []
