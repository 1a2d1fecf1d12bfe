"""Imports between packages go down only; computed from the source, nothing is run."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# They use nothing of ours but the errors.
LEAVES = (
    *("export_section", "lru", "media_types", "settings", "spreadsheet", "text", "viewer"),
    *("hidden_characters", "memory_footprint", "unicode_data", "zip_archive"),
)
# room -> floor; a room is the first word after `poutama.`
FLOORS = {
    # The words: errors below the others, which raise them.
    "errors": -1,
    **dict.fromkeys(LEAVES, 0),
    # The one that normalises, for the other leaves as well.
    "text": -0.5,
    # What it normalises by.
    "unicode_data": -0.7,
    "isolated_process": 0.5,
    "schema": 1,
    "plan": 2,
    "sql": 3,
    "db": 4,
    # Which objects are to be deleted is written down in the database.
    "store": 4.2,
    "scanner": 4.2,
    "quotas": 4.25,
    **dict.fromkeys(("changes", "permits"), 4.3),
    # The job table is in the database, and steps have the store.
    "jobs": 4.4,
    **dict.fromkeys(("schedule", "bulk_changes"), 4.5),
    **dict.fromkeys(("personal_data", "procedure", "public_page"), 4.55),
    "erasure": 4.57,
    "function_signatures": 4.58,
    **dict.fromkeys(("core_tasks", "feature"), 4.6),
    "installed_features": 4.7,
    "features": 5,
    **dict.fromkeys(("engine", "worker"), 6),
    "edge": 7,
    **dict.fromkeys(("configuration", "progress"), 7.5),
    **dict.fromkeys(("chaos", "demo", "packaging", "reference", "server"), 8),
    "laptop": 8.5,
    "commands": 9,
}
# Resources that may use less than everything below them.
CHAOS_MAY = {"errors", "lru", "settings", "text", "viewer", "db"}
# These hold most of the logic, and touch no network, no database and no clock's loop.
PURE = ("errors", *LEAVES, "schema", "plan", "sql")
IMPURE_LIBRARIES = {"asyncio", "asyncpg", "socket", "ssl", "subprocess", "threading", "http"}
# Only here may the environment be read: the entry points.
READS_ENVIRONMENT = re.compile(
    r"poutama\.((commands|laptop|packaging|chaos|server)\..*|configuration|edge\.(application|lambda_.*)"
    # What a process without credentials gets of it.
    r"|isolated_process)$"
)
# Only here may the packages of an extra be imported: never in a function.
USES_EXTRAS = re.compile(
    r"poutama\.((progress|commands|laptop|demo|packaging|reference|chaos|server)(\..*)?"
    r"|db\.(account|cockroach|embedded|folder|postmaster|migrate|migrations(\..*)?))$"
)

HEAVY = re.compile(r"# (heavy|optional|imported here)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target, where it stands, and whether it is inside a function."""

    source: str
    target: str
    line: int
    inner: bool
    unrun: bool = False
    """For the type checker alone."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted((ROOT / "poutama").rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def read_imports(name: str, tree: ast.Module, known: set[str]) -> Iterator[Import]:
    inner: set[ast.AST] = set()
    unrun: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner.update(ast.walk(node))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            unrun.update(ast.walk(node))
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                targets = [alias.name for alias in node.names]
            case ast.ImportFrom():
                assert node.level == 0, f"{name}:{node.lineno}: relative import"
                whole = node.module or ""
                inside = [f"{whole}.{alias.name}" for alias in node.names]
                targets = [target if target in known else whole for target in inside]
            case _:
                continue
        for target in targets:
            yield Import(name, target, node.lineno, node in inner, node in unrun)


IMPORTS = [
    found for name, tree in TREES.items() for found in read_imports(name, tree, set(SOURCES))
]
OURS = [found for found in IMPORTS if found.target.split(".")[0] == "poutama"]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def feature_of(module: str) -> str:
    """The feature that a module belongs to: none of them imports another."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "features" else ""


def goes_up(found: Import) -> bool:
    here, there = room(found.source), room(found.target)
    if not there or not here:
        return False
    if here == there == "features":
        return "" != feature_of(found.source) != feature_of(found.target) != ""
    if here == there:
        return False
    if here == "chaos" and there not in CHAOS_MAY:
        return True
    return FLOORS[there] >= FLOORS[here]


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name in SOURCES} - {""} <= set(FLOORS)


def test_imports_go_down_only() -> None:
    assert [str(found) for found in OURS if goes_up(found)] == []


def test_the_root_package_imports_nothing() -> None:
    assert [str(found) for found in OURS if found.source == "poutama"] == []


def test_no_module_is_in_a_cycle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in SOURCES}
    for found in OURS:
        if found.source != found.target:
            graph[found.source].add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_imports_stand_at_the_top_save_heavy_ones_that_say_so() -> None:
    def says_heavy(found: Import) -> bool:
        """A comment that begins with one of the words, on the line or above its block."""
        lines = SOURCES[found.source].read_text(encoding="utf-8").splitlines()
        line = found.line - 1
        while lines[line].strip().startswith(("import ", "from ", "try:")) or not lines[line]:
            if HEAVY.search(lines[line]) or HEAVY.search(lines[line - 1]):
                return True
            line -= 1
        return False

    hidden = [found for found in IMPORTS if found.inner and not says_heavy(found)]
    assert [str(found) for found in hidden] == []


def test_only_the_command_line_imports_our_own_modules_late() -> None:
    late = [found for found in OURS if found.inner and room(found.source) != "commands"]
    assert [str(found) for found in late] == []


def test_the_logic_is_pure() -> None:
    impure = [
        found
        for found in IMPORTS
        if room(found.source) in PURE and found.target.split(".")[0] in IMPURE_LIBRARIES
    ]
    assert [str(found) for found in impure] == []


def test_what_a_function_runs_needs_no_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^a-z0-9-]", need)[0] for need in project["dependencies"]}
    # Distributions whose module has another name.
    allowed = {"graphql", "jwt"} | names | set(sys.stdlib_module_names) | {"poutama"}
    extra = [
        found
        for found in IMPORTS
        if found.target.split(".")[0] not in allowed and not USES_EXTRAS.match(found.source)
    ]
    assert [str(found) for found in extra if not (found.inner or found.unrun)] == []


def test_only_entry_points_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")

    readers = {name for name, tree in TREES.items() if any(map(reads, ast.walk(tree)))}
    assert [name for name in sorted(readers) if not READS_ENVIRONMENT.match(name)] == []


@pytest.mark.parametrize(
    ("source", "target", "up"),
    [
        ("poutama.plan.build", "poutama.schema.model", False),
        ("poutama.plan.build", "poutama.plan.nodes", False),
        ("poutama.schema.model", "poutama.plan.build", True),
        ("poutama.db.connection", "poutama.store.objects", True),
        ("poutama.features.goals.procedures", "poutama.features.groups.procedures", True),
        ("poutama.engine", "poutama.worker", True),
        ("poutama.chaos.node", "poutama.db.connection", False),
        ("poutama.chaos.node", "poutama.engine", True),
    ],
)
def test_the_rule_itself(source: str, target: str, up: bool) -> None:
    assert goes_up(Import(source, target, 1, inner=False)) is up
