"""The field of a procedure's input that is a new row's id: `@key(type:)`. Called by `mutations`."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import InputObjectTypeDefinitionNode

from poutama.errors import SchemaError
from poutama.schema.directives import find_directive, is_list, is_nullable, named_type
from poutama.schema.model import ClientId, Entity, PayloadField, PayloadRow
from poutama.schema.source_location import at_node


def find_client_id(
    input_type: InputObjectTypeDefinitionNode,
    payload: Mapping[str, PayloadField],
    entities: Mapping[str, Entity],
) -> ClientId | None:
    """What the input says of the new row's id; None where the client does not make it.

    Raises:
        SchemaError: it names no type, or the payload could not be read again by the id alone.
    """
    found: ClientId | None = None
    for field in input_type.fields or ():
        key = find_directive(field, "key")
        if key is None:
            continue
        where = f"{input_type.name.value}.{field.name.value}"
        with at_node(field):
            if named_type(field.type) != "UUID" or is_list(field.type):
                raise SchemaError(f"{where}: expected UUID, which a row's id is.")
            if not is_nullable(field.type) or found is not None:
                raise SchemaError(f"{where}: expected one @key, which may be left out.")
            if key.get("type") not in entities:
                raise SchemaError(f"{where}: @key: expected the type of the row that is made.")
            rows = {
                each.target if isinstance(each, PayloadRow) else "" for each in payload.values()
            }
            if rows != {key["type"]}:
                raise SchemaError(
                    f"{where}: @key: the payload holds more than the {key['type']}, and could not"
                    " be read again by its id."
                )
            found = ClientId(field.name.value, key["type"], key.get("by"))
    return found
