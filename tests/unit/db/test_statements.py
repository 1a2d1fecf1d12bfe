"""Statements are read by name, whole; what is wrong with a file is said when it is loaded."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import poutama
from poutama.db.statements import SqlFileError, load_sql, parse_sql

ROOT = Path(poutama.__file__).parent
SQL_FILES = sorted(ROOT.rglob("*.sql"))

TEXT = """
-- About the file.
-- name: find_goals
-- Why it is so.
SELECT id
FROM goal AS g
    -- A comment in between.
WHERE g.id = $1::uuid AND {counting};

-- name: drop_goals
DELETE FROM goal WHERE title = '{}'
"""


def test_statements_are_found_by_name_without_comments() -> None:
    assert parse_sql(TEXT, {"counting": "g.complete"}) == {
        "find_goals": "SELECT id\nFROM goal AS g\nWHERE g.id = $1::uuid AND g.complete",
        "drop_goals": "DELETE FROM goal WHERE title = '{}'",
    }


@pytest.mark.parametrize(
    ("text", "fragments", "message"),
    [
        ("SELECT 1", {}, "expected `-- name: ...` before the first statement"),
        ("-- name:\nSELECT 1", {}, "expected a name in lower case, got ''"),
        ("-- name: Find\nSELECT 1", {}, "expected a name in lower case, got 'Find'"),
        ("-- name: a\nSELECT 1\n-- name: a\nSELECT 2", {}, "the name a is taken"),
        ("-- name: a\n-- nothing\n-- name: b\nSELECT 1", {}, "a is empty"),
        ("-- name: a\nSELECT {b}", {}, "expected fragments ['b'], got []"),
        ("-- name: a\nSELECT 1", {"b": "1"}, "expected fragments [], got ['b']"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused(
    text: str, fragments: dict[str, str], message: str
) -> None:
    with pytest.raises(SqlFileError, match=f"^{re.escape(message)}$"):
        parse_sql(text, fragments)


def test_an_error_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package" / "bad.sql").write_text("SELECT 1")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SqlFileError, match=r"^some_package/bad\.sql: expected `-- name"):
        load_sql("some_package", "bad.sql")
    with pytest.raises(FileNotFoundError):
        load_sql("some_package", "none.sql")


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.name)
def test_every_statement_is_used_by_the_module_beside_its_file(path: Path) -> None:
    """A statement without a reader is dead; its reader names it as text."""
    names = re.findall(r"^-- name: (\S+)$", path.read_text("utf-8"), re.MULTILINE)
    sources = [each.read_text("utf-8") for each in path.parent.glob("*.py")]
    assert any(f'"{path.name}"' in source for source in sources), f"nothing loads {path}"
    unused = [name for name in names if not any(f'"{name}"' in each for each in sources)]
    assert unused == []


def test_packages_hold_their_sql_files() -> None:
    for path in SQL_FILES:
        package = ".".join(("poutama", *path.parent.relative_to(ROOT).parts))
        assert files(package).joinpath(path.name).is_file()
