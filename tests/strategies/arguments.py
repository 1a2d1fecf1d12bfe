"""The arguments of lists, drawn from the world they are asked of.

What hypothesis-graphql makes of `filter` and `after` by itself almost never matches a row. Here a
value is that of some row or close beside it, and a cursor is one that a list returned, or would
have given out for a row that is gone. A few per cent are wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLSchema,
    NameNode,
    ObjectFieldNode,
    ValueNode,
    get_named_type,
    is_list_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from hypothesis_graphql import nodes

from poutama.schema.scalars import print_date_time
from poutama.text import fold, normalize
from tests.reference.resolvers import SAMPLE, Row, list_of, see
from tests.strategies.drawing import chance, choose
from tests.strategies.worlds import TEXTS, Setting

RELATIONS = ("owner", "author", "goal", "goals", "tasks", "notes")
OWNERS = ("owner", "email", "name", "goals")
TEXTUAL = ("title", "information", "name")
NULLABLE = ("dueAt", "color", "completedAt")
NESTED = ("and", "or", "not", "some", "none", "every", *RELATIONS)
TIES = ("COMPLETE", "GOAL_TYPE", "DUE_AT")
NO_CURSORS = (
    "",
    "!",
    "0",
    "bnVsbA==",
    "W10=",
    "W11d",
    "WyIiXQ==",
    "eyJpZCI6MX0=",
    "WyJjcmVhdGVkQXQiLG51bGxd",
)


class Arguments:
    """Draws the arguments of one list after the other."""

    def __init__(self, draw: DrawFn, schema: GraphQLSchema, setting: Setting) -> None:
        self._draw = draw
        self._schema = schema
        self._setting = setting
        self._nulls = choose(draw, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0)
        """Per cent of a filter's parts that are null: one is enough to have all of it refused."""
        # Where the viewer has no row with a value, one is made up.
        (sample,) = SAMPLE["Goal"]
        self._elsewhere: Row = dict(
            sample,
            dueAt=setting.pools.moments[0],
            completedAt=setting.pools.moments[0],
            color=setting.pools.texts[0],
        )
        person = see(setting.world, setting.viewer)
        goals = person["goals"]
        self._rows: Mapping[str, list[Row]] = {
            "Person": [person],
            "Goal": goals,
            "GoalTask": [row for goal in goals for row in goal["tasks"]],
            "GoalNote": [row for goal in goals for row in goal["notes"]],
        }

    def draw_arguments(self, field: GraphQLField, name: str, depth: int) -> dict[str, ValueNode]:
        """Literals for some of the field's arguments; fewer near the root, that rows be left.

        `name`: of the list, as `Goal.tasks`.
        """
        draw = self._draw
        entity = get_named_type(field.type).name.removesuffix("Connection")
        if "filter" not in field.args:
            (named,) = field.args
            other = nodes.String(str(draw(st.uuids())))
            return {named: other if chance(draw, 20) else self._operand(entity, "id", "eq")}
        found: dict[str, ValueNode] = {}
        pages = "last" in field.args
        sides = [
            side
            for side in ("after", "before")
            if side in field.args and chance(draw, 25 if depth or not pages else 16)
        ]
        orders = self._order(entity) if chance(draw, 80 if sides else 50) else None
        if "goalId" in field.args and chance(draw, 15):
            found["goalId"] = self._operand(entity, "id", "eq") if chance(draw, 80) else nodes.Null
        if chance(draw, 35 if depth else 20):
            found |= self._sizes(pages=pages)
        for side in sides:
            found[side] = self._cursor(name, entity, orders)
        if chance(draw, 60 if depth else 50):
            type_ = get_named_type(field.args["filter"].type)
            assert isinstance(type_, GraphQLInputObjectType)
            found["filter"] = nodes.Null if chance(draw, 4) else self._filter(entity, type_, 0)
        if "goalId" in found and found.get("filter", nodes.Null) is nodes.Null:
            # With a filter, a goal that is not there is no error, and the rest is compared.
            found["filter"] = nodes.Object([])
        if orders is not None:
            found["orderBy"] = nodes.List([nodes.Enum(value) for value in orders])
            if not orders and chance(draw, 50):
                found["orderBy"] = nodes.Null
            if len(orders) == 1 and chance(draw, 30):
                # A single value stands for the list of it.
                found["orderBy"] = nodes.Enum(orders[0])
        return dict(draw(st.permutations(list(found.items()))))

    def _sizes(self, *, pages: bool) -> dict[str, ValueNode]:
        draw = self._draw
        size: ValueNode = nodes.Int(choose(draw, 2, 1, 1, 2, 3, 3, 4, 5, 0, 50, 1000))
        if chance(draw, 5):
            size = choose(draw, nodes.Null, nodes.Null, nodes.Int(-1), nodes.Int(1001))
        name = choose(draw, "first", "last") if pages else "first"
        if pages and chance(draw, 3):
            return {"first": size, "last": choose(draw, nodes.Int(1), nodes.Null)}
        return {name: size}

    def _order(self, entity: str) -> list[str]:
        type_ = self._schema.type_map[f"{entity}Order"]
        assert isinstance(type_, GraphQLEnumType)
        ties = [value for value in type_.values if value.startswith(TIES)]
        nulls = [value for value in type_.values if value.startswith("DUE_AT")]
        values = st.sampled_from([*type_.values, *ties, *ties, *nulls * 4])
        return self._draw(st.lists(values, max_size=3))

    def _cursor(self, name: str, entity: str, orders: list[str] | None) -> ValueNode:
        draw = self._draw
        if chance(draw, 5):
            return nodes.Null
        if chance(draw, 1.5):
            return nodes.String(choose(draw, *NO_CURSORS))
        if chance(draw, 1.5):
            # Of the list's own order, but not its values.
            listing = list_of(name, entity, orders)
            return nodes.String(listing.encode(["x"] * (len(listing.terms) + 1)))
        rows = self._rows[entity]
        if not rows:
            return nodes.Null if chance(draw, 90) else nodes.String("W10=")
        row = choose(draw, *rows)
        if chance(draw, 40):
            # A row that is gone, beside one that is there.
            row = dict(choose(draw, *rows), **choose(draw, {}, {"id": row["id"]}))
            row["id"] = choose(draw, row["id"], *(self._draw(st.uuids()) for _ in range(2)))
        if chance(draw, 1.5):
            orders = self._order(entity)
        if chance(draw, 1.5):
            name = choose(draw, "Query.goals", "Person.goals", "Goal.tasks")
        return nodes.String(list_of(name, entity, orders).cursor(row))

    def _filter(self, entity: str, type_: GraphQLInputObjectType, depth: int) -> ValueNode:
        draw = self._draw
        names = [name for name in type_.fields if depth < 3 or name not in NESTED]
        # What leads on to other types would be rare among so many columns.
        names += [name for name in names if name in (*RELATIONS, "not")]
        names += [name for name in names if name in OWNERS or name in TEXTUAL]
        names += [name for name in names if name in NULLABLE] * 2
        size = choose(draw, 1, 1, 1, 1, 2, 2, 0)
        chosen = draw(st.lists(st.sampled_from(names), min_size=size, max_size=size, unique=True))
        return self._object({
            name: self._condition(entity, name, type_.fields[name].type, depth) for name in chosen
        })  # fmt: skip

    def _condition(self, entity: str, name: str, kind: Any, depth: int) -> ValueNode:
        draw = self._draw
        type_ = get_named_type(kind)
        if chance(draw, self._nulls):
            return nodes.Null
        if name == "search":
            field = choose(draw, "information", "title") if entity == "Goal" else "information"
            field = "name" if entity == "Person" else field
            return self._operand(entity, field, "search")
        assert isinstance(type_, GraphQLInputObjectType)
        if is_list_type(kind):
            count = choose(draw, 2, 1, 2, 3, 0)
            return nodes.List([self._filter(entity, type_, depth + 1) for _ in range(count)])
        inner = type_.name.removesuffix("Filter").removesuffix("List")
        if type_.name.endswith("ListFilter"):
            quantifiers = draw(
                st.lists(st.sampled_from(list(type_.fields)), min_size=1, max_size=2, unique=True)
            )
            target = get_named_type(type_.fields["some"].type)
            assert isinstance(target, GraphQLInputObjectType)
            return self._object(
                {word: self._filter(inner, target, depth + 1) for word in quantifiers}
            )
        if inner in self._rows:
            return self._filter(inner, type_, depth + 1)
        return self._comparisons(entity, name, type_)

    def _comparisons(self, entity: str, field: str, type_: GraphQLInputObjectType) -> ValueNode:
        draw = self._draw
        size = min(choose(draw, 1, 1, 1, 2, 0), len(type_.fields))
        often = [name for name in type_.fields if name in ("contains", "startsWith")]
        known = st.sampled_from([*type_.fields, *often, *often])
        names = draw(st.lists(known, min_size=size, max_size=size, unique=True))
        found: dict[str, ValueNode] = {}
        for name in names:
            if name == "isNull":
                found[name] = nodes.Boolean(draw(st.booleans()))
            elif name == "in":
                found[name] = nodes.List([
                    self._operand(entity, field, name) for _ in range(choose(draw, 2, 1, 3, 0))
                ])  # fmt: skip
            elif name == "eq" and chance(draw, 50 if field in NULLABLE else 10):
                found[name] = nodes.Null
            else:
                found[name] = self._operand(entity, field, name)
            if chance(draw, self._nulls):
                found[name] = nodes.Null
        return self._object(found)

    def _operand(self, entity: str, field: str, comparison: str) -> ValueNode:
        draw = self._draw
        rows = [row for row in self._rows[entity] if row[field] is not None]
        value = choose(draw, *(rows or [self._elsewhere]))[field]
        match value:
            case bool():
                return nodes.Boolean(draw(st.booleans()))
            case int():
                near = value + choose(draw, 0, 0, 1, -1)
                return nodes.Int(max(-(2**31), min(near, 2**31 - 1)))
            case datetime():
                return nodes.String(self._moment(value))
            case str() if field in ("goalType", "audience"):
                return nodes.Enum(value)
            case str():
                return nodes.String(self._text(value, comparison))
            case _:
                return nodes.String(choose(draw, str(value), str(value), str(value).upper()))

    def _moment(self, value: datetime) -> str:
        """A moment at or beside this one, in one of the ways RFC 3339 can write it."""
        draw = self._draw
        if 2 <= value.year < 9999:
            value += timedelta(microseconds=choose(draw, 0, 0, 1, -1))
            if chance(draw, 20):
                there = timezone(timedelta(hours=choose(draw, 13, -11), minutes=45))
                return value.astimezone(there).isoformat()
        return print_date_time(value)

    def _text(self, value: str, comparison: str) -> str:
        draw = self._draw
        if comparison in ("contains", "startsWith", "search"):
            inside = comparison != "startsWith" or chance(draw, 60)
            start = draw(st.integers(0, len(value))) if inside else 0
            value = value[start : draw(st.integers(start, len(value)))]
            value = choose(draw, value, value.upper(), value.lower(), fold(value))
        if comparison == "search" and chance(draw, 40):
            value = " ".join(reversed(value.split()))
        elif chance(draw, 20):
            value = normalize(value, "NFD")
        return choose(draw, *TEXTS) if chance(draw, 20) else value

    def _object(self, fields: Mapping[str, ValueNode]) -> ValueNode:
        return nodes.Object([
            ObjectFieldNode(name=NameNode(value=name), value=value)
            for name, value in fields.items()
        ])  # fmt: skip
