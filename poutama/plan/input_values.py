"""Values that do not fit their types: where each stands, what was expected there, what was sent.

`plan.operation` looks through variables that could not be coerced, and validates documents by the
rule below, defaults included. All mistakes of a value are found, not the first alone, and a value
is shown as GraphQL and JSON write it.
Source: https://spec.graphql.org/September2025/#sec-Values-of-Correct-Type
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from json import dumps
from typing import Any

from graphql import (
    SKIP,
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    VisitorAction,
    is_required_input_field,
    print_ast,
    type_from_ast,
)
from graphql.pyutils import did_you_mean, suggestion_list
from graphql.utilities.coerce_input_value import coerce_input_literal
from graphql.validation import ValidationRule

from poutama.schema.scalars import EXPECTED_DATE_TIME, EXPECTED_UUID

MAX_ERRORS = 20
"""How many errors of one request are reported."""
LONGEST_SHOWN = 60
"""Characters of a value, or of a name, that a message shows."""
EXPECTED = {
    "UUID": EXPECTED_UUID,
    "DateTime": EXPECTED_DATE_TIME,
    "String": "a string",
    "Boolean": "true or false",
    "Int": "a whole number from -2147483648 to 2147483647",
    "Float": "a number",
    "ID": "a string or a whole number",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A value that does not fit; `node` is where the document has it, None in a variable."""

    place: str
    message: str
    node: Node | None

    def as_error(self, node: Node | None = None) -> GraphQLError:
        """The error, located at its own node or else at this one."""
        return GraphQLError(
            f"{self.place}: {self.message}", self.node or node, extensions={"field": self.place}
        )


def show_value(value: object) -> str:
    """A value as GraphQL and JSON write it, shortened; objects and lists in a word."""
    match value:
        case dict() | ObjectValueNode():
            return "an object"
        case list() | ListValueNode():
            return "a list"
        case Node():
            text = print_ast(value)
        case str() if len(value) > LONGEST_SHOWN:
            return dumps(value[:LONGEST_SHOWN] + "…", ensure_ascii=False)
        case _:
            text = dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def find_mistakes(
    value: object, type_: GraphQLInputType, place: str, *, suggest: bool
) -> Iterator[Mistake]:
    """What does not fit in a value: JSON, or a literal whose variables count as fitting.

    `suggest`: whether messages may name what the schema has.
    """
    if isinstance(value, VariableNode):
        return
    node = value if isinstance(value, Node) else None
    required = isinstance(type_, GraphQLNonNull)
    inner: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    opened = _open(value)
    if opened is None:
        if required:
            yield Mistake(place, "expected a value, got null.", node)
    elif isinstance(inner, GraphQLList):
        if not isinstance(opened, list):
            # One value stands for a list of it.
            yield from find_mistakes(value, inner.of_type, place, suggest=suggest)
            return
        for number, item in enumerate(opened):
            at = f"{place}[{number}]"
            yield from find_mistakes(item, inner.of_type, at, suggest=suggest)
    elif isinstance(inner, GraphQLInputObjectType):
        if isinstance(opened, dict):
            yield from _find_in_object(opened, inner, place, node, suggest=suggest)
        else:
            yield Mistake(place, f"expected an object, got {show_value(value)}.", node)
    elif not _fits(value, inner):
        yield Mistake(place, _describe(value, inner, suggest=suggest), node)


def _open(value: object) -> object:
    """The value with its outermost part as Python has it."""
    match value:
        case NullValueNode():
            return None
        case ListValueNode(values=values):
            return list(values)
        case ObjectValueNode(fields=fields):
            return {field.name.value: field.value for field in fields}
    return value


def _find_in_object(
    fields: dict[str, object],
    type_: GraphQLInputObjectType,
    place: str,
    node: Node | None,
    *,
    suggest: bool,
) -> Iterator[Mistake]:
    for name, field in type_.fields.items():
        at = f"{place}.{name}"
        if name in fields:
            yield from find_mistakes(fields[name], field.type, at, suggest=suggest)
        elif is_required_input_field(field):
            yield Mistake(at, "expected a value, got nothing.", node)
    for name, value in fields.items():
        if name not in type_.fields:
            hint = _suggest(name, type_.fields, suggest=suggest)
            here = value if isinstance(value, Node) else node
            at = f"{place}.{name[:LONGEST_SHOWN]}"
            yield Mistake(at, f"expected a field of {type_}.{hint}", here)
    if type_.is_one_of and (len(fields) != 1 or None in map(_open, fields.values())):
        yield Mistake(place, "expected exactly one field, and not null.", node)


def _fits(value: object, type_: GraphQLScalarType | GraphQLEnumType) -> bool:
    try:
        if isinstance(value, ValueNode):
            return coerce_input_literal(value, type_) is not Undefined
        type_.coerce_input_value(value)  # type: ignore[arg-type]
    except (GraphQLError, ValueError, TypeError, OverflowError):
        return False
    return True


def _describe(value: object, type_: GraphQLScalarType | GraphQLEnumType, *, suggest: bool) -> str:
    expected = EXPECTED.get(type_.name, f"a value of {type_}")
    hint = ""
    if isinstance(type_, GraphQLEnumType):
        name = value.value if isinstance(value, StringValueNode) else value
        text = name if isinstance(name, str) else show_value(name)
        hint = _suggest(text, type_.values, suggest=suggest)
    return f"expected {expected}, got {show_value(value)}.{hint}"


def _suggest(name: str, known: Collection[str], *, suggest: bool) -> str:
    near = suggestion_list(name[:LONGEST_SHOWN], list(known)) if suggest else []
    return did_you_mean(near)


class FittingLiteralsRule(ValidationRule):
    """Literals fit the type of their place; the message says which argument they are in."""

    def enter_argument(
        self, node: ArgumentNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]
    ) -> VisitorAction:
        """Look at an argument of a field or of a directive."""
        argument = self.context.get_argument()
        if argument is not None:
            place = self._name_argument(node.name.value, ancestors)
            self._report(node.value, argument.type, place)
        return SKIP

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> VisitorAction:
        """Look at the default of a variable."""
        type_ = type_from_ast(self.context.schema, node.type)
        if node.default_value is not None and type_ is not None:
            place = f"${node.variable.name.value}"
            self._report(node.default_value, type_, place)  # type: ignore[arg-type]
        return None

    def _report(self, value: ValueNode, type_: GraphQLInputType, place: str) -> None:
        suggest = not self.context.hide_suggestions
        for mistake in find_mistakes(value, type_, place, suggest=suggest):
            self.report_error(mistake.as_error())

    @staticmethod
    def _name_argument(name: str, ancestors: list[Any]) -> str:
        keys: list[str] = []
        for each in ancestors:
            if isinstance(each, FieldNode):
                keys.append((each.alias or each.name).value)
            elif isinstance(each, DirectiveNode):
                return f"@{each.name.value}.{name}"
        return name_argument(".".join(keys), name)


def name_argument(path: str, name: str) -> str:
    """What messages call an argument: `goals.tasks.first`; that of a mutation is its `input`."""
    return name if name == "input" else f"{path}.{name}"
