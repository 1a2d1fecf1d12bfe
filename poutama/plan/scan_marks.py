"""The pass that marks what the filters and pages of a plan go through: rows read to decide.

A filter over a relation reads rows that no answer shows; so does a page of each row's list, or one
in an order of the caller's. `sql.scans` counts these rows, up to a bound, and refuses a filter
beyond. It runs before `plan.guard` confines filters: each step has the rule of what it leads to
beside it, so that no hidden row is counted. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from poutama.plan.guard import visible_rows
from poutama.plan.nodes import (
    ALWAYS,
    All,
    AnyOf,
    Compare,
    Comparison,
    Exists,
    HasWords,
    Not,
    Predicate,
    Read,
    Rows,
    Scan,
)
from poutama.plan.ownership import is_implied, is_reached
from poutama.plan.traversal import rewrite_rows
from poutama.plan.values import Value
from poutama.schema.model import Column, ColumnKind, Entity, RelationShape

LINK = Scan((), is_link=True)
"""The memberships by which rows belong to their parent."""
RULED = 8
"""As how many rows one counts whose rule looks at memberships, each time it is gone through."""


def mark_scans(entities: Mapping[str, Entity], read: Read) -> Read:
    """The plan, with what the filter, or the pages, of each set of rows go through."""

    def mark(rows: Rows, parent: Rows | None) -> Rows:
        if rows.link is not None:
            return replace(rows, scans=(*_weigh(rows, mark_own_rows(rows, parent)), LINK))
        return replace(rows, scans=mark_own_rows(rows, parent))

    def mark_own_rows(rows: Rows, parent: Rows | None) -> tuple[Scan, ...]:
        if rows.filter == ALWAYS:
            return (Scan(()),) if _is_sorted(rows, parent) else ()
        found: dict[tuple[str, ...], Scan] = {}
        within = All(tuple(_find_ids(rows.filter)))
        for steps in _find_steps(entities, rows.entity, rows.filter):
            way = tuple(step.relation.name for step in steps)
            times = found[way].times + 1 if way in found else 1
            found[way] = Scan(steps, within, times)
        if not found:
            found[()] = Scan((), within)
        for steps, text in _find_texts(entities, rows.entity, rows.filter):
            way = tuple(step.relation.name for step in steps)
            scan = found.get(way, Scan(steps, within, times=0))
            found[way] = replace(scan, texts=(*scan.texts, text))
        return tuple(found.values())

    return rewrite_rows(read, mark)


def _weigh(rows: Rows, scans: tuple[Scan, ...]) -> Iterator[Scan]:
    """The scans of rows that are found by memberships, each of which is held against its rule."""
    times = 1 if is_reached(rows.entity, rows.relation) else RULED
    for scan in scans:
        yield scan if scan.steps else replace(scan, times=scan.times * times)


def _is_sorted(rows: Rows, parent: Rows | None) -> bool:
    """Whether all rows are read and sorted for a page, where an index does not give its rows."""
    apart = parent is not None or rows.order != rows.entity.order
    return rows.size is not None and rows.written is None and apart


def _find_steps(
    entities: Mapping[str, Entity], entity: Entity, predicate: Predicate
) -> Iterator[tuple[Exists, ...]]:
    """The ways that end where there may be several rows; each includes the rows before its end."""
    match predicate:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _find_steps(entities, entity, part)
        case Not(part):
            yield from _find_steps(entities, entity, part)
        case Exists(relation, target, where):
            implied = is_implied(entity, relation, target)
            step = replace(predicate, where=ALWAYS if implied else visible_rows(entities, target))
            inner = list(_find_steps(entities, target, where))
            for steps in inner:
                yield (step, *steps)
            if not inner and relation.shape is not RelationShape.ONE:
                yield (step,)


def _find_texts(
    entities: Mapping[str, Entity], entity: Entity, predicate: Predicate
) -> Iterator[tuple[tuple[Exists, ...], tuple[Column, Value]]]:
    """Each text that is looked for within others, with the way to their rows."""
    match predicate:
        case Compare(column, Comparison.CONTAINS, value):
            yield (), (column, value)
        case HasWords(columns, words):
            yield from (((), (column, words)) for column in columns)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _find_texts(entities, entity, part)
        case Not(part):
            yield from _find_texts(entities, entity, part)
        case Exists(relation, target, where):
            implied = is_implied(entity, relation, target)
            step = replace(predicate, where=ALWAYS if implied else visible_rows(entities, target))
            for steps, text in _find_texts(entities, target, where):
                yield (step, *steps), text


def _find_ids(predicate: Predicate) -> Iterator[Predicate]:
    """The conditions that leave a few rows by their ids, which an index finds."""
    match predicate:
        case All(parts):
            for part in parts:
                yield from _find_ids(part)
        case Compare(column, Comparison.EQ | Comparison.MEMBER) if column.kind is ColumnKind.UUID:
            yield predicate
