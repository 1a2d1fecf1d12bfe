"""What a run of comparisons has met: a test that never sees a case proves nothing about it.

`Meter` listens to the plain resolvers while they answer. Each thing met is one word of text, such
as `Goal.dueAt`, `filter title`, `contains: true`, or `order DUE_AT_DESC`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
)

from tests.reference import resolvers

UNREACHABLE = ("Mutation", "PersonConnection", "PersonEdge", "PersonOrder", "PersonListFilter")


class Meter:
    """Counts what the resolvers meet from now on, until the monkeypatch is undone."""

    def __init__(self, schema: GraphQLSchema, monkeypatch: pytest.MonkeyPatch) -> None:
        self.met: Counter[str] = Counter()
        self._schema = schema
        self._listen(monkeypatch, "holds", self._meet_condition)
        self._listen(monkeypatch, "has", self._meet_result)
        self._listen(monkeypatch, "compare", self._meet_result)
        self._listen(monkeypatch, "resolve", self._meet_field)

    def missed(self) -> list[str]:
        """What the query schema has and the run did not meet."""
        return sorted(set(self._expected()) - self.met.keys())

    def _listen(
        self, monkeypatch: pytest.MonkeyPatch, name: str, listener: Callable[..., None]
    ) -> None:
        function = getattr(resolvers, name)

        def listening(*args: Any, **arguments: Any) -> Any:
            result = function(*args, **arguments)
            listener(result, *args, **arguments)
            return result

        monkeypatch.setattr(resolvers, name, listening)

    def _meet_condition(self, result: bool, _row: object, name: str, _wanted: object) -> None:
        self.met[f"{name}: {result}"] += 1

    def _meet_result(self, result: bool, _value: object, name: str, operand: object) -> None:
        self.met[f"{name}{' null' if operand is None else ''}: {result}"] += 1

    def _meet_field(
        self, result: Any, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any
    ) -> None:
        if info.context:
            return
        field = f"{info.parent_type.name}.{info.field_name}"
        self.met[field] += 1
        if isinstance(result, bool | None):
            self.met[f"{field}: {result}"] += 1
        self.met.update(f"{field} {name}" for name in arguments)
        if not arguments or "orderBy" not in info.parent_type.fields[info.field_name].args:
            return
        rows = result["nodes"] if isinstance(result, dict) else result
        some = 0 < len(rows) < len(source[info.field_name.removesuffix("Connection")])
        for name, value in arguments.items():
            if some and value:
                self.met[f"{field} {name} some, not all"] += 1
        entity = get_named_type(info.return_type).name.removesuffix("Connection")
        self.met.update(f"{entity} {order}" for order in arguments.get("orderBy") or ())

    def _expected(self) -> Iterator[str]:
        for type_ in self._schema.type_map.values():
            # Nothing leads to several people.
            if is_introspection_type(type_) or type_.name in UNREACHABLE:
                continue
            match type_:
                case GraphQLObjectType() if not type_.name.endswith("Payload"):
                    yield from self._expected_of_object(type_)
                case GraphQLInputObjectType() if type_.name.endswith("Filter"):
                    for name in type_.fields:
                        yield from (f"{name}: {result}" for result in (True, False))
                case GraphQLEnumType() if type_.name.endswith("Order"):
                    entity = type_.name.removesuffix("Order")
                    yield from (f"{entity} {value}" for value in type_.values)
        yield from ("eq null: True", "eq null: False")

    def _expected_of_object(self, type_: GraphQLObjectType) -> Iterator[str]:
        for name, field in type_.fields.items():
            yield f"{type_.name}.{name}"
            if str(field.type) == "Boolean!":
                yield from (f"{type_.name}.{name}: {value}" for value in (True, False))
            for argument in field.args:
                yield f"{type_.name}.{name} {argument}"
            if "after" in field.args:
                yield f"{type_.name}.{name} after some, not all"
                yield f"{type_.name}.{name} filter some, not all"
