"""Mutations of several inputs: what `@bulk` beside a mutation adds to the public schema.

For `updateGoalTask` with `@bulk(name: "updateGoalTasks")`: the field `updateGoalTasks`, its payload
with `results`, and `UpdateGoalTaskResult`, which has the fields of the single payload, or an error.
`expand` writes them, `mutations` reads the directive. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    parse,
    print_ast,
)

from poutama.errors import SchemaError
from poutama.schema.directives import find_directive, named_type
from poutama.schema.source_location import at_node

DEFAULT_LIMIT = 100
ERROR = "ItemError"
NOTHING = "one that fails writes nothing"
RESULTS, RESULT_ERROR = "results", "error"


def find_bulk(node: FieldDefinitionNode) -> tuple[str, int] | None:
    """The name of the mutation of several inputs, and how many it takes; None without one.

    Raises:
        SchemaError: it takes none.
    """
    found = find_directive(node, "bulk")
    if found is None:
        return None
    limit = found.get("limit", DEFAULT_LIMIT)
    if limit < 1:
        with at_node(node):
            raise SchemaError(f"Mutation.{node.name.value}: @bulk: expected a limit of at least 1.")
    return found["name"], limit


def name_payload(field: str) -> str:
    """The payload type of a mutation of several inputs."""
    return f"{_capitalize(field)}Payload"


def name_result(single: str) -> str:
    """The type of a result."""
    return f"{_capitalize(single)}Result"


def expand_bulk(document: DocumentNode) -> tuple[DefinitionNode, ...]:
    """The public definitions of all that `@bulk` declares."""
    objects = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
    }
    written = "\n".join(
        part
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and node.name.value == "Mutation"
        for field in node.fields or ()
        for part in _expand(field, objects)
    )
    return parse(written, no_location=True).definitions if written else ()


def _expand(
    field: FieldDefinitionNode, objects: dict[str, ObjectTypeDefinitionNode]
) -> Iterator[str]:
    declared = find_bulk(field)
    payload = objects.get(named_type(field.type))
    if declared is None or payload is None:
        return
    name, limit = declared
    single = field.name.value
    (argument,) = field.arguments or ()
    shown = []
    for part in payload.fields or ():
        if part.name.value == RESULT_ERROR:
            with at_node(part):
                raise SchemaError(f"{payload.name.value}.error: results have that beside it.")
        described = print_ast(part.description) + "\n" if part.description else ""
        shown.append(f"{described}{part.name.value}: {named_type(part.type)}")
    yield f"""
extend type Mutation {{
  "As `{single}`, for up to {limit} inputs. Each succeeds or fails by itself; {NOTHING}."
  {name}(inputs: [{named_type(argument.type)}!]!): {name_payload(name)}!
}}
type {name_payload(name)} {{
  "One for each of the inputs, in their order."
  {RESULTS}: [{name_result(single)}!]!
}}
"What came of one input: its fields are null where there is an `error`."
type {name_result(single)} {{
  {" ".join(shown)}
  "Why nothing was written for this input; null where it succeeded."
  {RESULT_ERROR}: {ERROR}
}}"""


def _capitalize(name: str) -> str:
    return name[0].upper() + name[1:]
