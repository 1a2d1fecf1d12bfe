"""Every block of every page is what its language says, and every operation fits the schema.

What a page promises of a block is tested where that page is (`test_howto_pages`, `test_tutorial`,
`test_docs` and so on); here a block that none of them reads cannot rot unseen.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
from graphql import DocumentNode, OperationDefinitionNode, parse, validate

from poutama.features import load_model

ROOT = Path(__file__).parents[2]
EXCERPTS = ROOT / "docs" / "extend.md"
"""Shows parts of files, which `test_extend_page` finds in them."""
PAGES = {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {EXCERPTS}
FENCE = re.compile(r"^ *```([\w{}-]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PROSE = frozenset({"", "text", "html", "javascript", "sql", "{eval-rst}"})
"""Drawings and output; and what a browser, a database or Sphinx reads in another test."""
BLOCKS = [
    pytest.param(language, dedent(text), id=f"{page.relative_to(ROOT)}-{number}-{language}")
    for page in sorted(PAGES)
    for number, (language, text) in enumerate(FENCE.findall(page.read_text("utf-8")))
    if language not in PROSE
]


def check_graphql(text: str) -> None:
    """Each operation stands alone; dots stand for an id. Definitions are tested with their page."""
    document = parse(re.sub(r'"(…|\.\.\.)"', f'"{UUID(int=0)}"', text))
    schema = load_model().schema
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            assert validate(schema, DocumentNode(definitions=(each,))) == []


def check_shell(text: str) -> None:
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, timeout=10)


def check_console(text: str) -> None:
    """Lines that are typed begin with `$`, or all of them are typed."""
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    check_shell("\n".join(typed or [text]))


def check_ini(text: str) -> None:
    parser = ConfigParser()
    parser.read_string(text)
    assert parser.sections()


def check_python(text: str) -> None:
    compile(dedent(text), "<docs>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


CHECKS: dict[str, Callable[[str], object]] = {
    "graphql": check_graphql,
    "json": json.loads,
    "toml": tomllib.loads,
    "sh": check_shell,
    "bash": check_shell,
    "console": check_console,
    "ini": check_ini,
    "python": check_python,
}


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_a_block_is_what_its_language_says(language: str, text: str) -> None:
    assert language in CHECKS, f"expected one of {sorted(CHECKS)}; or no language"
    CHECKS[language](text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("graphql", "{ gaols { id } }"),
        ("json", "{'a': 1}"),
        ("toml", "a = "),
        ("bash", "if true"),
        ("console", "$ echo 'x\n"),
        ("ini", "a"),
        ("python", "def f(:"),
    ],
)
def test_what_is_not_is_found(language: str, text: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  each has its own
        CHECKS[language](text)
