"""One name, one meaning: no two modules of the product define a class or an alias of one name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ADVICE = (
    "{kind} `{name}` is in {places}. Rename the one that fewer modules use by what it is, for"
    " instance `{example}`; import it, where both mean the same."
)

# Name -> where else it stands, and why both mean the same. Keep it short: an entry that is no
# longer needed, or no longer names the right modules, fails.
SAME_CLASS: dict[str, tuple[frozenset[str], str]] = {}

SAME_FUNCTION: dict[str, tuple[frozenset[str], str]] = {
    "check_document": (
        frozenset({"poutama/plan/limits.py", "poutama/schema/check.py"}),
        "a GraphQL document each time: an operation, or a schema file",
    ),
    "running_url": (
        frozenset({"poutama/db/cockroach.py", "poutama/db/embedded.py"}),
        "the same of two engines",
    ),
}

PARTS_OF_A_FEATURE = frozenset(
    {"export", "feature", "inputs", "job", "keys", "procedures", "steps", "sweep", "tasks"}
)
"""Modules that a feature has under the same name as every other feature."""

HOME_MADE = {
    "given": "input, arguments, or what it holds",
    "told": "message, report",
    "telling": "ErrorReport",
    "ask": "call, query, check, or what is done",
    "asked": "requested, or what it holds",
    "asks": "requests",
    "say": "print, report",
    "said": "declared, reported, or what it holds",
    "says": "names, has",
    "most": "max, limit",
    "paper": "canvas",
    "desk": "what it is",
    "workshop": "folder, harness",
}
"""Words that no identifier has as a part, and what to write instead."""

# `tell` is what files call their position, and these are names of other kinds.
NOT_HOME_MADE = {"given_name", "GIVEN_HEADS", "GIVEN_TAILS"}

SAME_MODULE: dict[str, tuple[frozenset[str], str]] = {}


def sources() -> dict[str, ast.Module]:
    """The product's modules; its migrations and commands are called after what they do."""
    paths = sorted((ROOT / "poutama").rglob("*.py"))
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for path in paths
        if "versions" not in path.parts
    }


def classes(tree: ast.Module) -> Iterator[str]:
    """Names of classes and type aliases."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name):
                yield name
            case ast.AnnAssign(ast.Name(name), ast.Name("TypeAlias")):
                yield name
            case ast.Assign([ast.Name(name)], ast.Subscript()) if name != name.upper():
                yield name


def functions(tree: ast.Module) -> Iterator[str]:
    """Names of public functions."""
    for node in tree.body:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) if not name.startswith("_"):
                yield name


def collect(kind: str, trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Name -> the modules that define it."""
    places = defaultdict[str, set[str]](set)
    for path, tree in trees.items():
        command = path.startswith("poutama/commands/")
        found = classes(tree) if kind == "class" else functions(tree) if not command else ()
        for name in found:
            places[name].add(path)
    return places


def collect_modules(paths: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    places = defaultdict[str, set[str]](set)
    for path in paths:
        room, _, stem = path.removesuffix(".py").rpartition("/")
        part = room.startswith("poutama/features/") and stem in PARTS_OF_A_FEATURE
        if stem != "__init__" and not part and room != "poutama/commands":
            places[stem].add(path)
    return places


def find_ambiguous(
    kind: str, places: Mapping[str, set[str]], known: Mapping[str, tuple[frozenset[str], str]]
) -> list[str]:
    """What to write instead of names that mean several things, and of entries not needed."""
    found = []
    for name, where in sorted(places.items()):
        if len(where) > 1 and where != known.get(name, (frozenset[str](), ""))[0]:
            folder = sorted(where)[-1].split("/")[-2]
            example = f"{folder}_{name}" if name.islower() else f"{folder.title()}{name}"
            found.append(
                ADVICE.format(
                    kind=kind, name=name, places=" and ".join(sorted(where)), example=example
                )
            )
    for name, (modules, _) in known.items():
        if len(places.get(name, set())) < 2:
            found.append(f"{kind} `{name}`: no longer in {sorted(modules)}; delete the entry")
    return found


def test_no_class_or_alias_shares_its_name_with_another() -> None:
    assert find_ambiguous("class", collect("class", sources()), SAME_CLASS) == []


def test_no_public_function_shares_its_name_with_another() -> None:
    assert find_ambiguous("function", collect("function", sources()), SAME_FUNCTION) == []


def test_no_module_shares_its_name_with_another() -> None:
    assert find_ambiguous("module", collect_modules(sources()), SAME_MODULE) == []


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("class Rows: ...", "class Rows: ...", True),
        ("class Rows: ...", "Rows: TypeAlias = list[int]", True),
        ("class Rows: ...", "Rows = list[int]", True),
        ("class Rows: ...", "from a import Rows", False),
        ("class Rows: ...", "ROWS = {}", False),
        ("class Rows: ...", "class Row: ...", False),
    ],
)
def test_a_second_class_of_one_name_is_found(one: str, other: str, found: bool) -> None:
    trees = {"poutama/a/x.py": ast.parse(one), "poutama/b/y.py": ast.parse(other)}
    advice = find_ambiguous("class", collect("class", trees), {})
    assert any("poutama/a/x.py and poutama/b/y.py" in each for each in advice) is found


def test_an_entry_that_is_not_needed_is_found() -> None:
    known = {"Rows": (frozenset({"poutama/a.py", "poutama/b.py"}), "")}
    assert find_ambiguous("class", {"Rows": {"poutama/a.py"}}, known) != []
    assert find_ambiguous("class", {"Rows": {"poutama/a.py", "poutama/b.py"}}, known) == []
    third = {"Rows": {"poutama/a.py", "poutama/b.py", "poutama/c.py"}}
    assert find_ambiguous("class", third, known) != []


def identifiers(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name):
                yield node.lineno, name


def find_home_made(tree: ast.AST) -> Iterator[str]:
    for line, name in identifiers(tree):
        words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
        for word in {word.lower() for word in words} & HOME_MADE.keys():
            if name not in NOT_HOME_MADE:
                yield f"{line}: {name}: not `{word}`, but {HOME_MADE[word]}"


def test_no_identifier_has_a_word_of_a_private_language() -> None:
    found = [f"{path}:{each}" for path, tree in sources().items() for each in find_home_made(tree)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    ["def run(given): ...", "asked = 1", "MOST_ROWS = 2", "class PaperFlow: ...", "a.say()"],
)
def test_a_word_of_a_private_language_is_found(source: str) -> None:
    assert list(find_home_made(ast.parse(source)))
