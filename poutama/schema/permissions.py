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
    Column,
    ColumnKind,
    Entity,
    Grant,
    InputIs,
    Permission,
    RowIs,
    Rule,
    Scope,
)
from poutama.schema.rules import load_alternative

_AUDIENCE = (*Scope, "through", "to")


def load_permissions(
    node: FieldDefinitionNode,
    given: InputObjectTypeDefinitionNode,
    entities: Mapping[str, Entity],
    enums: Mapping[str, tuple[str, ...]],
) -> tuple[tuple[Permission, ...], bool]:
    """What must hold before the procedure is called, and whether being signed in may be enough.

    Raises:
        SchemaError: nothing says who may call it, or a `@permit` leads nowhere.
    """
    found = find_directives(node, "permit")
    if not found:
        raise SchemaError("say who may call it with @permit.")
    fields = {field.name.value: field for field in given.fields or ()}
    everyone = False
    grants: dict[tuple[str, str], list[Grant]] = {}
    for each in found:
        if each.get("everyone"):
            if len(each) > 1:
                raise SchemaError("@permit(everyone: true) takes nothing else.")
            everyone = True
            continue
        key = _find_row(each, fields, entities)
        grants.setdefault(key, []).append(_load_grant(each, entities[key[1]], fields, enums))
    if len({name for name, _ in grants}) < len(grants):
        raise SchemaError("@permit names two types for one input.")
    if not everyone and all(is_nullable(fields[name].type) for name, _ in grants):
        raise SchemaError(
            "its inputs may be left out so that no @permit is asked;"
            " add @permit(everyone: true) if that is meant."
        )
    found_permissions = (
        Permission(name, entity, tuple(each)) for (name, entity), each in grants.items()
    )
    return tuple(found_permissions), everyone


def _find_row(
    given: Mapping[str, Any],
    fields: Mapping[str, InputValueDefinitionNode],
    entities: Mapping[str, Entity],
) -> tuple[str, str]:
    """The input field that names the row, and the row's type."""
    name, entity = given.get("input"), given.get("type")
    if name is None or entity is None:
        raise SchemaError("@permit takes input and type, or everyone: true.")
    field = fields.get(name)
    if field is None:
        raise SchemaError(f"@permit(input: {name!r}): its input has no such field.")
    if is_list(field.type) or named_type(field.type) != "UUID":
        raise SchemaError(f"@permit(input: {name!r}): expected a field of type UUID.")
    if entity not in entities:
        raise SchemaError(f"@permit(type: {entity!r}): it has no @table.")
    return name, entity


def _load_grant(
    given: Mapping[str, Any],
    entity: Entity,
    fields: Mapping[str, InputValueDefinitionNode],
    enums: Mapping[str, tuple[str, ...]],
) -> Grant:
    audience = {name: given[name] for name in _AUDIENCE if given.get(name) is not None}
    access = given.get("as")
    if (access is None) == (not audience):
        raise SchemaError(
            "@permit takes either `as`, or one of person, group, organisation and through."
        )
    rule = (
        Rule((load_alternative("@permit", audience, entity.fields),))
        if access is None
        else _rule_of(entity, access)
    )
    return Grant(
        rule,
        tuple(_row_is(each, entity, enums) for each in given.get("row") or ()),
        tuple(_input_is(each, fields, enums) for each in given.get("given") or ()),
    )


def _rule_of(entity: Entity, access: str) -> Rule:
    if access == "SEE":
        return entity.rule
    try:
        return entity.changes[Action(access.lower())]
    except (ValueError, KeyError):
        raise SchemaError(
            f"@permit(as: {access}): {entity.name} has no @change that lets anyone {access}."
        ) from None


def _row_is(
    given: Mapping[str, Any], entity: Entity, enums: Mapping[str, tuple[str, ...]]
) -> RowIs:
    column = entity.fields.get(given["field"])
    if not isinstance(column, Column) or column.kind is not ColumnKind.ENUM or column.enum is None:
        raise SchemaError(
            f"@permit(row:): {given['field']} is not a field of {entity.name} with enum values."
        )
    return RowIs(column, _known_values("row", given["in"], enums[column.enum]))


def _input_is(
    given: Mapping[str, Any],
    fields: Mapping[str, InputValueDefinitionNode],
    enums: Mapping[str, tuple[str, ...]],
) -> InputIs:
    name = given["input"]
    field = fields.get(name)
    kind = "" if field is None or is_list(field.type) else named_type(field.type)
    if field is None or kind not in enums or is_nullable(field.type):
        raise SchemaError(f"@permit(given:): {name} is not a required input field of an enum.")
    return InputIs(name, _known_values("given", given["in"], enums[kind]))


def _known_values(argument: str, wanted: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
    strange = [value for value in wanted if value not in known]
    if strange or not wanted:
        named = f"{strange[0]} is not one of" if strange else "expected some of"
        raise SchemaError(f"@permit({argument}:): {named} {', '.join(known)}.")
    return tuple(wanted)
