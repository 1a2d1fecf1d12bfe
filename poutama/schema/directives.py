"""Reading mapping directives off the nodes of a parsed schema file, for `expand` and `load`."""

from __future__ import annotations

from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    TypeNode,
)
from graphql.utilities import value_from_ast_untyped

MAPPING = frozenset({
    "table", "visible", "column", "search", "sequence", "one", "many", "rows", "viewer", "where",
    "row", "key", "length", "pattern", "insert", "update", "delete", "procedure", "change",
    "restricted", "audited", "computed", "range", "permit", "quota", "default", "unlisted",
    "trueSince", "name", "bulk", "shownOnce",
})  # fmt: skip
"""The directives that never reach the public schema ..."""

MAPPING_TYPES = frozenset({"Relationship", "Change", "Access", "RowIs", "InputIs", "AuditedReads"})
"""... and the types of their arguments."""

ObjectNode: TypeAlias = ObjectTypeDefinitionNode | ObjectTypeExtensionNode
Directed: TypeAlias = ObjectNode | FieldDefinitionNode | InputValueDefinitionNode


def find_directive(node: Directed, name: str) -> dict[str, Any] | None:
    """The arguments of the node's directive of that name; None where it has none."""
    found = find_directives(node, name)
    return found[0] if found else None


def find_directives(node: Directed, name: str) -> list[dict[str, Any]]:
    """The arguments of each of the node's directives of that name."""
    return [
        _arguments(directive) for directive in node.directives or () if directive.name.value == name
    ]


def _arguments(directive: DirectiveNode) -> dict[str, Any]:
    return {
        argument.name.value: value_from_ast_untyped(argument.value)
        for argument in directive.arguments or ()
    }


def named_type(node: TypeNode) -> str:
    """The name inside `[Name!]!`."""
    while isinstance(node, NonNullTypeNode | ListTypeNode):
        node = node.type
    return str(node.name.value)  # type: ignore[attr-defined]


def is_list(node: TypeNode) -> bool:
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    return isinstance(inner, ListTypeNode)


def is_nullable(node: TypeNode) -> bool:
    return not isinstance(node, NonNullTypeNode)


def snake_case(name: str) -> str:
    """`goalType` -> `goal_type`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
