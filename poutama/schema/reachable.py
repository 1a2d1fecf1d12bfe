"""What of a public schema an operation can reach; the rest is left out. Called by `load`; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from graphql import (
    DefinitionNode,
    DocumentNode,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
)

from poutama.schema.directives import named_type

ROOTS = ("Query", "Mutation")


def keep_reachable(document: DocumentNode) -> DocumentNode:
    """The document without the types to which no field and no argument leads."""
    definitions: defaultdict[str, list[DefinitionNode]] = defaultdict(list)
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            definitions[node.name.value].append(node)
    seen: set[str] = set()
    waiting = [*ROOTS]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(used for node in definitions[name] for used in _find_used(node))
    return DocumentNode(
        definitions=tuple(
            node
            for node in document.definitions
            if not isinstance(node, TypeDefinitionNode | TypeExtensionNode)
            or node.name.value in seen
        )
    )


def _find_used(node: DefinitionNode) -> Iterator[str]:
    """The types of the fields of a type, and of their arguments."""
    match node:
        case ObjectTypeDefinitionNode() | ObjectTypeExtensionNode():
            for field in node.fields or ():
                yield named_type(field.type)
                yield from (named_type(argument.type) for argument in field.arguments or ())
        case InputObjectTypeDefinitionNode():
            yield from (named_type(part.type) for part in node.fields or ())
