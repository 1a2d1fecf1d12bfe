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
    print_ast,
)

# RFC 3339, section 5.6. Leap seconds are not taken: neither engine keeps them.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def parse_uuid(value: object) -> UUID:
    """Read a UUID in its hyphenated form.

    Raises:
        GraphQLError: it is not one.
    """
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise GraphQLError(
            f"Expected a UUID such as '0b4f0c1e-8d0c-4c56-9c2e-6a4b3f1f9a11', got {_shown(value)}."
        )
    return UUID(value)


def parse_date_time(value: object) -> datetime:
    """Read an RFC 3339 moment; the result is in UTC, cut to microseconds.

    Raises:
        GraphQLError: it is not one, or lies outside the years 1 to 9999.
    """
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        text = value.upper().replace(" ", "T")
        try:
            if text[11:13] == "24":  # which Python reads as the next day's midnight since 3.14
                raise ValueError
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise GraphQLError(
                f"Expected an existing date and time, got {_shown(value)}."
            ) from error
        # Both engines print these years with four digits; the one at the edge could be pushed over
        # it by a session's time zone.
        if 1 <= moment.year <= 9999:
            return moment
    raise GraphQLError(
        "Expected a date and time with an offset (RFC 3339) such as '2026-02-03T21:30:00Z',"
        f" got {_shown(value)}."
    )


def print_date_time(moment: datetime) -> str:
    """Write a moment as the API answers it: UTC, `Z`, no trailing zeros in the fraction."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _literal(parse: Callable[[object], object]) -> Callable[[ConstValueNode], object]:
    def coerce(node: ConstValueNode) -> object:
        if not isinstance(node, StringValueNode):
            raise GraphQLError(f"Expected a string, got {print_ast(node)[:60]}.", node)
        try:
            return parse(node.value)
        except GraphQLError as error:
            # The validator adds no place to an error that has a message of its own.
            raise GraphQLError(error.message, node) from error

    return coerce


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
