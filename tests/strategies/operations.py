"""Operations over the whole query schema, written in every way GraphQL lets one write them.

hypothesis-graphql chooses the fields. This adds what it does not make: arguments that fit the world
(`arguments`), variables with and without defaults (`variables`), aliases, the same field twice,
conditions, fragments within fragments, fields that are asked for in parts, several operations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    parse,
    print_ast,
    visit,
)
from graphql.language import Visitor
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from hypothesis_graphql import nodes

from tests.reference.resolvers import Row
from tests.strategies.arguments import Arguments
from tests.strategies.drawing import chance, choose
from tests.strategies.skeletons import selected_fields, skeletons, tame_arguments
from tests.strategies.variables import Variables
from tests.strategies.worlds import Setting

Selected: TypeAlias = tuple[SelectionNode, frozenset[str]]
"""A selection, and the response keys it answers with."""

ENOUGH = 60
"""Selections in a document after which no more are added."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: a document, the operation's name, and variables."""

    text: str
    operation: str | None
    variables: Row


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment that may be spread again."""

    node: FragmentDefinitionNode
    keys: frozenset[str]
    size: int


@st.composite
def documents(draw: DrawFn, schema: GraphQLSchema, setting: Setting) -> list[Request]:
    """A document over a schema's goals, and the requests to make with it."""
    return _DocumentBuilder(draw, schema, setting).build()


