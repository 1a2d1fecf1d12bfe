"""Each list has a twin: the same rows as a connection, page by page. Called by `load`; pure.

A schema file may write the twin itself, to describe it; what it leaves out is added here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    StringValueNode,
)

from poutama.schema.directives import ObjectNode, find_directive, is_list, named_type
from poutama.schema.expand import LIST_FIELDS, connection_name

DESCRIPTION = StringValueNode(value="The same, page by page.")


def add_twins(document: DocumentNode) -> DocumentNode:
    """The schema files with a connection beside each list of rows that has none."""
    written = {
        (node.name.value, field.name.value)
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        for field in node.fields or ()
    }
    return DocumentNode(
        definitions=tuple(
            replace(node, fields=tuple(_pair(node, written)))
            if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
            else node
            for node in document.definitions
        )
    )


def _pair(node: ObjectNode, written: set[tuple[str, str]]) -> Iterator[FieldDefinitionNode]:
    for field in node.fields or ():
        yield field
        name = connection_name(field.name.value)
        lists = any(find_directive(field, each) is not None for each in LIST_FIELDS)
        if lists and is_list(field.type) and (node.name.value, name) not in written:
            yield _twin(field, name)


def _twin(field: FieldDefinitionNode, name: str) -> FieldDefinitionNode:
    """The connection: without arguments that name a row, and without a size, which it has."""
    page = NamedTypeNode(name=NameNode(value=connection_name(named_type(field.type))))
    return replace(
        field,
        name=NameNode(value=name),
        description=DESCRIPTION,
        arguments=(),
        type=NonNullTypeNode(type=page),
        directives=tuple(
            replace(
                each,
                arguments=tuple(
                    part for part in each.arguments or () if part.name.value != "expected"
                ),
            )
            for each in field.directives or ()
        ),
    )
