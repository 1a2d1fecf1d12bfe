"""No SQL here, written or compiled, has what CockroachDB v20.2 does not know or means otherwise.

Reads the string constants of the package, its `.sql` files and the statements of the golden
documents. A new function or type is allowed by adding it below, once it has been looked up for both
engines; `docs/cockroachdb.md` says where.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# What only ever talks to PostgreSQL.
ELSEWHERE = {"poutama/db/embedded.py"}

STATEMENT = re.compile(
    r"\b(select\s.*\bfrom|insert\s+into|update\s+\w+.*\sset|delete\s+from|(create|alter|drop)\s+"
    r"(table|index|view)|on\s+conflict|case\s+when|where)\b",
    re.IGNORECASE | re.DOTALL,
)
LITERAL = re.compile(r"E?'(?:[^'\\]|\\.|'')*'")
QUOTED = re.compile(r'"[^"]*"')


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# In v20.2's docs/generated/sql/{functions,aggregates,window_functions}.md, and in PostgreSQL 18.
FUNCTIONS = words(
    """bool_or ceil char_length chr coalesce convert_to count encode extract floor gen_random_uuid
    greatest jsonb_array_elements jsonb_array_elements_text least left lower max md5 min now nullif
    octet_length replace row_number string_agg strpos substr sum to_json translate"""
)
# `int`, `integer` and `serial` are of another size there, `json` of another order.
TYPES = words("bool float8 int4 int8 jsonb text timestamptz uuid")
SYNTAX = words(
    """and any as by cast check conflict exists from in index into key materialized not on or over
    select set then unique using values view when where with"""
)
"""Words that may stand before a parenthesis and are no functions."""

FORBIDDEN = {
    "a name that is a keyword there: FAMILY begins a column family": r"(?<!\.)\b(family|none)\b",
    "a name that is a keyword there: INDEX": r"(?<!create )(?<!unique )(?<!drop )(?<!\.)\bindex\b",
    "arrays: the driver asks v20.2 for their type in vain": r"\[\]|\bany\s*\(|\bunnest\b|\barray\b",
    "locks that v20.2 lacks": r"\bskip\s+locked\b|\bnowait\b|\badvisory\b|\block\s+table\b",
    "v20.2 cannot say where nulls go": r"\bnulls\s+(first|last)\b",
    "a constraint's name after ON CONFLICT": r"\bon\s+conflict\s+on\s+constraint\b",
    "LATERAL with LIMIT becomes a full scan for each row": r"\blateral\b(?!.*\boffset 0\))",
    "an enumerated type": r"\bcreate\s+type\b",
    "a constraint that waits": r"\bdeferrable\b",
    "`or replace` and `if not exists` of views": r"\bor\s+replace\b|\bview\s+if\s+not\b",
    "a partial index": r"\bcreate\s+(unique\s+)?index\b[^(]*\([^()]*\)\s*where\b",
    "a block of PL/pgSQL": r"\bdo\s+\$|\bplpgsql\b",
    "MERGE": r"\bmerge\s+into\b",
    "old and new rows in RETURNING": r"\breturning\s+(old|new)\.",
    # There / is of decimals: 1 / 2 is 0.5.
    "a division of whole numbers": r"(?<!memberships_ended) / ",
    "a set without a name for its column": r"\bjsonb_array_elements(_text)?\([^()]*\)\)*\s+as\s+\w+"
    r"(?!\s*\(|\w)",
}


def texts(source: str) -> Iterator[str]:
    """The string constants of a module; what is put into an f-string is `hole`."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=values):
                inside.update(id(value) for value in values)
                yield "".join(
                    str(value.value) if isinstance(value, ast.Constant) else " hole "
                    for value in values
                )
            case ast.Constant(value=str(text)) if id(node) not in inside:
                yield text


def docstrings(source: str) -> set[str]:
    """What stands alone as a statement."""
    return {
        str(node.value.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "poutama").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name not in ELSEWHERE and "node_modules" not in path.parts:
            yield name, path.read_text(encoding="utf-8")


def statements() -> Iterator[tuple[str, str]]:
    """Everything that looks like SQL, without its literals, and where it stands."""
    for name, source in sources():
        spoken = docstrings(source)
        for text in texts(source):
            if text not in spoken and STATEMENT.search(text):
                yield name, strip(text)
    for path in sorted((ROOT / "poutama").rglob("*.sql")):
        for text in uncommented(path).split(";"):
            yield str(path.relative_to(ROOT)), strip(text)
    for path in sorted((ROOT / "tests" / "golden" / "documents").glob("*.md")):
        for text in re.findall(r"```sql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            yield path.name, strip(re.sub(r"^--.*$", "", text, flags=re.MULTILINE))


def uncommented(path: Path) -> str:
    return re.sub(r"--.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def strip(text: str) -> str:
    return QUOTED.sub("q", LITERAL.sub("''", text)).lower()


FOUND = list(statements())


def test_there_is_something_to_look_at() -> None:
    places = {name for name, _ in FOUND}
    assert {"poutama/jobs/lease.sql", "poutama/db/budget_ledger.py", "dashboard.md"} <= places
    assert any("migrations/versions" in name for name in places)


@pytest.mark.parametrize("why", FORBIDDEN)
def test_a_form_that_one_engine_lacks_is_not_used(why: str) -> None:
    pattern = re.compile(FORBIDDEN[why])
    assert [(name, found[0]) for name, text in FOUND for found in pattern.finditer(text)] == []


def test_every_function_is_known_to_both_engines() -> None:
    # A name after these is that of a table, an index or an alias, with its columns.
    named = re.compile(
        r"\b(into|table|exists|references|on|as|constraint)\s+(\w+\s+as\s+)?\w+\s*\("
    )
    strangers = {
        (name, word)
        for name, text in FOUND
        for word in re.findall(r"(?<!\.)\b([a-z_]\w*)\(", named.sub("(", text))
        if word not in FUNCTIONS | SYNTAX
    }
    assert strangers == set()


def test_every_cast_is_to_a_type_that_both_engines_mean_alike() -> None:
    casts = re.compile(r"::\s*(\w+)")
    used = {(name, type_) for name, text in FOUND for type_ in casts.findall(text)}
    assert {(name, type_) for name, type_ in used if type_ not in TYPES | {"hole"}} == set()


def test_no_call_leaves_a_portal_open() -> None:
    # Limited to some rows, the driver leaves the portal open, and the next statement fails (40195).
    limited = re.compile(r"\.(fetchrow|fetchval|executemany)\(|(connection|transaction)\.cursor\(")
    assert [name for name, source in sources() if limited.search(source)] == []
