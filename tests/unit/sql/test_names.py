"""The parts of statements are called as `sql.names` lists them; no name is a reserved word."""

from __future__ import annotations

import re

from poutama.features import load_model
from poutama.plan.mutation_steps import MutationSteps, Write
from poutama.plan.nodes import Read
from poutama.schema.entities import TABLE, TAKEN
from poutama.sql import names
from poutama.sql.json import render_idempotent
from poutama.sql.names import Names
from tests.golden.compiled import RENDERINGS, compile_request
from tests.golden.document import read_goldens

TABLES = {entity.table for entity in load_model().entities.values()}
LISTED = set(re.findall(r"`([a-z_<>]+)`", names.__doc__ or ""))
LITERAL = re.compile(r"E?'(?:[^'\\]|\\.|'')*'")
ALIAS = re.compile(r"\bAS ([a-z_]\w*)|\b([a-z_]\w*) AS (?:MATERIALIZED )?\(")
# What neither a table nor a column may be called without quotes: on PostgreSQL 18 (R and T of
# pg_get_keywords), or on CockroachDB (reserved_keyword, type_func_name_keyword in sql.y of 2023).
RESERVED = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable
    desc distinct do else end except false family fetch for foreign freeze from full grant
    group having ilike in index initially inner intersect into is isnull join lateral leading
    left like limit localtime localtimestamp natural none not nothing notnull null offset on
    only or order outer overlaps placing primary references returning right select
    session_user similar some symmetric system_user table tablesample then to trailing
    true union unique user using variadic verbose when where window with
"""


def texts() -> list[str]:
    found = []
    for golden in read_goldens():
        compiled = compile_request(golden.request)
        found += [each.text for name in RENDERINGS for each in compiled.statements[name]]
        steps = compiled.plan.steps if isinstance(compiled.plan, MutationSteps) else ()
        for step in steps:
            if isinstance(step, Write) and step.together:
                found.append(render_idempotent(Read(step.payload), step.change, step.returned).text)
    return [LITERAL.sub("''", text) for text in found]


def aliases() -> set[str]:
    return {one or other for text in texts() for one, other in ALIAS.findall(text)}


def listed(alias: str) -> str:
    """The name as the list has it: with places for the table, the column and the number."""
    if alias.startswith("row_"):
        return "row_<column>"
    if alias.startswith("trace_"):
        return "trace_<n>_<column>"
    stem, _, number = alias.rpartition("_")
    if not number.isdigit():
        return alias
    return "<table>_<n>" if stem in TABLES else f"{stem}_<n>"


def test_every_name_is_in_the_list_and_the_list_names_no_other() -> None:
    used = {listed(alias) for alias in aliases()}
    assert used - LISTED == set()
    assert LISTED - used == {"value"}, "stands in the parentheses of `member(value)`"


def test_no_part_of_a_statement_can_hide_a_table() -> None:
    """`schema` refuses tables that are numbered, or called as the parts that are not."""
    parts = {
        part
        for text in texts()
        for part in re.findall(
            r"(?:^WITH |^)([a-z]\w*) AS (?:MATERIALIZED )?\(", text, re.MULTILINE
        )
    }
    assert {each for each in parts if TABLE.fullmatch(each)} == TAKEN


def test_no_name_is_reserved_on_either_engine() -> None:
    assert {alias for alias in aliases() if alias in RESERVED.split()} == set()


def test_a_name_is_numbered_in_the_order_it_is_taken() -> None:
    taken = Names()
    assert [taken.take(name) for name in ("goal", "person", "goal")] == [
        "goal_1",
        "person_1",
        "goal_2",
    ]
