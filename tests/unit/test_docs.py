"""Links and dotted names of the docs and docstrings lead somewhere, and no page is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/*/*.md")])
LINK = re.compile(r"\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Of docs/, the folder that CockroachDB generates is another repository's.
PATH = re.compile(r"`((?:poutama|tests|docs(?!/generated)|bench|examples)/[\w./-]*(?:\.\w+|/))`")
DOTTED = re.compile(r"`(poutama(?:\.\w+)+)")
NOT_MODULES = frozenset({"features", "test_records", "journey"})
"""Of `poutama.x`, where it is the name of an entry point group or of a file format."""


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(each) for each in HEADING.findall(FENCE.sub("", page.read_text("utf-8")))}


def find_broken_links(page: Path, text: str) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", text)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        leads = target.exists()
        if leads and anchor and target.suffix == ".md":
            leads = anchor in anchors(target)
        if not leads:
            yield link


def find_broken_names(text: str) -> Iterator[str]:
    for path in PATH.findall(text):
        if not any(ROOT.glob(path)):
            yield path
    for name in DOTTED.findall(text):
        if name.split(".")[1] not in NOT_MODULES and not resolves(name):
            yield name


def resolves(name: str) -> bool:
    """Whether it is a module, or a name in one; read from the source, nothing is run."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        path = ROOT.joinpath(*parts[:end])
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file.exists():
            return has_name(ast.parse(file.read_text("utf-8")), parts[end:])
    return False


def has_name(scope: ast.Module | ast.ClassDef, rest: list[str]) -> bool:
    if not rest:
        return True
    for node in scope.body:
        match node:
            case ast.ClassDef(name) if name == rest[0]:
                return has_name(node, rest[1:])
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) if [name] == rest:
                return True
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
                if [name] == rest:
                    return True
    return False


def docstrings() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "poutama").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_name_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [*find_broken_links(page, text), *find_broken_names(text)] == []


def test_every_name_in_a_docstring_or_message_leads_somewhere() -> None:
    broken = {place: found for place, text in docstrings() if (found := [*find_broken_names(text)])}
    assert broken == {}


def find_bad_spans(text: str) -> list[str]:
    """Code between backticks that the site's builder does not take for code."""
    return [
        span
        for paragraph in re.split(r"\n\s*\n", text)
        for span in paragraph.split("`")[1::2]
        if span != span.strip()
    ]


def test_the_site_can_show_the_docstrings_of_the_api() -> None:
    listed = re.findall(r"automodule:: poutama\.(\S+)", (DOCS / "api.md").read_text("utf-8"))
    paths = tuple(f"poutama/{name.replace('.', '/')}.py:" for name in listed)
    assert len(paths) > 5
    shown = [(place, text) for place, text in docstrings() if place.startswith(paths)]
    bad = {
        place: found for place, text in shown if "\n" in text and (found := find_bad_spans(text))
    }
    assert bad == {}
    assert find_bad_spans("Either `a` or\n`no: ` and why") == ["no: "]


def test_what_leads_nowhere_is_found() -> None:
    page = DOCS / "index.md"
    text = (
        "[a](gone.md) [b](#gone) [c](jobs.md#gone) [d](jobs.md#states) `poutama/gone.py`"
        " `poutama.gone` `poutama.settings.Gone` `poutama.settings.Settings`"
    )
    assert [*find_broken_links(page, text)] == ["gone.md", "#gone", "jobs.md#gone"]
    assert [*find_broken_names(text)] == [
        "poutama/gone.py",
        "poutama.gone",
        "poutama.settings.Gone",
    ]


def test_the_entrance_leads_to_every_page() -> None:
    entrance = DOCS / "index.md"
    links = {link.partition("#")[0] for link in LINK.findall(entrance.read_text("utf-8"))}
    linked = {(DOCS / link).resolve() for link in links}
    assert [page.name for page in DOCS.rglob("*.md") if page not in {*linked, entrance}] == []
