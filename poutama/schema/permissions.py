"""Who may call a procedure: the `@permit` directives of a mutation, read into permissions.

Called by `mutations`. Deny by default: a procedure without `@permit` does not load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import FieldDefinitionNode, InputObjectTypeDefinitionNode, InputValueDefinitionNode

from poutama.errors import SchemaError
from poutama.schema.directives import find_directives, is_list, is_nullable, named_type
from poutama.schema.model import (
    Action,
    Entity,
    Grant,
    InputIs,
    Permission,
    Relation,
    RelationShape,
    Rule,
    Scope,
)
from poutama.schema.rules import known_values, load_alternative, load_row_conditions

_AUDIENCE = (*Scope, "through", "to")


def load_permissions(
    node: FieldDefinitionNode,
    input_type: InputObjectTypeDefinitionNode,
    entities: Mapping[str, Entity],
    enums: Mapping[str, tuple[str, ...]],
) -> tuple[tuple[Permission, ...], bool, bool]:
    """What must hold before the procedure is called, whether being signed in may be enough, and
    whether accounts that are not people yet may call it.

    Raises:
        SchemaError: nothing says who may call it, or a `@permit` leads nowhere.
    """
    found = find_directives(node, "permit")
    if not found:
        raise SchemaError("say who may call it with @permit.")
    fields = {field.name.value: field for field in input_type.fields or ()}
    callers: set[str] = set()
    grants: dict[tuple[str, str], list[Grant]] = {}
    for each in found:
        if caller := next((name for name in ("everyone", "newSignIn") if each.get(name)), None):
            if len(each) > 1:
                raise SchemaError(f"@permit({caller}: true) takes nothing else.")
            callers.add(caller)
            continue
        key = _find_row(each, fields, entities)
        grants.setdefault(key, []).append(_load_grant(each, entities[key[1]], fields, enums))
    if len({name for name, _ in grants}) < len(grants):
        raise SchemaError("@permit names two types for one input.")
    everyone, new_sign_in = "everyone" in callers, "newSignIn" in callers
    if new_sign_in and (grants or not everyone):
        raise SchemaError("@permit(newSignIn: true) goes with @permit(everyone: true) alone.")
    if not everyone and all(is_nullable(fields[name].type) for name, _ in grants):
        raise SchemaError(
            "its inputs may be left out so that no @permit is asked;"
            " add @permit(everyone: true) if that is meant."
        )
    found_permissions = (
        Permission(name, entity, tuple(each)) for (name, entity), each in grants.items()
    )
    return tuple(found_permissions), everyone, new_sign_in


def _find_row(
    arguments: Mapping[str, Any],
    fields: Mapping[str, InputValueDefinitionNode],
    entities: Mapping[str, Entity],
) -> tuple[str, str]:
    """The input field that names the row, and the row's type."""
    name, entity = arguments.get("input"), arguments.get("type")
    if name is None or entity is None:
        raise SchemaError("@permit takes input and type, or everyone: true.")
    field = fields.get(name)
    if field is None:
        raise SchemaError(f"@permit(input: {name!r}): its input has no field of that name.")
    if is_list(field.type) or named_type(field.type) != "UUID":
        raise SchemaError(f"@permit(input: {name!r}): expected a field of type UUID.")
    if entity not in entities:
        raise SchemaError(f"@permit(type: {entity!r}): it has no @table.")
    return name, entity


def _load_grant(
    arguments: Mapping[str, Any],
    entity: Entity,
    fields: Mapping[str, InputValueDefinitionNode],
    enums: Mapping[str, tuple[str, ...]],
) -> Grant:
    audience = {name: arguments[name] for name in _AUDIENCE if arguments.get(name) is not None}
    access = arguments.get("as")
    if (access is None) == (not audience):
        raise SchemaError(
            "@permit takes either `as`, or one of person, group, organisation and through."
        )
    rule = (
        Rule((load_alternative("@permit", audience, entity.fields, enums),))
        if access is None
        else _rule_of(entity, access)
    )
    return Grant(
        rule,
        load_row_conditions("@permit", arguments, entity.fields, enums),
        tuple(_input_is(each, fields, enums) for each in arguments.get("given") or ()),
        tuple(_key_of(each, entity) for each in arguments.get("notBy") or ()),
    )


def _key_of(column: str, entity: Entity) -> str:
    for field in entity.fields.values():
        if isinstance(field, Relation) and field.shape is RelationShape.ONE and field.key == column:
            return column
    raise SchemaError(f"@permit(notBy: {column!r}): {entity.name} has no @one field with this key.")


def _rule_of(entity: Entity, access: str) -> Rule:
    if access == "SEE":
        return entity.rule
    try:
        return entity.changes[Action(access.lower())]
    except (ValueError, KeyError):
        raise SchemaError(
            f"@permit(as: {access}): {entity.name} has no @change that lets anyone {access}."
        ) from None


def _input_is(
    arguments: Mapping[str, Any],
    fields: Mapping[str, InputValueDefinitionNode],
    enums: Mapping[str, tuple[str, ...]],
) -> InputIs:
    name = arguments["input"]
    field = fields.get(name)
    kind = "" if field is None or is_list(field.type) else named_type(field.type)
    if field is None or kind not in enums or is_nullable(field.type):
        raise SchemaError(f"@permit(given:): {name} is not a required input field of an enum.")
    return InputIs(name, known_values("@permit(given:)", arguments["in"], enums[kind]))
