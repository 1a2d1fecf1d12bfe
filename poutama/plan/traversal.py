"""Walking through a plan that reads, to rewrite its rows or its leaves.

The passes of `plan.passes` are written with these. What is not rewritten stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, TypeVar, assert_never

from poutama.plan.nodes import (
    Cursor,
    EdgeList,
    EdgeNode,
    Leaf,
    Many,
    Member,
    NodeList,
    One,
    Page,
    Read,
    ReturnedValue,
    RowId,
    Rows,
    Text,
    View,
)

RewriteRows: TypeAlias = Callable[[Rows, Rows | None], Rows]
"""Takes rows and their parent, which is rewritten already; leaves their fields alone."""
RewriteLeaf: TypeAlias = Callable[[Leaf], Leaf]

E = TypeVar("E", Text, Cursor, EdgeNode, Text | Cursor | EdgeNode)


def rewrite_rows(read: Read, rewrite: RewriteRows) -> Read:
    """The plan with every set of rows rewritten, parents first."""
    return Read(_Walk(rewrite, lambda leaf: leaf).members(read.roots, None))


def rewrite_leaves(read: Read, rewrite: RewriteLeaf) -> Read:
    """The plan with every leaf rewritten."""
    return Read(_Walk(lambda rows, _: rows, rewrite).members(read.roots, None))


class _Walk:
    def __init__(self, rows: RewriteRows, leaf: RewriteLeaf) -> None:
        self._rewrite_rows = rows
        self._rewrite_leaf = leaf

    def members(self, members: tuple[Member, ...], parent: Rows | None) -> tuple[Member, ...]:
        return tuple(self._member(member, parent) for member in members)

    def _member(self, member: Member, parent: Rows | None) -> Member:
        match member:
            case Text() | RowId() | ReturnedValue():
                return member
            case Leaf():
                return self._rewrite_leaf(member)
            case One() | Many():
                return replace(member, rows=self._rows(member.rows, parent))
            case Page():
                rows = self._rows(member.rows, parent)
                return replace(
                    member, rows=rows, views=tuple(self._view(view, rows) for view in member.views)
                )
            case _:
                assert_never(member)

    def _rows(self, rows: Rows, parent: Rows | None) -> Rows:
        found = self._rewrite_rows(rows, parent)
        return replace(found, fields=self.members(found.fields, found))

    def _view(self, view: View, rows: Rows) -> View:
        match view:
            case NodeList(_, fields):
                return replace(view, fields=self.members(fields, rows))
            case EdgeList(_, members):
                return replace(view, members=tuple(self._edge(member, rows) for member in members))
            case _:
                return view

    def _edge(self, member: E, rows: Rows) -> E:
        if not isinstance(member, EdgeNode):
            return member
        return replace(member, fields=self.members(member.fields, rows))
