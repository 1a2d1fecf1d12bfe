"""A failing request made small: parts are taken out of its document while it goes on failing.

Hypothesis could simplify what it drew, but takes minutes over documents of this size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableNode,
    parse,
    print_ast,
    validate,
    visit,
)
from graphql.language import Visitor

from tests.strategies.operations import Request

TAKEN_OUT = ("definitions", "selections", "directives", "arguments", "fields", "values")


def reduce_request(
    schema: GraphQLSchema, request: Request, fails: Callable[[Request], bool]
) -> Request:
    """The smallest request found of which `fails` still holds."""
    found = request
    smaller: Request | None = request
    while smaller is not None:
        found = smaller
        smaller = next(filter(fails, _smaller(schema, found)), None)
    return found


def _smaller(schema: GraphQLSchema, request: Request) -> Iterator[Request]:
    document = parse(request.text, no_location=True)
    for candidate in _without_one(document):
        assert isinstance(candidate, DocumentNode)
        tidy = _without_unused(candidate)
        if tidy.definitions and not validate(schema, tidy):
            yield replace(request, text=print_ast(tidy))


def _without_one(node: Any) -> Iterator[Any]:
    """The tree without one of its parts, large parts first; a part in the place of its parent."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            if field.name in TAKEN_OUT and (len(value) > 1 or field.name != "selections"):
                for at in range(len(value)):
                    yield replace(node, **{field.name: value[:at] + value[at + 1 :]})
            for at, item in enumerate(value):
                for smaller in _without_one(item):
                    yield replace(node, **{field.name: (*value[:at], smaller, *value[at + 1 :])})
        elif isinstance(value, Node) and not isinstance(value, NonNullTypeNode):
            for smaller in _without_one(value):
                yield replace(node, **{field.name: smaller})


def _without_unused(document: DocumentNode) -> DocumentNode:
    """Without the fragments and variables that nothing names."""
    definitions = list(document.definitions)
    while True:
        spread = {name for node in definitions for name in _named(node)[0]}
        kept = [
            node
            for node in definitions
            if not isinstance(node, FragmentDefinitionNode) or node.name.value in spread
        ]
        if len(kept) == len(definitions):
            break
        definitions = kept
    return replace(document, definitions=tuple(_declaring_used(node, kept) for node in kept))


def _declaring_used(node: Any, definitions: list[Any]) -> Any:
    if not isinstance(node, OperationDefinitionNode):
        return node
    fragments = {
        other.name.value: other
        for other in definitions
        if isinstance(other, FragmentDefinitionNode)
    }
    used: set[str] = set()
    waiting: list[Any] = [replace(node, variable_definitions=())]
    while waiting:
        spread, variables = _named(waiting.pop())
        used |= variables
        waiting += [fragments[name] for name in spread if name in fragments]
    kept = [d for d in node.variable_definitions or () if d.variable.name.value in used]
    return replace(node, variable_definitions=tuple(kept))


def _named(node: Any) -> tuple[set[str], set[str]]:
    """The fragments and the variables that a node names."""
    spread: set[str] = set()
    variables: set[str] = set()

    class Finder(Visitor):
        def enter_fragment_spread(self, node: Any, *_: Any) -> None:
            spread.add(node.name.value)

        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            variables.add(node.name.value)

    visit(node, Finder())
    return spread, variables
