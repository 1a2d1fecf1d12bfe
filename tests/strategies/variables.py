"""Variables: literals lifted out of a document, in every way a variable may get its value.

Each variable has a second value besides, so that a document is asked again with others: whatever
is kept from the first request must not show in the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    parse_type,
    print_ast,
)
from graphql.utilities import value_from_ast_untyped
from hypothesis.strategies import DrawFn
from hypothesis_graphql import nodes

from tests.reference.resolvers import Row
from tests.strategies.drawing import chance, choose
from tests.strategies.worlds import Setting

ABSENT = object()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's definition, and the values of two requests; ABSENT where it is left out."""

    definition: VariableDefinitionNode
    first: object
    second: object


class Variables:
    """Lifts literals, and remembers what it lifted."""

    def __init__(self, draw: DrawFn, setting: Setting) -> None:
        self._draw = draw
        self._setting = setting
        self._made: dict[str, Variable] = {}

    def values(self, turn: int) -> Row:
        """The variables of the first or second request."""
        found = {
            name: variable.second if turn else variable.first
            for name, variable in self._made.items()
        }
        return {name: value for name, value in found.items() if value is not ABSENT}

    def definitions(self, names: list[str]) -> tuple[VariableDefinitionNode, ...]:
        return tuple(self._made[name].definition for name in names)

    def condition(self) -> ValueNode:
        """What an `@include` or `@skip` depends on."""
        draw = self._draw
        if chance(draw, 25):
            return nodes.Boolean(draw_boolean(draw))
        known = [n for n, v in self._made.items() if print_ast(v.definition.type) == "Boolean!"]
        if known and chance(draw, 60):
            return _variable(choose(draw, *known))
        default = nodes.Boolean(draw_boolean(draw)) if chance(draw, 25) else None
        first: object = draw_boolean(draw)
        second: object = draw_boolean(draw)
        if default is not None:
            first = choose(draw, ABSENT, first)
        return self._make(parse_type("Boolean!"), default, first, second)

    def lift(self, value: ValueNode, type_: Any, *, argument: str | None = None) -> ValueNode:
        """The value with some of its parts, or all of it, as variables."""
        if chance(self._draw, 15):
            return self._lift_whole(value, type_, argument)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        match value:
            case ListValueNode() if isinstance(inner, GraphQLList):
                return nodes.List([self.lift(item, inner.of_type) for item in value.values])
            case ObjectValueNode() if isinstance(inner, GraphQLInputObjectType):
                return nodes.Object([
                    ObjectFieldNode(
                        name=field.name,
                        value=self.lift(field.value, inner.fields[field.name.value].type),
                    )
                    for field in value.fields
                ])  # fmt: skip
        return value

    def _lift_whole(self, value: ValueNode, type_: Any, argument: str | None) -> ValueNode:
        draw = self._draw
        needed = isinstance(type_, GraphQLNonNull)
        nullable = parse_type(str(type_.of_type if needed else type_))
        input = value_from_ast_untyped(value)
        for name, known in self._made.items():
            if print_ast(known.definition.type) == str(type_) and known.first == input:
                return _variable(name)
        other = self._other(input, str(nullable), argument)
        exact = _required(nullable) if needed else nullable
        if isinstance(value, NullValueNode):
            return self._make(exact, None, choose(draw, None, ABSENT), None)
        match choose(draw, "input", "input", "non-null", "default", "overridden", "absent"):
            case "input":
                return self._make(exact, None, input, other)
            case "non-null":
                return self._make(_required(nullable), None, input, other)
            case "default":
                return self._make(nullable, value, ABSENT, choose(draw, other, input, ABSENT))
            case "overridden":
                # Inside a filter most nulls are refused.
                default = nodes.Null if argument is not None and not needed else value
                return self._make(nullable, default, input, choose(draw, other, ABSENT))
            case _ if needed:
                return self._make(exact, None, input, other)
            case _:
                # Left out, an argument or a field of an input object counts as not given.
                clear = None if argument is not None else input
                return self._make(nullable, None, ABSENT, choose(draw, input, clear))

    def _other(self, input: Any, type_: str, argument: str | None) -> object:
        """Another value that the place takes; the same where there is none."""
        pools = self._setting.pools
        match input:
            case bool():
                return not input
            case int():
                return choose(self._draw, 1, 0, 2)
            case list():
                return input[::-1]
            case str() if argument in ("after", "before"):
                return None
            case str() if "String" in type_:
                return choose(self._draw, *pools.texts)
            case _:
                return input

    def _make(
        self, type_: TypeNode, default: ValueNode | None, first: object, second: object
    ) -> VariableNode:
        name = f"v{len(self._made)}"
        definition = VariableDefinitionNode(
            variable=_variable(name),
            type=type_,
            default_value=default,  # type: ignore[arg-type]
        )
        self._made[name] = Variable(definition, first, second)
        return _variable(name)


def draw_boolean(draw: DrawFn) -> bool:
    return choose(draw, True, False)


def _variable(name: str) -> VariableNode:
    return VariableNode(name=NameNode(value=name))


def _required(type_: TypeNode) -> TypeNode:
    return parse_type(f"{print_ast(type_)}!")
