"""The goals API said as plainly as Python can: graphql-core's executor over rows in memory.

`tests/db/test_differential.py` compares the engine's answers with these. Nothing here is fast or
clever, and nothing is taken from `poutama` but the words that storing and printing are defined by:
`fold` and `print_date_time`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    get_named_type,
)

from poutama.text import fold, normalize
from tests.reference.listings import Listing, Window, name_list, order_terms, read_window

Row: TypeAlias = dict[str, Any]
World: TypeAlias = Mapping[str, list[Row]]
"""Type -> rows by field name, with the ids of what they belong to besides: `personId`, `goalId`."""

SEARCHED = ("title", "information", "name")
BY_ID = {"goal": "goals", "goalTask": "tasks", "goalNote": "notes"}
"""Fields of Query that are one row by its id -> the list that it is in."""
TO_ONE = ("owner", "goal", "author")
DEFAULT_ORDER = {"GoalTask": ["POSITION_ASC"]}
DEFAULT_PAGE = 3
LARGEST_LIST = 7
"""Rows of a list without `first`; one that has more is refused."""


def answer(
    schema: GraphQLSchema, document: DocumentNode, operation: str | None, input: Row, seen: Row
) -> Row | None:
    """What a person is answered, given what `see` lets them see; None for an error without data.

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
        if result.data is None or (checking and result.errors):
            return None
    missing = [describe_missing(error) for error in result.errors or ()]
    return {"errors": missing, "data": result.data} if missing else {"data": result.data}


def describe_missing(error: GraphQLError) -> Row:
    """The entry of a row that is named and not found, in whose place null stands."""
    assert isinstance(error.original_error, LookupError), error
    assert error.path is not None
    extensions = {"code": "NOT_FOUND", "field": error.path[0]}
    return {"message": error.message, "extensions": extensions, "path": error.path}


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


NARROWING = ("filter", "first", "last", "after", "before")


def resolve(source: Row, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Every field of every type: a list with its arguments, or simply what is there."""
    name = info.field_name
    if info.parent_type is info.schema.query_type and name in BY_ID:
        return find_row(source["goals"], info, arguments)
    if "orderBy" not in info.parent_type.fields[name].args:
        return source[name]
    connection = name.endswith("Connection")
    rows = source[name.removesuffix("Connection")]
    entity = get_named_type(info.return_type).name.removesuffix("Connection")
    listing = list_of(name_list(info), entity, arguments.get("orderBy"))
    window = read_window(info, listing, arguments, DEFAULT_PAGE if connection else None)
    if "goalId" in arguments and arguments["goalId"] is None:
        raise ValueError("goalId")
    refuse_nulls(arguments.get("filter"))
    if info.context:
        return listing.page(rows, Window()) if connection else rows
    rows = [row for row in rows if fits(row, arguments.get("filter") or {})]
    if arguments.get("goalId") is not None:
        rows = [row for row in rows if row["id"] == arguments["goalId"]]
        if not rows and all(arguments.get(name) is None for name in NARROWING):
            raise LookupError("goalId")
    if connection:
        return listing.page(rows, window)
    found = listing.cut(rows, window)
    if window.first is None and len(found) > LARGEST_LIST:
        raise ValueError(f"more than {LARGEST_LIST} rows")
    return found


def find_row(goals: list[Row], info: GraphQLResolveInfo[Any], arguments: Row) -> Row:
    """The goal, task or note that the argument names."""
    (named,) = arguments.values()
    within = BY_ID[info.field_name]
    rows = goals if within == "goals" else [row for goal in goals for row in goal[within]]
    for row in rows:
        if row["id"] == named or info.context:
            return row
    raise LookupError(f"{info.return_type} not found, or you may not see it.")


def list_of(name: str, entity: str, orders: list[str] | None) -> Listing:
    """A list of this type, as it is sorted."""
    terms = order_terms(orders or DEFAULT_ORDER.get(entity, ["CREATED_AT_ASC"]))
    return Listing(name, terms, SEARCHED)


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


_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ANY: Row = {
    "id": UUID(int=0), "personId": UUID(int=0), "goalId": UUID(int=0), "authorId": UUID(int=0),
    "email": "", "name": "",
    "goalType": "CAREER", "title": "", "information": "", "complete": False,
    "completedAt": None, "dueAt": None, "color": None, "audience": "CAREGIVERS",
    "organisationIds": None, "position": 1, "version": 1,
    "updatedAt": _MOMENT, "createdAt": _MOMENT,
}  # fmt: skip
SAMPLE: World = {kind: [_ANY] for kind in ("Person", "Goal", "GoalTask", "GoalNote")}
