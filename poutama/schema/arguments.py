"""The arguments of mapping directives, held to the types that the directives' definitions give.

Called by `check`. The grammar takes any value for any argument; read as it stands, a string where
a list is expected would be a list of letters, and `everyone: "false"` would be true. Pure.
"""

from __future__ import annotations

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLDirective,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    TypeDefinitionNode,
    Undefined,
    ValueNode,
    Visitor,
    build_ast_schema,
    print_ast,
    value_from_ast,
    visit,
)

from poutama.errors import SchemaError
from poutama.schema.directives import MAPPING, MAPPING_TYPES
from poutama.schema.source_location import at_node


def check_arguments(document: DocumentNode) -> None:
    """Hold the arguments of every mapping directive to their types; null is never one.

    Raises:
        SchemaError: with file and line of the first that is not of its type.
    """
    definitions = tuple(
        node
        for node in document.definitions
        if (isinstance(node, DirectiveDefinitionNode) and node.name.value in MAPPING)
        or (isinstance(node, TypeDefinitionNode) and node.name.value in MAPPING_TYPES)
    )
    schema = build_ast_schema(DocumentNode(definitions=definitions), assume_valid_sdl=True)
    visit(document, _Arguments({each.name: each for each in schema.directives}))


class _Arguments(Visitor):
    def __init__(self, directives: dict[str, GraphQLDirective]) -> None:
        super().__init__()
        self._directives = directives

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        directive = self._directives.get(node.name.value)
        if directive is None:
            return
        for argument in node.arguments or ():
            name, value = argument.name.value, argument.value
            type_ = directive.args[name].type
            if not _fits(value, type_):
                with at_node(argument):
                    raise SchemaError(
                        f"@{directive.name}({name}:): expected {type_}, got {print_ast(value)}."
                    )


def _fits(value: ValueNode, type_: GraphQLInputType) -> bool:
    """Whether it is such a value as it stands, without the coercions of requests."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if isinstance(value, NullValueNode):
        return False
    if isinstance(type_, GraphQLList):
        return isinstance(value, ListValueNode) and all(
            _fits(item, type_.of_type) for item in value.values
        )
    if isinstance(type_, GraphQLInputObjectType) and isinstance(value, ObjectValueNode):
        fields = type_.fields
        if not all(
            field.name.value in fields and _fits(field.value, fields[field.name.value].type)
            for field in value.fields
        ):
            return False
    return value_from_ast(value, type_) is not Undefined
