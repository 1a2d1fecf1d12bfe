"""Whether a payload reads what its change writes, so that it must be read after it.

A statement sees the tables as they were before it: the rows that it writes reach its payload only
where the plan takes them from the change itself (`Rows.written`). `plan.writes` asks of each
payload which tables it reads, those behind views and conditions included. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from poutama.plan.nodes import (
    All,
    AnyOf,
    Compare,
    Delete,
    EdgeList,
    EdgeNode,
    Exists,
    HasRelationship,
    HasWords,
    Insert,
    IsNull,
    Leaf,
    Many,
    Member,
    NodeList,
    Not,
    One,
    OneAmong,
    OneOf,
    OwnedBy,
    Page,
    Predicate,
    ReturnedValue,
    RowId,
    Rows,
    SingleChange,
    Text,
    View,
)

AUDIT = "audit_entry"
"""Every change writes its entry there."""
RELATIONSHIPS = ("membership", "opened_record")
"""What tells the viewer's relationships."""


def reads_written(payload: tuple[Member, ...], change: SingleChange) -> bool:
    """Whether the payload reads a table that the change writes, other than what it returns."""
    tables = find_tables(payload)
    if isinstance(change, Delete):
        # What belongs to the row goes with it, whatever tables that is in.
        return any(tables)
    return not written_tables(change).isdisjoint(tables)


def written_tables(change: SingleChange) -> frozenset[str]:
    """The tables that a change writes to; of a deletion, without what goes with the row."""
    tables = {change.entity.table, AUDIT}
    if isinstance(change, Insert):
        tables.update(children.entity.table for children in change.children)
    return frozenset(tables)


def find_tables(members: tuple[Member, ...]) -> Iterator[str]:
    """The tables that are read for members of a payload, save what the change returns."""
    for member in members:
        match member:
            case Text() | RowId() | ReturnedValue():
                continue
            case Leaf(_, _, shown):
                yield from _find_in_predicate(shown)
            case One(_, rows, _) | Many(_, rows):
                yield from _find_in_rows(rows)
            case Page(_, rows, views):
                yield from _find_in_rows(rows)
                for view in views:
                    yield from _find_in_view(view)


def _find_in_view(view: View) -> Iterator[str]:
    if isinstance(view, NodeList):
        yield from find_tables(view.fields)
    elif isinstance(view, EdgeList):
        for part in view.members:
            if isinstance(part, EdgeNode):
                yield from find_tables(part.fields)


def _find_in_rows(rows: Rows) -> Iterator[str]:
    if rows.written is None:
        yield from rows.entity.tables
    if rows.link is not None:
        yield from rows.link.entity.tables
        yield from _find_in_predicate(All((rows.link.where, rows.link.reach)))
    yield from _find_in_predicate(All((rows.where, rows.filter)))
    yield from find_tables(rows.fields)


def _find_in_predicate(predicate: Predicate) -> Iterator[str]:
    match predicate:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _find_in_predicate(part)
        case Not(part):
            yield from _find_in_predicate(part)
        case HasRelationship():
            yield from RELATIONSHIPS
        case Exists(_, target, where):
            yield from target.tables
            yield from _find_in_predicate(where)
        case OneAmong(entity, parts):
            yield from entity.tables
            yield from _find_in_predicate(All(parts))
        case Compare() | HasWords() | IsNull() | OwnedBy() | OneOf():
            return
        case _:
            assert_never(predicate)
