"""docs/extend.md shows the example's files, the commands that are tested, and how much it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.events import test_extend as used

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "suggestions"
PAGE = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^`([^`\n]+)`:\n```\w+\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = [path for path in EXAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
ROWS = {
    "schema": ["poutama_suggestions/*.graphql"],
    "Python": ["poutama_suggestions/*.py"],
    "migration": ["poutama_suggestions/migrations/*.py"],
    "test record": ["poutama_suggestions/tests/*.py"],
    "`pyproject.toml` and changelog": ["*.toml", "*.md"],
}


def count(patterns: list[str]) -> tuple[int, int]:
    paths = [path for pattern in patterns for path in EXAMPLE.glob(pattern)]
    return len(paths), sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


@pytest.mark.parametrize(("file", "text"), SHOWN, ids=[file for file, _ in SHOWN])
def test_what_is_shown_of_a_file_is_in_it(file: str, text: str) -> None:
    assert text in (EXAMPLE / file).read_text(encoding="utf-8")


def test_the_folder_is_as_it_is_drawn() -> None:
    drawn = PAGE.split("  suggestions/\n")[1].split("```")[0]
    folders = {f"{path.parent.name}/" for path in FILES} - {"suggestions/"}
    assert sorted(drawn.split()) == sorted({path.name for path in FILES} | folders)


def test_the_commands_are_those_that_are_tested() -> None:
    blocks = re.findall(r"^```console\n(.*?)```$", PAGE, re.MULTILINE | re.DOTALL)
    assert "".join(blocks).splitlines() == [
        *(used.INSTALL, used.UP, used.FEATURES, used.MIGRATE, used.SCHEMA),
        *(used.PACKAGE, used.TEST, used.UNINSTALL),
    ]


def test_the_page_counts_what_it_takes() -> None:
    counted = {what: count(patterns) for what, patterns in ROWS.items()}
    table = ["| | files | lines |", "|---|---|---|"]
    table += [f"| {what} | {files} | {lines} |" for what, (files, lines) in counted.items()]
    files, lines = (sum(each) for each in zip(*counted.values(), strict=True))
    assert "\n".join([*table, f"| together | {files} | {lines} |"]) in PAGE
    assert files == len(FILES)
