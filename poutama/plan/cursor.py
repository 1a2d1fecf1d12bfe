"""Cursors: where in a list a page ends, as text that a client hands back unread.

A cursor is base64 of a compact JSON array: the order it belongs to, the row's value for each sort
key, and its id. It holds nothing that the viewer has not been shown, and a forged one can only
name another place in rows that the guard already allows. The statement writes cursors
(`sql.fragment`), this module reads them.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from json import JSONDecodeError, loads

from graphql import GraphQLError

from poutama.errors import BadUserInputError
from poutama.schema.model import Column, ColumnKind, OrderTerm
from poutama.schema.scalars import parse_date_time, parse_uuid


def sign_order(order: Sequence[OrderTerm]) -> str:
    """The name of an order inside its cursors: `-dueAt,title`."""
    return ",".join(f"-{t.column.field}" if t.descending else t.column.field for t in order)


def decode_cursor(cursor: str, order: Sequence[OrderTerm], where: str) -> list[object]:
    """The values of the sort keys, then the id.

    Raises:
        BadUserInputError: it is not a cursor of this list under this order.
    """
    try:
        signature, *values, row = loads(b64decode(cursor, validate=True).decode())
        if signature != sign_order(order):
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
        case ColumnKind.TEXT | ColumnKind.ENUM, str() if "\x00" not in value:
            value.encode()
            return value
        case _:
            raise ValueError(column.field)
