"""Who may see and change what: `@visible`, `@change` and `@restricted`, read into rules.

Called by `entities`. Deny by default: a type without `@visible` does not load, and a change that
no `@change` allows is denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import FieldDefinitionNode, ObjectTypeDefinitionNode

from poutama.errors import SchemaError
from poutama.schema.directives import find_directive, find_directives
from poutama.schema.model import (
    RELATIONSHIPS,
    Action,
    Audience,
    Field,
    Relation,
    RelationShape,
    Relationship,
    Rule,
    Scope,
    Through,
)


def load_visibility(node: ObjectTypeDefinitionNode, fields: Mapping[str, Field]) -> Rule:
    """The type's rule of visibility.

    Raises:
        SchemaError: it has none, or one that leads nowhere.
    """
    given = find_directives(node, "visible")
    if not given:
        raise SchemaError(f"{node.name.value}: say who may see its rows with @visible.")
    return _rule(f"{node.name.value}: @visible", given, fields)


def load_changes(node: ObjectTypeDefinitionNode, fields: Mapping[str, Field]) -> dict[Action, Rule]:
    """Who may insert, update and delete the type's rows.

    Raises:
        SchemaError: a rule leads nowhere.
    """
    given = find_directives(node, "change")
    where = f"{node.name.value}: @change"
    return {
        action: _rule(where, allowed, fields)
        for action in (Action.INSERT, Action.UPDATE, Action.DELETE)
        if (allowed := [each for each in given if action.name in each["actions"]])
    }


def load_restriction(where: str, node: FieldDefinitionNode) -> Rule | None:
    """Who sees the field, where that is fewer than see the row.

    Raises:
        SchemaError: the rule names no audience, or the field can be searched.
    """
    given = find_directives(node, "restricted")
    if given and find_directive(node, "search") is not None:
        raise SchemaError(f"{where}: a restricted field cannot be searched: what is found tells.")
    return _rule(f"{where}: @restricted", given, {}) if given else None


def _rule(where: str, given: list[dict[str, Any]], fields: Mapping[str, Field]) -> Rule:
    return Rule(tuple(load_alternative(where, each, fields) for each in given))


def load_alternative(
    where: str, given: Mapping[str, Any], fields: Mapping[str, Field]
) -> Audience | Through:
    """One way to be allowed, of a type with these fields.

    Raises:
        SchemaError: it names no audience, or one that leads nowhere.
    """
    named = [name for name in (*Scope, "through") if given.get(name) is not None]
    if len(named) != 1:
        raise SchemaError(f"{where} takes one of person, group, organisation and through.")
    to = tuple(Relationship(name) for name in given["to"]) if given.get("to") else None
    if named == ["through"]:
        relation = fields.get(given["through"])
        if not isinstance(relation, Relation) or relation.shape is not RelationShape.ONE:
            raise SchemaError(
                f"{where}(through: {given['through']!r}) is not one of its @one fields."
            )
        return Through(relation, to)
    scope = Scope(named[0])
    if not to or set(to) - RELATIONSHIPS[scope]:
        known = ", ".join(sorted(RELATIONSHIPS[scope]))
        raise SchemaError(f"{where}: `to` takes some of {known}.")
    return Audience(scope, given[scope], to)
