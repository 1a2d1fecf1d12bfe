"""Cursors: where in a list a page begins or ends, as text that a client hands back unread.

A cursor is base64 of a compact JSON array: the list and the order it belongs to, the row's value
for each sort key, and its id. It holds nothing that the viewer has not been shown, and a forged one
can only name another place in rows that the guard already allows. A text is sorted by its
beginning, so that a cursor is short. The statement writes cursors (`sql.fragment`), this module
reads them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from json import JSONDecodeError, loads

from graphql import GraphQLError

from poutama.errors import BadUserInputError
from poutama.schema.model import Column, ColumnKind, OrderTerm
from poutama.schema.scalars import parse_date_time, parse_uuid

LONGEST_SORT_KEY = 100
"""Characters of a text that decide where it is sorted."""


def sign_list(list_: str, order: Sequence[OrderTerm]) -> str:
    """The name of a list and its order inside its cursors: `Person.goals -dueAt,title`."""
    keys = (f"-{t.column.field}" if t.descending else t.column.field for t in order)
    return f"{list_} {','.join(keys)}"


def decode_cursor(cursor: str, list_: str, order: Sequence[OrderTerm], where: str) -> list[object]:
    """The values of the sort keys, then the id.

    Raises:
        BadUserInputError: it is not a cursor of this list under this order.
    """
    try:
        signature, *values, row = loads(b64decode(cursor, validate=True).decode())
        if signature != sign_list(list_, order):
            raise ValueError(signature)
        if len(values) != len(order):
            raise ValueError(len(values))
        read = [_read(value, term.column) for value, term in zip(values, order, strict=True)]
        return [*read, parse_uuid(row)]
    except (ValueError, TypeError, JSONDecodeError, RecursionError, GraphQLError) as error:
        raise BadUserInputError(
            f"{where}: expected a cursor from this list under the same orderBy.",
            field=where,
        ) from error


def _read(value: object, column: Column) -> object:
    if value is None:
        if column.nullable:
            return None
        raise ValueError(column.field)
    match column.kind, value:
        case ColumnKind.TIMESTAMP, str():
            return parse_date_time(value)
        case ColumnKind.UUID, str():
            return parse_uuid(value)
        case ColumnKind.BOOLEAN, bool():
            return value
        case ColumnKind.INTEGER, int() if not isinstance(value, bool) and abs(value) < 2**63:
            return value
        case ColumnKind.TEXT | ColumnKind.ENUM, str() if (
            "\x00" not in value and len(value) <= LONGEST_SORT_KEY
        ):
            value.encode()
            return value
        case _:
            raise ValueError(column.field)
