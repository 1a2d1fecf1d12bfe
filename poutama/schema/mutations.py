"""The mutations of the schema files: what each does, and what each field of its input is for.

Called by `load`. An input field of a write finds its meaning by its directive, else by its name: a
column of the type, the id of a relation (`goalId` for `goal`), or the type's list that it fills. An
input field of a procedure is what the procedure reads, under the same rules for texts and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
)

from poutama.errors import SchemaError
from poutama.schema.bulk import find_bulk, name_payload, name_result
from poutama.schema.client_ids import find_client_id
from poutama.schema.directives import find_directive, is_list, is_nullable, named_type
from poutama.schema.entities import KINDS
from poutama.schema.input_rules import NumberRule, TextRule
from poutama.schema.model import (
    Action,
    Bulk,
    Column,
    Entity,
    InputChildren,
    InputColumn,
    InputField,
    InputKey,
    InputParent,
    InputVersion,
    Mutation,
    NumberInput,
    ObjectInput,
    PayloadField,
    PayloadId,
    PayloadParent,
    PayloadRow,
    PayloadValue,
    PlainInput,
    Relation,
    RelationShape,
    TextInput,
)
from poutama.schema.permissions import load_permissions
from poutama.schema.source_location import at_node
from poutama.text import LONGEST_TEXT

PAYLOAD_VALUES = frozenset({"UUID", "String", "Int", "Boolean"})
"""What a procedure's payload may hold besides rows."""

_NAMES = {kind: name for name, kind in KINDS.items()}


def load_mutations(
    document: DocumentNode, entities: Mapping[str, Entity], enums: Mapping[str, tuple[str, ...]]
) -> dict[str, Mutation]:
    """Every field of the type Mutation, by name.

    Raises:
        SchemaError: a field does not say what it does, or its input or payload leads nowhere.
    """
    loader = _Loader(
        inputs={
            node.name.value: node
            for node in document.definitions
            if isinstance(node, InputObjectTypeDefinitionNode)
        },
        objects={
            node.name.value: node
            for node in document.definitions
            if isinstance(node, ObjectTypeDefinitionNode)
        },
        entities=entities,
        enums=enums,
    )
    found: dict[str, Mutation] = {}
    fields = find_mutations(document)
    singles = {field.name.value for field in fields}
    for field in fields:
        mutation = loader.load(field)
        found[mutation.field] = mutation
        if (declared := find_bulk(field)) is not None:
            name, limit = declared
            if name in found or name in singles:
                with at_node(field):
                    raise SchemaError(f"Mutation.{name}: another mutation has this name.")
            bulk = Bulk(mutation.field, name_result(mutation.field), limit)
            found[name] = replace(mutation, field=name, payload_type=name_payload(name), bulk=bulk)
    return found


def find_mutations(document: DocumentNode) -> list[FieldDefinitionNode]:
    """The nodes of the mutations."""
    return [
        field
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and node.name.value == "Mutation"
        for field in node.fields or ()
    ]


