"""Lists as plain Python has them: sorted, cut into pages, each row with its cursor.

Both references use it, `resolvers` and `school`. Nothing here is fast or clever, and nothing is
taken from `poutama` but the words that storing and printing are defined by.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from graphql import GraphQLObjectType, GraphQLResolveInfo, get_named_type
from graphql.utilities import coerce_input_value

from poutama.schema.scalars import print_date_time
from poutama.text import fold

Term: TypeAlias = tuple[str, bool]
"""A field to sort by, and whether descending."""
R = TypeVar("R", bound=dict[str, Any])

LARGEST_PAGE = 1000
SORTED_BY = 100
"""Characters of a text that decide where it stands."""
AFTER, BEFORE = object(), object()


def order_terms(values: list[str]) -> list[Term]:
    """`["DUE_AT_DESC", "TITLE_ASC"]` -> `[("dueAt", True), ("title", False)]`, each field once."""
    terms: dict[str, bool] = {}
    for value in values:
        first, *others, direction = value.lower().split("_")
        terms.setdefault(first + "".join(map(str.capitalize, others)), direction == "desc")
    return list(terms.items())


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for: at most so many, between two places."""

    first: int | None = None
    last: int | None = None
    after: list[Any] | None = None
    before: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One way to sort the rows of a list: rows without a value last, ties broken by id."""

    name: str
    """As `Goal.tasks`; its connection has the same."""
    terms: list[Term]
    texts: Collection[str]
    """Fields that are sorted without regard to case and accents."""

    def position(self, row: dict[str, Any]) -> list[Any]:
        """What a row is sorted by."""
        values = [(name, row[name]) for name, _ in self.terms]
        found = [
            fold(value)[:SORTED_BY] if name in self.texts and value is not None else value
            for name, value in values
        ]
        return [*found, row["id"]]

    def cursor(self, row: dict[str, Any]) -> str:
        return self.encode(self.position(row))

    def encode(self, values: list[Any]) -> str:
        """The cursor of a place, whether it has a row or not."""
        keys = ",".join(("-" if descending else "") + field for field, descending in self.terms)
        printed = [f"{self.name} {keys}", *map(_print, values)]
        text = json.dumps(printed, ensure_ascii=False, separators=(",", ":"))
        return b64encode(text.encode()).decode()

    def decode(self, type_: GraphQLObjectType, text: str) -> list[Any]:
        """The place that a cursor names; any error where it is not what `encode` would write."""
        name, *values = json.loads(b64decode(text, validate=True))
        fields = [field for field, _ in self.terms] + ["id"]
        found = [
            coerce_input_value(value, type_.fields[field].type)
            for value, field in zip(values, fields, strict=True)
        ]
        if self.encode(found) != text:
            raise ValueError(name)
        return found

    def arrange(self, rows: Sequence[R], window: Window) -> tuple[list[R], int, int]:
        """The rows in order, and where among them those between the two places begin and end."""
        line: list[tuple[list[Any], Any]] = [(self.position(row), row) for row in rows]
        # Beside the row whose place it is, so that the page has it on neither side.
        if window.before is not None:
            line.insert(0, (window.before, BEFORE))
        if window.after is not None:
            line.append((window.after, AFTER))
        line.sort(key=lambda item: item[0][-1].bytes)
        for index, (_, descending) in reversed(list(enumerate(self.terms))):
            nothing = [item for item in line if item[0][index] is None]
            line = [item for item in line if item[0][index] is not None]
            line.sort(key=lambda item: item[0][index], reverse=descending)
            line += nothing
        begin, end, ordered = 0, len(rows), list[R]()
        for _, item in line:
            if item is AFTER:
                begin = len(ordered)
            elif item is BEFORE:
                end = len(ordered)
            else:
                ordered.append(item)
        return ordered, begin, end

    def cut(self, rows: Sequence[R], window: Window) -> list[R]:
        """What a list answers."""
        ordered, begin, _ = self.arrange(rows, window)
        return ordered[begin:][: window.first]

    def page(self, rows: Sequence[R], window: Window) -> dict[str, Any]:
        """What a connection answers."""
        ordered, begin, end = self.arrange(rows, window)
        between = ordered[begin : max(begin, end)]
        backward = window.last is not None
        nodes = between[: window.first]
        if window.last is not None:
            nodes = between[max(0, len(between) - window.last) :]
        more = len(between) > len(nodes)
        edges = [{"cursor": self.cursor(row), "node": row} for row in nodes]
        return {
            "totalCount": len(rows),
            "nodes": nodes,
            "edges": edges,
            "pageInfo": {
                "hasNextPage": end < len(ordered) or (more and not backward),
                "hasPreviousPage": begin > 0 or (more and backward),
                "startCursor": edges[0]["cursor"] if edges else None,
                "endCursor": edges[-1]["cursor"] if edges else None,
            },
        }


def name_list(info: GraphQLResolveInfo[Any]) -> str:
    """What a list is called in its cursors."""
    return f"{info.parent_type.name}.{info.field_name.removesuffix('Connection')}"


def read_window(
    info: GraphQLResolveInfo[Any], listing: Listing, arguments: dict[str, Any], default: int | None
) -> Window:
    """The part that is asked for; `default`: how large a page is of which that is not said.

    Raises:
        Exception: an argument cannot be used.
    """
    type_ = info.schema.type_map[get_named_type(info.return_type).name.removesuffix("Connection")]
    assert isinstance(type_, GraphQLObjectType)
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise ValueError("first and last")
    for size in (first, last):
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            raise ValueError("a size")
    after, before = (
        None if arguments.get(name) is None else listing.decode(type_, arguments[name])
        for name in ("after", "before")
    )
    if first is None and last is None:
        # Before a place, the page is the one that ends there.
        first, last = (None, default) if before and not after else (default, None)
    return Window(first, last, after, before)


def _print(value: Any) -> Any:
    match value:
        case datetime():
            return print_date_time(value)
        case UUID():
            return str(value)
    return value
