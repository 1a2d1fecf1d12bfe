"""The goals API said as plainly as Python can: graphql-core's executor over rows in memory.

`tests/db/test_differential.py` compares the engine's answers with these. Nothing here is fast or
clever, and nothing is taken from `poutama` but the words that storing and printing are defined by:
`fold` and `print_date_time`.
"""

from __future__ import annotations

import json
import operator
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    DocumentNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    get_named_type,
)
from graphql.utilities import coerce_input_value

from poutama.schema.scalars import print_date_time
from poutama.text import fold, normalize

Row: TypeAlias = dict[str, Any]
World: TypeAlias = Mapping[str, list[Row]]
"""Type -> rows by field name, with the ids of what they belong to besides: `personId`, `goalId`."""
Term: TypeAlias = tuple[str, bool]
"""A field to sort by, and whether descending."""

SEARCHED = ("title", "information")
TO_ONE = ("owner", "goal", "author")
DEFAULT_ORDER = {"GoalTask": ["POSITION_ASC"]}
DEFAULT_PAGE, LARGEST_PAGE = 3, 1000
LARGEST_LIST = 7
"""Rows of a list without `first`; one that has more is refused."""


def answer(
    schema: GraphQLSchema, document: DocumentNode, operation: str | None, input: Row, seen: Row
) -> Row | None:
    """The data a person is answered, given what `see` lets them see; None for an error.

    An argument that is wrong is so even where there is no row to meet it, so the operation is
    first run over one row of everything.
    """
    for person, checking in ((see(SAMPLE, UUID(int=0)), True), (seen, False)):
        result = execute_sync(
            schema,
            document,
            root_value={"me": person, "goals": person["goals"]},
            context_value=checking,
            variable_values=input,
            operation_name=operation,
            field_resolver=resolve,
        )
        if result.errors:
            return None
    return result.data


def see(world: World, viewer: UUID) -> Row:
    """The viewer's person, with their goals, with their tasks and notes, and the ways back."""
    person = next(dict(row) for row in world["Person"] if row["id"] == viewer)
    mine = {viewer: person}
    person["goals"] = [
        dict(row, owner=person) for row in world["Goal"] if row["personId"] == viewer
    ]
    for goal in person["goals"]:
        tasks = [row for row in world["GoalTask"] if row["goalId"] == goal["id"]]
        notes = [
            row
            for row in world["GoalNote"]
            if row["goalId"] == goal["id"] and row["audience"] != "STAFF"
        ]
        goal["tasks"] = [dict(row, goal=goal) for row in tasks]
        goal["notes"] = [dict(row, goal=goal, author=mine.get(row["authorId"])) for row in notes]
    return person


NARROWING = ("filter", "first", "after")