@dataclass(frozen=True, slots=True)
class _Loader:
    inputs: Mapping[str, InputObjectTypeDefinitionNode]
    objects: Mapping[str, ObjectTypeDefinitionNode]
    entities: Mapping[str, Entity]
    enums: Mapping[str, tuple[str, ...]]

    def load(self, node: FieldDefinitionNode) -> Mutation:
        name = node.name.value
        where = f"Mutation.{name}"
        with at_node(node):
            payload = self.objects.get(named_type(node.type))
            if payload is None:
                raise SchemaError(f"{where}: its payload {named_type(node.type)} is not defined.")
            if is_list(node.type):
                raise SchemaError(f"{where}: it returns one payload, not a list.")
            try:
                if (procedure := find_directive(node, "procedure")) is not None:
                    return self._load_procedure(node, procedure["name"], payload)
                return self._load_write(node, payload)
            except SchemaError as error:
                if type(error) is not SchemaError or error.message.startswith(where):
                    raise
                raise SchemaError(f"{where}: {error.message}") from error

    def _load_procedure(
        self, node: FieldDefinitionNode, procedure: str, payload: ObjectTypeDefinitionNode
    ) -> Mutation:
        input_type = self._input_type(node)
        permissions, everyone, new_sign_in = load_permissions(
            node, input_type, self.entities, self.enums
        )
        fields = self._payload_fields(payload, None, Action.PROCEDURE)
        return Mutation(
            field=node.name.value,
            action=Action.PROCEDURE,
            entity=None,
            procedure=procedure,
            inputs=self._read_fields(input_type, ()),
            payload_type=payload.name.value,
            payload=fields,
            permissions=permissions,
            everyone=everyone,
            client_id=find_client_id(input_type, fields, self.entities),
            new_sign_in=new_sign_in,
        )

    def _load_write(self, node: FieldDefinitionNode, payload: ObjectTypeDefinitionNode) -> Mutation:
        action, entity = self._changed(node)
        input_type = self._input_type(node)
        inputs: dict[str, InputField] = {}
        for field in input_type.fields or ():
            with at_node(field):
                inputs[field.name.value] = self._written(input_type.name.value, field, entity)
        keys = [name for name, field in inputs.items() if isinstance(field, InputKey)]
        if len(keys) != 1 and (keys or action is not Action.INSERT):
            raise SchemaError(
                f"{input_type.name.value}: an update or delete has one @key, an insert one or none."
            )
        fields = self._payload_fields(payload, entity, action)
        return Mutation(
            node.name.value, action, entity.name, None, inputs, payload.name.value, fields
        )

    def _input_type(self, node: FieldDefinitionNode) -> InputObjectTypeDefinitionNode:
        arguments = node.arguments or ()
        for argument in arguments:
            input_type = self.inputs.get(named_type(argument.type))
            plain = not is_list(argument.type) and not is_nullable(argument.type)
            if argument.name.value == "input" and input_type and plain and len(arguments) == 1:
                return input_type
        raise SchemaError("takes one argument, `input`, of an input type that is required.")

    def _payload_fields(
        self, payload: ObjectTypeDefinitionNode, entity: Entity | None, action: Action
    ) -> dict[str, PayloadField]:
        """What the fields hold; `entity`: the type written, None for a procedure."""
        fields: dict[str, PayloadField] = {}
        for field in payload.fields or ():
            with at_node(field):
                parent = _find_parent(field, entity) if action is Action.DELETE else None
                fields[field.name.value] = parent or self._payload_field(
                    payload.name.value, field, None if entity is None else entity.name
                )
        return fields

    def _payload_field(
        self, payload: str, node: FieldDefinitionNode, entity: str | None
    ) -> PayloadField:
        kind, nullable = named_type(node.type), is_nullable(node.type)
        where = f"{payload}.{node.name.value}"
        if is_list(node.type):
            raise SchemaError(f"{where}: a payload holds single rows and values, not lists.")
        if entity is None:
            if kind in self.entities:
                return PayloadRow(kind, nullable)
            if kind in PAYLOAD_VALUES or kind in self.enums:
                once = find_directive(node, "shownOnce") is not None
                if once and not nullable:
                    raise SchemaError(f"{where}: @shownOnce needs a field that may be null.")
                return PayloadValue(nullable, once)
            raise SchemaError(f"{where}: a payload holds rows and plain values, not {kind}.")
        if nullable:
            raise SchemaError(f"{where}: the row written is there; say {kind}!.")
        if kind == entity:
            return PayloadRow(kind)
        if kind == "UUID":
            return PayloadId()
        raise SchemaError(f"{where}: the payload of a write holds {entity} and ids, not {kind}.")

    def _changed(self, node: FieldDefinitionNode) -> tuple[Action, Entity]:
        """What the mutation does, and to which type's rows."""
        for action in (Action.INSERT, Action.UPDATE, Action.DELETE):
            if (found := find_directive(node, action.value)) is not None:
                break
        else:
            raise SchemaError("expected @insert, @update, @delete or @procedure.")
        entity = self.entities.get(found["type"])
        if entity is None:
            raise SchemaError(f"{found['type']} has no @table.")
        if entity.over:
            raise SchemaError(f"{entity.name} is a view: only a procedure can change its tables.")
        if action not in entity.changes:
            raise SchemaError(f"{entity.name} has no @change that lets anyone {action}.")
        return action, entity

    def _written(self, owner: str, node: InputValueDefinitionNode, entity: Entity) -> InputField:
        name = node.name.value
        where = f"{owner}.{name}"
        if (key := find_directive(node, "key")) is not None:
            _require_type(where, node, "UUID")
            if key:
                raise SchemaError(f"{where}: @key takes no arguments here.")
            return InputKey()
        if name == "expectedVersion":
            _require_type(where, node, "Int")
            return InputVersion()
        field = entity.fields.get(name)
        if isinstance(field, Column):
            if field.true_since is not None:
                raise SchemaError(f"{where}: {entity.name}.{name} follows another column.")
            _require_type(where, node, field.enum or _NAMES[field.kind], several=field.is_list)
            certain = not is_nullable(node.type) or node.default_value is not None
            return InputColumn(field, _text_rule(node), _number_rule(node), certain)
        parent = entity.fields.get(name.removesuffix("Id"))
        if (
            name.endswith("Id")
            and isinstance(parent, Relation)
            and parent.shape is RelationShape.ONE
        ):
            _require_type(where, node, "UUID")
            return InputParent(parent, required=not is_nullable(node.type))
        if isinstance(field, Relation) and field.shape is RelationShape.LIST and is_list(node.type):
            item = self.inputs.get(named_type(node.type))
            found = self._child_columns(item, self.entities[field.target]) if item else None
            if found is not None:
                columns, child_key = found
                return InputChildren(field, columns, child_key)
        raise SchemaError(f"{where}: {entity.name} has no column, relation or list of that name.")

    def _child_columns(
        self, item: InputObjectTypeDefinitionNode, child: Entity
    ) -> tuple[dict[str, InputColumn], str | None] | None:
        """What each field of a child's input is written to, and the one that is the row's id.

        None where one is something else.
        """
        columns: dict[str, InputColumn] = {}
        key: str | None = None
        for part in item.fields or ():
            with at_node(part):
                found = self._written(item.name.value, part, child)
            if isinstance(found, InputKey) and key is None:
                key = part.name.value
                continue
            if not isinstance(found, InputColumn):
                return None
            columns[part.name.value] = found
        return columns, key

    def _read_fields(
        self, input_type: InputObjectTypeDefinitionNode, above: tuple[str, ...]
    ) -> dict[str, InputField]:
        if input_type.name.value in above:
            raise SchemaError(f"{input_type.name.value}: an input that contains itself.")
        fields: dict[str, InputField] = {}
        for node in input_type.fields or ():
            with at_node(node):
                fields[node.name.value] = self._read_field(node, (*above, input_type.name.value))
        return fields

    def _read_field(self, node: InputValueDefinitionNode, above: tuple[str, ...]) -> InputField:
        kind = named_type(node.type)
        if find_directive(node, "key") is not None:
            if len(above) > 1:
                raise SchemaError(f"{above[-1]}.{node.name.value}: @key has no effect here.")
            return InputKey()
        if kind in self.inputs:
            return ObjectInput(self._read_fields(self.inputs[kind], above))
        if kind == "String":
            return TextInput(_text_rule(node))
        if kind == "Int":
            return NumberInput(_number_rule(node))
        return PlainInput()


