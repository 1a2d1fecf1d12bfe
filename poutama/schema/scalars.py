"""The scalars `UUID` and `DateTime`: how text becomes a value and a value becomes text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from graphql import (
    ConstValueNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    StringValueNode,
)

# RFC 3339, section 5.6. Leap seconds are not taken: neither engine keeps them.
_HOUR, _MINUTE = r"([01]\d|2[0-3])", r"[0-5]\d"
_DATE_TIME = re.compile(
    rf"\d{{4}}-\d\d-\d\d[Tt ]{_HOUR}:{_MINUTE}:{_MINUTE}(\.\d{{1,9}})?"
    rf"([Zz]|[+-]{_HOUR}:{_MINUTE})",
    re.ASCII,
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
EXPECTED_UUID = 'a UUID such as "0b4f0c1e-8d0c-4c56-9c2e-6a4b3f1f9a11"'
EXPECTED_DATE_TIME = (
    'a date and time that exists, with an offset (RFC 3339), such as "2026-02-03T21:30:00Z"'
)


def parse_uuid(value: object) -> UUID:
    """Read a UUID in its hyphenated form.

    Raises:
        GraphQLError: it is not one.
    """
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise GraphQLError(f"Expected {EXPECTED_UUID}.")
    return UUID(value)


def parse_date_time(value: object) -> datetime:
    """Read an RFC 3339 moment; the result is in UTC, cut to microseconds.

    Raises:
        GraphQLError: it is not one, or lies outside the years 1 to 9999.
    """
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper().replace(" ", "T")).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise GraphQLError(f"Expected {EXPECTED_DATE_TIME}.") from error
        # Both engines print these years with four digits; the one at the edge could be pushed over
        # it by a session's time zone.
        if 1 <= moment.year <= 9999:
            return moment
    raise GraphQLError(f"Expected {EXPECTED_DATE_TIME}.")


def print_date_time(moment: datetime) -> str:
    """Write a moment as the API answers it: UTC, `Z`, no trailing zeros in the fraction."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def _literal(parse: Callable[[object], object]) -> Callable[[ConstValueNode], object]:
    # What is not a string has no value that could be parsed.
    return lambda node: parse(node.value if isinstance(node, StringValueNode) else None)


def attach_scalars(schema: GraphQLSchema) -> None:
    """Give the schema's scalar types their behaviour; the SDL can only name them."""
    for name, parse, write in (
        ("UUID", parse_uuid, str),
        ("DateTime", parse_date_time, print_date_time),
    ):
        scalar = schema.type_map.get(name)
        if isinstance(scalar, GraphQLScalarType):
            scalar.coerce_output_value = write
            scalar.coerce_input_value = parse
            scalar.coerce_input_literal = _literal(parse)
