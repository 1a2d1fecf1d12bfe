"""Mistakes in schema files that no later stage would meet, or only stumble over.

The parser takes any directive with any arguments; a misspelt `@search` would simply not search.
Called by `load` before and after `expand`; pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
)
from graphql.validation import (
    KnownDirectivesRule,
    KnownTypeNamesRule,
    PossibleTypeExtensionsRule,
    UniqueArgumentDefinitionNamesRule,
    UniqueArgumentNamesRule,
    UniqueDirectiveNamesRule,
    UniqueDirectivesPerLocationRule,
    UniqueEnumValueNamesRule,
    UniqueFieldDefinitionNamesRule,
    UniqueInputFieldNamesRule,
    UniqueTypeNamesRule,
)
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import (
    ProvidedRequiredArgumentsOnDirectivesRule,
)
from graphql.validation.validate import validate_sdl

from poutama.errors import SchemaError
from poutama.schema.arguments import check_arguments
from poutama.schema.directives import MAPPING, find_directive
from poutama.schema.model import Entity, Through
from poutama.schema.source_location import at_node, describe_place, locate_error

_WRITTEN = (
    UniqueDirectiveNamesRule,
    KnownDirectivesRule,
    KnownArgumentNamesOnDirectivesRule,
    ProvidedRequiredArgumentsOnDirectivesRule,
    UniqueDirectivesPerLocationRule,
    UniqueArgumentNamesRule,
    UniqueInputFieldNamesRule,
    UniqueFieldDefinitionNamesRule,
    UniqueArgumentDefinitionNamesRule,
    UniqueEnumValueNamesRule,
)


def check_document(document: DocumentNode) -> None:
    """Hold every directive against its definition, and look for what is defined twice or in vain.

    Raises:
        SchemaError: with the first mistake.
    """
    # First: the other rules take two types of one name for one type.
    _refuse(document, (UniqueTypeNamesRule,))
    _check_definitions(document)
    _refuse(document, _WRITTEN)
    check_arguments(document)
    _check_tables(document)


def check_expanded(document: DocumentNode) -> None:
    """Look for types that are both written and generated, and for names of types that are neither.

    Raises:
        SchemaError: with the first of them.
    """
    _refuse(document, (UniqueTypeNamesRule,))
    _refuse(document, (KnownTypeNamesRule, PossibleTypeExtensionsRule))


def check_rules(entities: Mapping[str, Entity]) -> None:
    """Follow every rule of visibility to the column it ends at.

    Raises:
        SchemaError: rules that follow each other in a circle.
    """
    for name in entities:
        _follow(entities, name, ())


def _follow(entities: Mapping[str, Entity], name: str, followed: tuple[str, ...]) -> None:
    if name in followed:
        circle = " -> ".join([*followed, name])
        raise SchemaError(f"{followed[0]}: @visible(through:) leads in a circle, {circle}.")
    for alternative in entities[name].rule.alternatives:
        if isinstance(alternative, Through):
            _follow(entities, alternative.relation.target, (*followed, name))


def _check_definitions(document: DocumentNode) -> None:
    """Refuse what the grammar knows and nothing here reads, such as unions and `extend input`."""
    tables = {
        node.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode) and find_directive(node, "table") is not None
    }
    for node in document.definitions:
        if not _is_read(node, tables):
            with at_node(node):
                raise SchemaError(
                    "expected a type, input, enum or scalar, or `extend type` of Query, Mutation"
                    " or a type with @table; nothing else has an effect here."
                )


def _is_read(node: DefinitionNode, tables: set[str]) -> bool:
    match node:
        case ObjectTypeDefinitionNode():
            return node.name.value != "Subscription" and not node.interfaces
        case ObjectTypeExtensionNode():
            return node.name.value in {"Query", "Mutation", *tables} and not node.interfaces
        case DirectiveDefinitionNode():
            return node.name.value in MAPPING
        case _:
            return isinstance(
                node,
                EnumTypeDefinitionNode | InputObjectTypeDefinitionNode | ScalarTypeDefinitionNode,
            )


def _check_tables(document: DocumentNode) -> None:
    """Two types over one table would be two rules of who sees its rows."""
    types: dict[str, ObjectTypeDefinitionNode] = {}
    for node in document.definitions:
        if not isinstance(node, ObjectTypeDefinitionNode):
            continue
        table = (find_directive(node, "table") or {}).get("name")
        if table is None:
            continue
        other = types.setdefault(table, node)
        if other is not node:
            with at_node(node):
                raise SchemaError(
                    f"{node.name.value}: the table {table} is that of {other.name.value}, at"
                    f" {describe_place(other).rstrip(': ')}."
                )


def _refuse(document: DocumentNode, rules: tuple[type, ...]) -> None:
    errors = validate_sdl(document, None, rules)
    if errors:
        raise locate_error(errors[0])