def _find_parent(node: FieldDefinitionNode, entity: Entity | None) -> PayloadParent | None:
    """What the payload of a deletion says of a row to which the deleted row belonged."""
    found = None if entity is None else entity.fields.get(node.name.value)
    if not isinstance(found, Relation) or found.shape is not RelationShape.ONE or not found.key:
        return None
    if found.target != named_type(node.type) or is_list(node.type):
        return None
    if not is_nullable(node.type):
        raise SchemaError(
            f"{node.name.value}: the caller may not see it once the row is deleted; expected it"
            " to be nullable."
        )
    return PayloadParent(found)


def _require_type(
    where: str, node: InputValueDefinitionNode, name: str, *, several: bool = False
) -> None:
    if is_list(node.type) != several or named_type(node.type) != name:
        expected = f"[{name}!]" if several else name
        raise SchemaError(f"{where}: expected {expected}, what is written there.")


def _text_rule(node: InputValueDefinitionNode) -> TextRule:
    length = find_directive(node, "length") or {}
    pattern = find_directive(node, "pattern") or {}
    maximum = length.get("max", LONGEST_TEXT)
    if maximum > LONGEST_TEXT:
        raise SchemaError(f"@length(max: {maximum}): a text has {LONGEST_TEXT} characters at most.")
    return TextRule(
        minimum=length.get("min", 0),
        maximum=maximum,
        pattern=pattern.get("regex"),
        expected=pattern.get("expected"),
        is_name=find_directive(node, "name") is not None,
    )


def _number_rule(node: InputValueDefinitionNode) -> NumberRule:
    arguments = find_directive(node, "range") or {}
    return NumberRule(arguments.get("min"), arguments.get("max"))