class _DocumentBuilder:
    def __init__(self, draw: DrawFn, schema: GraphQLSchema, setting: Setting) -> None:
        self._draw = draw
        self._schema = schema
        self._arguments = Arguments(draw, schema, setting)
        self._variables = Variables(draw, setting)
        self._fragments: dict[str, Fragment] = {}
        self._size = 0

    def build(self) -> list[Request]:
        draw = self._draw
        names = ["A", "B"] if chance(draw, 15) else [choose(draw, "A", "")]
        operations = [self._operation(name) for name in names]
        fragments = [fragment.node for fragment in self._fragments.values()]
        definitions = draw(st.permutations([*operations, *fragments]))
        text = print_ast(DocumentNode(definitions=tuple(definitions)))
        if chance(draw, 20):
            text = re.sub(r"[^\x00-\x7f]", _escape, text)
        turns = [0, 1] if self._variables.values(0) or self._variables.values(1) else [0]
        chosen = [name or None for name in names]
        if chosen == ["A"] and chance(draw, 50):
            chosen = [None]
        return [
            Request(text, name, self._variables.values(turn)) for turn in turns for name in chosen
        ]

    def _operation(self, name: str) -> OperationDefinitionNode:
        skeleton = self._draw(skeletons(self._schema, bare=not chance(self._draw, 12)))
        (operation,) = skeleton.definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self._schema.query_type
        assert root is not None
        selections = self._selections(root, selected_fields(operation.selection_set), 0)
        node = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=NameNode(value=name) if name else None,
            selection_set=SelectionSetNode(selections=selections),
        )
        used = sorted(self._variables_of(node), key=lambda variable: int(variable[1:]))
        return replace(node, variable_definitions=self._variables.definitions(used))

    def _variables_of(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> set[str]:
        found: set[str] = set()
        spread: set[str] = set()

        class Finder(Visitor):
            def enter_variable(self, node: VariableNode, *_: Any) -> None:
                found.add(node.name.value)

            def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
                spread.add(node.name.value)

        visit(node, Finder())
        return found.union(*(self._variables_of(self._fragments[name].node) for name in spread))

    def _selections(
        self, type_: GraphQLObjectType, skeleton: Sequence[FieldNode], depth: int
    ) -> tuple[SelectionNode, ...]:
        """A selection set with these fields in it."""
        wanted = [*skeleton, *self._more_fields(type_, skeleton, depth)]
        items: list[Selected] = []
        taken: set[str] = set()
        for node in wanted:
            key = self._key(type_, node.name.value, taken)
            taken.add(key)
            for part in self._field(type_, node, key, depth):
                place = len(items) if chance(self._draw, 80) else 0
                items.insert(place, (part, frozenset([key])))
        for fragment in self._fragments.values():
            condition = fragment.node.type_condition.name.value
            room = self._size + fragment.size < ENOUGH
            fits = condition == type_.name and not taken & fragment.keys
            if fits and room and chance(self._draw, 40):
                self._size += fragment.size
                taken |= fragment.keys
                items.append((self._spread(fragment.node.name.value), fragment.keys))
        for _ in range(2):
            if chance(self._draw, 20):
                self._wrap(type_, items)
        return tuple(node for node, _ in items)

    def _more_fields(
        self, type_: GraphQLObjectType, skeleton: Sequence[FieldNode], depth: int
    ) -> list[FieldNode]:
        draw = self._draw
        found = []
        if chance(draw, 15):
            found.append(_field_named("__typename"))
        if "pageInfo" in type_.fields and chance(draw, 30):
            found.append(_field_named("pageInfo"))
        if type_ is self._schema.query_type and chance(draw, 4):
            found.append(_field_named("__type"))
        names = [
            name
            for name, field in type_.fields.items()
            if is_leaf_type(get_named_type(field.type)) or depth < 5
        ]
        twins = [node.name.value for node in skeleton if type_.fields[node.name.value].args]
        lists = [name for name in names if type_.fields[name].args]
        least = 0 if skeleton or found else 1
        for _ in range(choose(draw, least, least, 1, 2, 3)):
            if self._size < ENOUGH or not (skeleton or found):
                found.append(_field_named(choose(draw, *names, *twins, *twins, *lists, *lists)))
        return found

    def _key(self, type_: GraphQLObjectType, name: str, taken: set[str]) -> str:
        """The response key: the field's own name, another field's, or none that is known."""
        draw = self._draw
        if name not in taken and not chance(draw, 15):
            return name
        free = [
            other for other in (*type_.fields, "a", "_0", "cursor", "key") if other not in taken
        ]
        chosen: str = choose(draw, f"a{len(taken)}", *free)
        return chosen

    def _field(
        self, type_: GraphQLObjectType, node: FieldNode, key: str, depth: int
    ) -> list[FieldNode]:
        """The field; sometimes in two parts, which GraphQL merges."""
        name = node.name.value
        self._size += 1
        made = FieldNode(
            name=NameNode(value=name),
            alias=None if key == name else NameNode(value=key),
            directives=self._directives(),
        )
        if name == "__typename":
            return [made]
        if name == "__type":
            return [_ask_for_type(made, self._variables)]
        field = type_.fields[name]
        listing = f"{type_.name}.{name.removesuffix('Connection')}"
        made = replace(made, arguments=self._field_arguments(field, node, listing, depth))
        target = get_named_type(field.type)
        if not isinstance(target, GraphQLObjectType):
            return [made]
        inner = self._selections(target, selected_fields(node.selection_set), depth + 1)
        cut = self._draw(st.integers(0, len(inner))) if chance(self._draw, 12) else 0
        parts = [part for part in (inner[:cut], inner[cut:]) if part]
        return [
            replace(
                made,
                selection_set=SelectionSetNode(selections=part),
                directives=made.directives if part is parts[0] else self._directives(),
            )
            for part in parts
        ]

    def _field_arguments(
        self, field: GraphQLField, node: FieldNode, listing: str, depth: int
    ) -> tuple[ArgumentNode, ...]:
        if not field.args:
            return ()
        if node.arguments:
            found = {argument.name.value: argument.value for argument in node.arguments}
            if not chance(self._draw, 5):
                found = tame_arguments(found)
        else:
            found = self._arguments.draw_arguments(field, listing, depth)
        return tuple(
            ArgumentNode(
                name=NameNode(value=name),
                value=self._variables.lift(value, field.args[name].type, argument=name),
            )
            for name, value in found.items()
        )

    def _directives(self) -> tuple[DirectiveNode, ...]:
        draw = self._draw
        if not chance(draw, 10):
            return ()
        names = choose(draw, ["include"], ["skip"], ["include", "skip"], ["skip", "include"])
        return tuple(
            DirectiveNode(
                name=NameNode(value=name),
                arguments=(
                    ArgumentNode(name=NameNode(value="if"), value=self._variables.condition()),
                ),
            )
            for name in names
        )

    def _wrap(self, type_: GraphQLObjectType, items: list[Selected]) -> None:
        """Put some neighbours into a fragment."""
        draw = self._draw
        start = draw(st.integers(0, len(items) - 1))
        stop = draw(st.integers(start + 1, len(items)))
        part = items[start:stop]
        keys = frozenset[str]().union(*(keys for _, keys in part))
        selections = SelectionSetNode(selections=tuple(node for node, _ in part))
        condition = NamedTypeNode(name=NameNode(value=type_.name))
        node: SelectionNode
        if chance(draw, 40):
            node = InlineFragmentNode(
                type_condition=choose(draw, condition, None),
                directives=self._directives(),
                selection_set=selections,
            )
            items[start:stop] = [(node, keys)]
            return
        name = f"F{len(self._fragments)}"
        made = FragmentDefinitionNode(
            name=NameNode(value=name), type_condition=condition, selection_set=selections
        )
        self._fragments[name] = Fragment(made, keys, print_ast(made).count("\n"))
        items[start:stop] = [(self._spread(name), keys)]
        if chance(draw, 20):
            # Spread again in the same place: nothing is answered twice.
            items.append((self._spread(name), keys))

    def _spread(self, name: str) -> FragmentSpreadNode:
        return FragmentSpreadNode(name=NameNode(value=name), directives=self._directives())


def _field_named(name: str) -> FieldNode:
    return FieldNode(name=NameNode(value=name))


def _ask_for_type(made: FieldNode, variables: Variables) -> FieldNode:
    asked = parse("{ kind fields { name type { name ofType { name } } } }").definitions[0]
    assert isinstance(asked, OperationDefinitionNode)
    value = variables.lift(nodes.String("GoalEdge"), GraphQLNonNull(GraphQLString))
    return replace(
        made,
        arguments=(ArgumentNode(name=NameNode(value="name"), value=value),),
        selection_set=asked.selection_set,
    )


def _escape(match: re.Match[str]) -> str:
    """The character as an escape; one beyond the basic plane as a pair of surrogates."""
    units = match.group().encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
