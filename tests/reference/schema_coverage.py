"""What of the schema has been asked for. That a generator leaves nothing out is a test's to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)


def asked_fields(schema: GraphQLSchema, document: DocumentNode) -> set[str]:
    """Every field, and every field of an argument, that a document has: `Goal.title`."""
    info = TypeInfo(schema)
    found: set[str] = set()

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            found.add(f"{info.get_parent_type()}.{node.name.value}")

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            type_ = get_named_type(info.get_parent_input_type())
            found.add(f"{type_}.{node.name.value}")

    visit(document, TypeInfoVisitor(info, Finder()))
    return found


def askable_fields(schema: GraphQLSchema) -> set[str]:
    """All that a query can ask for."""
    assert schema.query_type is not None
    found: set[str] = set()
    waiting: list[Any] = [schema.query_type]
    known = {schema.query_type.name}
    while waiting:
        type_ = waiting.pop()
        found.update(f"{type_.name}.{name}" for name in type_.fields)
        for target in _targets(type_):
            if target.name not in known:
                known.add(target.name)
                waiting.append(target)
    return found


def _targets(
    type_: GraphQLObjectType | GraphQLInputObjectType,
) -> Iterator[GraphQLObjectType | GraphQLInputObjectType]:
    for field in type_.fields.values():
        kinds = [field.type, *(argument.type for argument in getattr(field, "args", {}).values())]
        for kind in kinds:
            target = get_named_type(kind)
            if isinstance(target, GraphQLObjectType | GraphQLInputObjectType):
                yield target
