"""The smallest pieces of SQL: names, literals, parameters, and a column as JSON text.

Values reach the database only through `Parameters`. JSON is built as *text*, because CockroachDB's
JSON type forgets the order of keys; `to_json(x)::text` escapes the same way on both engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps

from poutama.plan.cursor import LONGEST_SORT_KEY, sign_list
from poutama.plan.nodes import Rows
from poutama.plan.values import Moment, Value
from poutama.schema.model import Column, ColumnKind, OrderTerm


class Parameters:
    """The values of a statement, numbered as they are first used."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Value, str], int] = {}

    def place(self, value: Value, type_: str) -> str:
        """The placeholder of a value, cast so that every engine knows its type."""
        if type_ == "timestamptz":
            return f"{self.place(Moment(value), 'text')}::timestamptz"
        number = self._numbers.setdefault((value, type_), len(self._numbers) + 1)
        return f"${number}::{type_}"

    @property
    def values(self) -> tuple[Value, ...]:
        return tuple(value for value, _ in self._numbers)


def quote_name(name: str) -> str:
    """A table or column name; the one place where names are quoted."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text literal that means the same whatever `standard_conforming_strings` says."""
    escaped = text.replace("'", "''")
    if "\\" in text:
        return "E'" + escaped.replace("\\", "\\\\") + "'"
    return f"'{escaped}'"


def name_column(alias: str, name: str) -> str:
    return f"{alias}.{quote_name(name)}"


def type_of(column: Column) -> str:
    """The SQL type of a column's values."""
    return "text" if column.kind is ColumnKind.ENUM or column.is_list else column.kind.value


def render_json_value(alias: str, column: Column) -> str:
    """A column as JSON text."""
    name = name_column(alias, column.name)
    if column.is_list:
        return f"coalesce({name}, 'null')"
    match column.kind:
        case ColumnKind.UUID | ColumnKind.ENUM:
            text = f"'\"' || {_render_plain(name, column)} || '\"'"
        case ColumnKind.INTEGER | ColumnKind.BOOLEAN:
            text = f"{name}::text"
        case ColumnKind.TEXT:
            text = f"to_json({name})::text"
        case ColumnKind.TIMESTAMP:
            # One engine ends a moment in UTC with `+00:00`, the other with `Z`.
            text = f"replace(to_json({name})::text, '+00:00', 'Z')"
    return f"coalesce({text}, 'null')" if column.nullable else text


def render_between_quotes(alias: str, column: Column) -> str | None:
    """What stands between the quotes of a column's JSON; None where that is not all of it."""
    if column.nullable or column.is_list or column.kind not in (ColumnKind.UUID, ColumnKind.ENUM):
        return None
    return _render_plain(name_column(alias, column.name), column)


def _render_plain(name: str, column: Column) -> str:
    """A value of which JSON escapes nothing."""
    return f"{name}::text" if column.kind is ColumnKind.UUID else name


def sort_column(alias: str, column: Column) -> str:
    """What a sort compares: of a searchable text the beginning of its folded copy."""
    if not column.searchable:
        return name_column(alias, column.name)
    return f"left({name_column(alias, column.search_name)}, {LONGEST_SORT_KEY})"


def sort_keys(alias: str, order: Sequence[OrderTerm]) -> list[tuple[str, bool]]:
    """The keys of a sort and whether each descends: rows without a value last, ties by id."""
    keys: list[tuple[str, bool]] = []
    for term in order:
        name = sort_column(alias, term.column)
        if term.column.nullable:
            keys.append((f"{name} IS NULL", False))
        keys.append((name, term.descending))
    return [*keys, (name_column(alias, "id"), False)]


def render_order(alias: str, order: Sequence[OrderTerm], *, is_backward: bool = False) -> str:
    """What stands behind ORDER BY; backward: from the end to the beginning."""
    return ", ".join(
        key if descending == is_backward else f"{key} DESC"
        for key, descending in sort_keys(alias, order)
    )


def render_cursor(alias: str, rows: Rows) -> str:
    """A row's cursor as a JSON string; `plan.cursor` reads it."""
    parts = [quote_text("[" + dumps(sign_list(rows.list, rows.order)))]
    for term in rows.order:
        column = term.column
        if column.searchable:
            value = f"to_json({sort_column(alias, column)})::text"
            value = f"coalesce({value}, 'null')" if column.nullable else value
        else:
            value = render_json_value(alias, column)
        parts += ["','", value]
    parts += ["','", render_json_value(alias, rows.entity.id), "']'"]
    text = " || ".join(parts)
    encoded = f"translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'\\n', '')"
    return f"'\"' || {encoded} || '\"'"
