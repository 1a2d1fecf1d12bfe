"""Mistakes in schema files that no later stage would meet, or only stumble over.

The parser takes any directive with any arguments; a misspelt `@search` would simply not search.
Called by `load` before and after `expand`; pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import DocumentNode
from graphql.validation import (
    KnownDirectivesRule,
    UniqueArgumentDefinitionNamesRule,
    UniqueDirectivesPerLocationRule,
    UniqueEnumValueNamesRule,
    UniqueFieldDefinitionNamesRule,
    UniqueTypeNamesRule,
)
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import (
    ProvidedRequiredArgumentsOnDirectivesRule,
)
from graphql.validation.validate import validate_sdl

from poutama.errors import SchemaError
from poutama.schema.model import Entity

_WRITTEN = (
    KnownDirectivesRule,
    KnownArgumentNamesOnDirectivesRule,
    ProvidedRequiredArgumentsOnDirectivesRule,
    UniqueDirectivesPerLocationRule,
    UniqueTypeNamesRule,
    UniqueFieldDefinitionNamesRule,
    UniqueArgumentDefinitionNamesRule,
    UniqueEnumValueNamesRule,
)


def check_document(document: DocumentNode) -> None:
    """Hold every directive against its definition, and look for what is defined twice.

    Raises:
        SchemaError: with the first mistake.
    """
    _refuse(document, _WRITTEN)


def check_expanded(document: DocumentNode) -> None:
    """Look for types that are both written and generated.

    Raises:
        SchemaError: with the first of them.
    """
    _refuse(document, (UniqueTypeNamesRule,))


def check_rules(entities: Mapping[str, Entity]) -> None:
    """Follow every rule of visibility to the column it ends at.

    Raises:
        SchemaError: rules that follow each other in a circle.
    """
    for name, entity in entities.items():
        followed = [name]
        while entity.rule.through is not None:
            entity = entities[entity.rule.through.target]
            if entity.name in followed:
                circle = " -> ".join([*followed, entity.name])
                raise SchemaError(f"{name}: @visible(through:) leads in a circle, {circle}.")
            followed.append(entity.name)


def _refuse(document: DocumentNode, rules: tuple[type, ...]) -> None:
    errors = validate_sdl(document, None, rules)
    if errors:
        raise SchemaError(f"The schema files are not valid: {errors[0].message}")
