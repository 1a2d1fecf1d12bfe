"""The mutations of the schema files: what each writes, and what each field of its input is for.

Called by `load`. An input field is found its meaning by its directive, else by its name: a column
of the type, the id of a relation (`goalId` for `goal`), or the type's list that it fills.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
)

from poutama.errors import SchemaError
from poutama.schema.directives import find_directive, is_list, is_nullable, named_type
from poutama.schema.model import (
    LONGEST_TEXT,
    Action,
    Column,
    Entity,
    InputChildren,
    InputColumn,
    InputField,
    InputKey,
    InputParent,
    InputVersion,
    Mutation,
    PayloadField,
    PayloadId,
    PayloadRow,
    Relation,
    Shape,
    TextRule,
)


def load_mutations(document: DocumentNode, entities: Mapping[str, Entity]) -> dict[str, Mutation]:
    """Every field of the type Mutation, by name.

    Raises:
        SchemaError: a field says not what it does, or its input or payload leads nowhere.
    """
    inputs = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, InputObjectTypeDefinitionNode)
    }
    objects = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
    }
    return {
        field.name.value: _load_mutation(field, inputs, objects, entities)
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and node.name.value == "Mutation"
        for field in node.fields or ()
    }


def _load_mutation(
    node: FieldDefinitionNode,
    inputs: Mapping[str, InputObjectTypeDefinitionNode],
    objects: Mapping[str, ObjectTypeDefinitionNode],
    entities: Mapping[str, Entity],
) -> Mutation:
    name = node.name.value
    where = f"Mutation.{name}"
    payload = objects.get(named_type(node.type))
    if payload is None:
        raise SchemaError(f"{where}: its payload {named_type(node.type)} is not defined.")
    returns, rows = payload.name.value, _payload_fields(payload, entities)
    if (procedure := find_directive(node, "procedure")) is not None:
        return Mutation(name, Action.PROCEDURE, None, procedure["name"], {}, returns, rows)
    action, entity = _changed(where, node, entities)
    given = _input_type(where, node, inputs)
    fields = {
        field.name.value: _input_field(given.name.value, field, entity, inputs, entities)
        for field in given.fields or ()
    }
    has_key = any(isinstance(field, InputKey) for field in fields.values())
    if has_key != (action is not Action.INSERT):
        raise SchemaError(
            f"{given.name.value}: an update or delete takes one @key, an insert none."
        )
    return Mutation(name, action, entity.name, None, fields, returns, rows)


def _input_type(
    where: str, node: FieldDefinitionNode, inputs: Mapping[str, InputObjectTypeDefinitionNode]
) -> InputObjectTypeDefinitionNode:
    for argument in node.arguments or ():
        given = inputs.get(named_type(argument.type))
        if argument.name.value == "input" and given is not None:
            return given
    raise SchemaError(f"{where}: takes one argument, `input`, of an input type.")


def _payload_fields(
    payload: ObjectTypeDefinitionNode, entities: Mapping[str, Entity]
) -> dict[str, PayloadField]:
    return {
        field.name.value: _payload_field(
            payload.name.value, field.name.value, named_type(field.type), entities
        )
        for field in payload.fields or ()
    }


def _changed(
    where: str, node: FieldDefinitionNode, entities: Mapping[str, Entity]
) -> tuple[Action, Entity]:
    """What the mutation does, and to which type's rows."""
    for action in (Action.INSERT, Action.UPDATE, Action.DELETE):
        if (found := find_directive(node, action.value)) is not None:
            break
    else:
        raise SchemaError(f"{where}: say @insert, @update, @delete or @procedure.")
    entity = entities.get(found["type"])
    if entity is None:
        raise SchemaError(f"{where}: {found['type']} has no @table.")
    if action not in entity.changes:
        raise SchemaError(f"{where}: {entity.name} has no @change that lets anybody {action}.")
    return action, entity


def _payload_field(
    payload: str, name: str, kind: str, entities: Mapping[str, Entity]
) -> PayloadField:
    if kind in entities:
        return PayloadRow(kind)
    if kind == "UUID":
        return PayloadId()
    raise SchemaError(f"{payload}.{name}: a payload holds rows and ids, not {kind}.")


def _input_field(
    owner: str,
    node: InputValueDefinitionNode,
    entity: Entity,
    inputs: Mapping[str, InputObjectTypeDefinitionNode],
    entities: Mapping[str, Entity],
) -> InputField:
    name = node.name.value
    if find_directive(node, "key") is not None:
        return InputKey()
    if name == "expectedVersion":
        return InputVersion()
    field = entity.fields.get(name)
    if isinstance(field, Column):
        return InputColumn(field, _text_rule(node))
    parent = entity.fields.get(name.removesuffix("Id"))
    if name.endswith("Id") and isinstance(parent, Relation) and parent.shape is Shape.ONE:
        return InputParent(parent, required=not is_nullable(node.type))
    if isinstance(field, Relation) and field.shape is Shape.LIST and is_list(node.type):
        item = inputs.get(named_type(node.type))
        columns = _child_columns(item, entities[field.target], inputs, entities) if item else None
        if columns is not None:
            return InputChildren(field, columns)
    raise SchemaError(f"{owner}.{name}: {entity.name} has no such column, relation or list.")


def _child_columns(
    item: InputObjectTypeDefinitionNode,
    child: Entity,
    inputs: Mapping[str, InputObjectTypeDefinitionNode],
    entities: Mapping[str, Entity],
) -> dict[str, InputColumn] | None:
    """What each field of a child's input is written to; None where one is not a column."""
    columns: dict[str, InputColumn] = {}
    for part in item.fields or ():
        found = _input_field(item.name.value, part, child, inputs, entities)
        if not isinstance(found, InputColumn):
            return None
        columns[part.name.value] = found
    return columns


def _text_rule(node: InputValueDefinitionNode) -> TextRule:
    length = find_directive(node, "length") or {}
    pattern = find_directive(node, "pattern") or {}
    return TextRule(
        minimum=length.get("min", 0),
        maximum=length.get("max", LONGEST_TEXT),
        pattern=pattern.get("regex"),
        expected=pattern.get("expected"),
    )