def resolve(source: Row, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Every field of every type: a list with its arguments, or simply what is there."""
    name = info.field_name
    if "orderBy" not in info.parent_type.fields[name].args:
        return source[name]
    connection = name.endswith("Connection")
    rows = source[name.removesuffix("Connection")]
    entity = get_named_type(info.return_type).name.removesuffix("Connection")
    terms = order_terms(entity, arguments.get("orderBy"))
    size = arguments.get("first")
    after = arguments.get("after")
    start = None if after is None else read_cursor(info.schema, entity, terms, after)
    if size is not None and not 0 <= size <= LARGEST_PAGE:
        raise ValueError("first")
    if "goalId" in arguments and arguments["goalId"] is None:
        raise ValueError("goalId")
    refuse_nulls(arguments.get("filter"))
    if not info.context:
        rows = [row for row in rows if fits(row, arguments.get("filter") or {})]
        if arguments.get("goalId") is not None:
            rows = [row for row in rows if row["id"] == arguments["goalId"]]
            if not rows and all(arguments.get(name) is None for name in NARROWING):
                raise LookupError("goalId")
    if connection:
        size = DEFAULT_PAGE if size is None else size
        return page(rows, terms, size, start, checking=info.context)
    if info.context:
        return rows
    found = follow(rows, terms, start)
    if size is None and len(found) > LARGEST_LIST:
        raise ValueError(f"more than {LARGEST_LIST} rows")
    return found[:size]


def page(
    rows: list[Row], terms: list[Term], size: int, start: list[Any] | None, *, checking: bool
) -> Row:
    following = rows if checking else follow(rows, terms, start)
    nodes = following if checking else following[:size]
    edges = [{"cursor": write_cursor(row, terms), "node": row} for row in nodes]
    return {
        "totalCount": len(rows),
        "nodes": nodes,
        "edges": edges,
        "pageInfo": {
            "hasNextPage": len(following) > len(nodes),
            "hasPreviousPage": start is not None,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


# Filters: two-valued, a comparison with nothing is false.


def refuse_nulls(condition: Any) -> None:
    """`eq: null` asks for rows without a value; any other null inside a filter is a mistake."""
    for key, value in condition.items() if isinstance(condition, dict) else ():
        if value is None and key != "eq":
            raise ValueError(f"{key}: null")
        for part in value if isinstance(value, list) else [value]:
            refuse_nulls(part)


def fits(row: Row, condition: Row) -> bool:
    return all(holds(row, name, wanted) for name, wanted in condition.items())


def holds(row: Row, name: str, wanted: Any) -> bool:
    """One entry of a filter."""
    match name:
        case "and":
            return all(fits(row, part) for part in wanted)
        case "or":
            return any(fits(row, part) for part in wanted)
        case "not":
            return not fits(row, wanted)
        case "search":
            return has_words([row[field] for field in SEARCHED if field in row], wanted)
    match row[name]:
        case None if name in TO_ONE:
            return False
        case list() as rows:
            return all(has(rows, quantifier, part) for quantifier, part in wanted.items())
        case dict() as related:
            return fits(related, wanted)
        case value:
            return all(compare(value, key, operand) for key, operand in wanted.items())


def has(rows: list[Row], quantifier: str, condition: Row) -> bool:
    found = [fits(row, condition) for row in rows]
    return {"some": any(found), "none": not any(found), "every": all(found)}[quantifier]


def normalize_text(value: Any) -> Any:
    """A value in the form in which columns hold it."""
    return normalize(value) if isinstance(value, str) else value


def is_lost(needle: str) -> bool:
    """Whether folding leaves nothing of what is looked for."""
    return bool(needle.strip()) and not fold(needle).strip()


def has_words(texts: list[str], needle: str) -> bool:
    """Whether each word is in one of the texts."""
    folded = [fold(text) for text in texts]
    return not is_lost(needle) and all(
        any(word in text for text in folded) for word in fold(needle).split()
    )


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "in": lambda value, operand: value in [normalize_text(item) for item in operand],
    "contains": lambda value, operand: not is_lost(operand) and fold(operand) in fold(value),
    "startsWith": lambda value, operand: (
        not is_lost(operand) and fold(value).startswith(fold(operand))
    ),
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def compare(value: Any, name: str, operand: Any) -> bool:
    match name:
        case "eq":
            return bool(value == normalize_text(operand))
        case "isNull":
            return (value is None) == bool(operand)
    return value is not None and COMPARISONS[name](value, operand)


# Order: rows without a value last, ties broken by id.


def order_terms(entity: str, values: list[str] | None) -> list[Term]:
    """`["DUE_AT_DESC", "TITLE_ASC"]` -> `[("dueAt", True), ("title", False)]`, each field once."""
    terms: dict[str, bool] = {}
    for value in values or DEFAULT_ORDER.get(entity, ["CREATED_AT_ASC"]):
        first, *others, direction = value.lower().split("_")
        terms.setdefault(first + "".join(map(str.capitalize, others)), direction == "desc")
    return list(terms.items())


def position(row: Row, terms: list[Term]) -> list[Any]:
    """What a row is sorted by."""
    values = [fold(row[field]) if field in SEARCHED else row[field] for field, _ in terms]
    return [*values, row["id"]]


def follow(rows: list[Row], terms: list[Term], start: list[Any] | None) -> list[Row]:
    """The rows in order; those strictly after `start` if it is given."""
    line: list[tuple[list[Any], Row | None]] = [(position(row, terms), row) for row in rows]
    if start is not None:
        line.append((start, None))
    line.sort(key=lambda item: item[0][-1].bytes)
    for index, (_, descending) in reversed(list(enumerate(terms))):
        nothing = [item for item in line if item[0][index] is None]
        line = [item for item in line if item[0][index] is not None]
        line.sort(key=lambda item: item[0][index], reverse=descending)
        line += nothing
    ordered = [row for _, row in line]
    return [
        row
        for row in ordered[ordered.index(None) + 1 if start is not None else 0 :]
        if row is not None
    ]


# Cursors: where a row stands in an order.


def signature(terms: list[Term]) -> str:
    return ",".join(("-" if descending else "") + field for field, descending in terms)


def write_cursor(row: Row, terms: list[Term]) -> str:
    return encode([signature(terms), *position(row, terms)])


def encode(values: list[Any]) -> str:
    printed = [
        print_date_time(value)
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, UUID)
        else value
        for value in values
    ]
    return b64encode(
        json.dumps(printed, ensure_ascii=False, separators=(",", ":")).encode()
    ).decode()


def read_cursor(schema: GraphQLSchema, entity: str, terms: list[Term], text: str) -> list[Any]:
    """The position a cursor names; any error where it is not what `write_cursor` would write."""
    type_ = schema.type_map[entity]
    assert isinstance(type_, GraphQLObjectType)
    order, *values = json.loads(b64decode(text, validate=True))
    fields = [field for field, _ in terms] + ["id"]
    start = [
        coerce_input_value(value, type_.fields[field].type)
        for value, field in zip(values, fields, strict=True)
    ]
    if encode([signature(terms), *start]) != text:
        raise ValueError(order)
    return start


_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ANY: Row = {
    "id": UUID(int=0), "personId": UUID(int=0), "goalId": UUID(int=0), "authorId": UUID(int=0),
    "email": "", "name": "",
    "goalType": "CAREER", "title": "", "information": "", "complete": False, "dueAt": None,
    "color": None, "audience": "CAREGIVERS", "organisationIds": None, "position": 1, "version": 1,
    "updatedAt": _MOMENT, "createdAt": _MOMENT,
}  # fmt: skip
SAMPLE: World = {kind: [_ANY] for kind in ("Person", "Goal", "GoalTask", "GoalNote")}
