"""The fields of an operation as hypothesis-graphql chooses them; now and then its arguments too."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    FieldNode,
    GraphQLSchema,
    InputValueDefinitionNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    SelectionSetNode,
    ValueNode,
    build_schema,
    parse,
    print_ast,
    print_schema,
    visit,
)
from graphql.language import REMOVE, Visitor
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from poutama.schema.scalars import print_date_time
from tests.strategies.worlds import moments

PARTS = ("Person", "Goal", "GoalTask", "GoalNote")
LEFT_OUT = ("person",)
"""Fields of Query that lead into that part by another door, which is not this test's."""


@cache
def goals_schema(schema: GraphQLSchema) -> GraphQLSchema:
    """The part of the schema about people and goals: without groups, audits and whatever comes."""
    suffixes = ("", "Connection", "Edge", "Filter", "ListFilter", "Order")
    kept = {part + suffix for part in PARTS for suffix in suffixes}
    kept |= {"Query", "PageInfo"}
    enums = ("GoalType", "GoalAudience", "NoteAudience")
    kept |= {f"{enum}{suffix}" for enum in enums for suffix in ("", "Filter")}
    kept |= {"UUID", "DateTime", "String", "Int", "Boolean"}
    kept |= {f"{kind}Filter" for kind in ("UUID", "String", "Text", "Boolean", "Int", "DateTime")}

    class Kept(Visitor):
        def enter_field_definition(self, node: FieldDefinitionNode, *_: Any) -> Any:
            return None if _base(node) in kept and node.name.value not in LEFT_OUT else REMOVE

        def enter_input_value_definition(self, node: InputValueDefinitionNode, *_: Any) -> Any:
            return None if _base(node) in kept else REMOVE

    document = parse(print_schema(schema))
    named = [node for node in document.definitions if _name(node) in kept]
    return build_schema(print_ast(visit(DocumentNode(definitions=tuple(named)), Kept())))


def _base(node: FieldDefinitionNode | InputValueDefinitionNode) -> str:
    return print_ast(node.type).strip("[]!")


def _name(node: Any) -> str:
    return str(node.name.value) if getattr(node, "name", None) else ""


@cache
def skeletons(schema: GraphQLSchema, *, bare: bool) -> st.SearchStrategy[DocumentNode]:
    """Documents of one query; `bare` of arguments, which are most of what they cost."""
    if not bare:
        scalars = {
            "UUID": st.uuids().map(nodes.String),
            "DateTime": moments.map(print_date_time).map(nodes.String),
        }
        return queries(schema, custom_scalars=scalars, allow_x00=False, print_ast=_as_it_is)

    class Bare(Visitor):
        def enter_field_definition(self, node: FieldDefinitionNode, *_: Any) -> FieldDefinitionNode:
            return replace(node, arguments=())

    document = visit(parse(print_schema(schema)), Bare())
    return queries(build_schema(print_ast(document)), print_ast=_as_it_is)


def _as_it_is(document: DocumentNode) -> DocumentNode:
    return document


def selected_fields(selection_set: SelectionSetNode | None) -> list[FieldNode]:
    if selection_set is None:
        return []
    return [node for node in selection_set.selections if isinstance(node, FieldNode)]


def tame_arguments(arguments: dict[str, ValueNode]) -> dict[str, ValueNode]:
    """What hypothesis-graphql made, less what can only be refused."""
    found: dict[str, ValueNode] = {}
    for name, value in arguments.items():
        if isinstance(value, IntValueNode):
            found[name] = nodes.Int(int(value.value) % 1001)
        elif name not in ("after", "before", "last"):
            found[name] = _without_nulls(value)
    return found


def _without_nulls(value: ValueNode) -> ValueNode:
    if isinstance(value, ObjectValueNode):
        return replace(
            value,
            fields=tuple(
                replace(field, value=_without_nulls(field.value))
                for field in value.fields
                if not isinstance(field.value, NullValueNode)
            ),
        )
    if isinstance(value, ListValueNode):
        return replace(value, values=tuple(map(_without_nulls, value.values)))
    return value
