"""What a selection asks for, fragments expanded and conditions decided.

GraphQL's CollectFields (https://spec.graphql.org/October2021/#CollectFields()). How much there may
be, `plan.limits` has decided before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
)
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal

from poutama.errors import BadUserInputError
from poutama.plan.input_values import name_argument
from poutama.plan.limits import check_batch
from poutama.plan.operation import Operation
from poutama.plan.values import Constant
from poutama.plan.variables_shape import Tree
from poutama.settings import Settings

ABSENT: Any = object()
"""What an argument is that was not given and has no default."""


class Selections:
    """Expands the selections of one operation and evaluates the arguments in it."""

    def __init__(
        self, operation: Operation, variables: Mapping[str, Tree], settings: Settings
    ) -> None:
        self._fragments = operation.fragments
        self._variables = variables
        self._settings = settings

    def collect(
        self, sets: Iterable[SelectionSetNode | None], type_name: str
    ) -> dict[str, list[FieldNode]]:
        """Response key -> the fields that share it, in the order they first appear."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection_set in sets:
            if selection_set is not None:
                self._collect(selection_set, type_name, found, seen)
        return found

    def arguments(
        self, node: FieldNode, definitions: Mapping[str, GraphQLArgument], path: str
    ) -> dict[str, Tree]:
        """The arguments that were given or have a default; `path`: the field's, for messages."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        return self._values(arguments, definitions, lambda name: name_argument(path, name))

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_name: str,
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for selection in selection_set.selections:
            if not self._included(selection):
                continue
            match selection:
                case FieldNode():
                    key = (selection.alias or selection.name).value
                    found.setdefault(key, []).append(selection)
                case InlineFragmentNode():
                    condition = selection.type_condition
                    if condition is None or condition.name.value == type_name:
                        self._collect(selection.selection_set, type_name, found, seen)
                case FragmentSpreadNode():
                    name = selection.name.value
                    fragment = self._fragments[name]
                    if name not in seen and fragment.type_condition.name.value == type_name:
                        seen.add(name)
                        self._collect(fragment.selection_set, type_name, found, seen)

    def _included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            if directive.name.value == "skip" and self._condition(directive):
                return False
            if directive.name.value == "include" and not self._condition(directive):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        (argument,) = directive.arguments or ()
        value = self.evaluate(argument.value, GraphQLNonNull(GraphQLBoolean), "if")
        assert isinstance(value, Constant)
        return bool(value.value)

    def _values(
        self,
        arguments: Mapping[str, ValueNode],
        definitions: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
        place: Callable[[str], str],
    ) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        for name, definition in definitions.items():
            value: Tree = ABSENT
            if name in arguments:
                value = self.evaluate(arguments[name], definition.type, place(name))
            if value is ABSENT:
                value = _default(definition)
            if value is not ABSENT:
                found[name] = value
        return found

    def evaluate(self, node: ValueNode, type_: Any, where: str) -> Tree:
        """The tree of a value as the document writes it; ABSENT for a variable without one."""
        if isinstance(node, VariableNode):
            return self._variable(node, type_, where)
        if isinstance(type_, GraphQLNonNull):
            return self.evaluate(node, type_.of_type, where)
        if isinstance(node, NullValueNode):
            return None
        if isinstance(type_, GraphQLList):
            nodes = node.values if isinstance(node, ListValueNode) else (node,)
            check_batch(len(nodes), self._settings)
            items = [self.evaluate(item, type_.of_type, where) for item in nodes]
            return [None if item is ABSENT else item for item in items]
        if isinstance(type_, GraphQLInputObjectType):
            assert isinstance(node, ObjectValueNode)
            fields = {field.name.value: field.value for field in node.fields}
            return self._values(fields, type_.fields, lambda name: f"{where}.{name}")
        try:
            return Constant(coerce_input_literal(node, type_))
        except GraphQLError as error:
            raise BadUserInputError(f"{where}: {error.message}", field=where) from error

    def _variable(self, node: VariableNode, type_: Any, where: str) -> Tree:
        value: Tree = self._variables.get(node.name.value, ABSENT)
        if value is None and isinstance(type_, GraphQLNonNull):
            raise BadUserInputError(
                f"{where}: expected a value, got null from ${node.name.value}.", field=where
            )
        return value


def _default(definition: GraphQLArgument | GraphQLInputField) -> Tree:
    value = coerce_default_value(definition)
    return ABSENT if value is Undefined else _constants(value)


def _constants(value: object) -> Tree:
    match value:
        case None:
            return None
        case dict():
            return {name: _constants(part) for name, part in value.items()}
        case list():
            return [_constants(part) for part in value]
        case _:
            return Constant(value)
