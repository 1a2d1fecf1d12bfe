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
from poutama.schema.model import Entity, Through

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
    for name in entities:
        _follow(entities, name, ())


def _follow(entities: Mapping[str, Entity], name: str, followed: tuple[str, ...]) -> None:
    if name in followed:
        circle = " -> ".join([*followed, name])
        raise SchemaError(f"{followed[0]}: @visible(through:) leads in a circle, {circle}.")
    for alternative in entities[name].rule.alternatives:
        if isinstance(alternative, Through):
            _follow(entities, alternative.relation.target, (*followed, name))


def _refuse(document: DocumentNode, rules: tuple[type, ...]) -> None:
    errors = validate_sdl(document, None, rules)
    if errors:
        raise SchemaError(f"The schema files are not valid: {errors[0].message}")
