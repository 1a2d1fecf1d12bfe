"""Which mapping directives have an effect where: all others are mistakes, found when a model loads.

Called by `load`. A directive that the grammar allows at a place may still do nothing there: a
`@length` on a number, a `@search` on a relation, a `@key` in a procedure's input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
)

from poutama.errors import SchemaError
from poutama.schema.directives import (
    MAPPING,
    Directed,
    find_directive,
    named_type,
)
from poutama.schema.mutations import find_mutations
from poutama.schema.source_location import at_node

_TYPE = frozenset({"table", "visible", "change", "audited", "quota", "unlisted"})
_COLUMN = frozenset({"column", "restricted"})
_BY_KIND: Mapping[str, frozenset[str]] = {
    "String": _COLUMN | {"search"},
    "Int": _COLUMN | {"sequence"},
    "UUID": _COLUMN,
    "Boolean": _COLUMN,
    "DateTime": _COLUMN | {"trueSince"},
}
_ENUM = _COLUMN | {"default"}
_WRITES = ("insert", "update", "delete")
_ROOTS = frozenset({"rows", "row", "viewer"})
_INPUT_BY_KIND: Mapping[str, frozenset[str]] = {
    "String": frozenset({"length", "pattern", "name"}),
    "Int": frozenset({"range"}),
}


def check_placement(document: DocumentNode) -> None:
    """Refuse every mapping directive that has no effect where it is.

    Raises:
        SchemaError: with file and line of the first of them.
    """
    tables = {
        node.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode) and find_directive(node, "table") is not None
    }
    payloads = _find_payloads(document)
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            _check_object(node, tables, payloads)
    _check_inputs(document)


def _check_object(
    node: ObjectTypeDefinitionNode | ObjectTypeExtensionNode, tables: set[str], payloads: set[str]
) -> None:
    name = node.name.value
    plain = frozenset({"shownOnce"}) if name in payloads else frozenset[str]()
    extended = frozenset({"quota"}) if isinstance(node, ObjectTypeExtensionNode) else _TYPE
    _allow(name, node, extended if name in tables else frozenset())
    for field in node.fields or ():
        where = f"{name}.{field.name.value}"
        if name == "Query":
            _allow(where, field, _ROOTS)
            _only_one(where, field, _ROOTS)
        elif name == "Mutation":
            written = frozenset({*_WRITES, "procedure"})
            procedure = find_directive(field, "procedure") is not None
            _allow(where, field, written | ({"permit"} if procedure else {"bulk"}))
            _only_one(where, field, written)
        else:
            _allow(where, field, _allowed_on(field) if name in tables else plain)
        rows = name == "Query" and find_directive(field, "viewer") is None
        for argument in field.arguments or ():
            place = f"{where}({argument.name.value}:)"
            _allow(place, argument, {"where"} if rows else set())
            if name != "Mutation" and find_directive(argument, "where") is None:
                with at_node(argument):
                    also = " without @where" if rows else ""
                    raise SchemaError(f"{place}: it has no effect here{also}.")


def _find_payloads(document: DocumentNode) -> set[str]:
    """The types of what procedures return."""
    return {
        named_type(field.type)
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and node.name.value == "Mutation"
        for field in node.fields or ()
        if find_directive(field, "procedure") is not None
    }


def _allowed_on(field: FieldDefinitionNode) -> frozenset[str]:
    for relation in ("one", "many"):
        if find_directive(field, relation) is not None:
            return frozenset({relation})
    if find_directive(field, "computed") is not None:
        return frozenset({"computed", "restricted"})
    return _BY_KIND.get(named_type(field.type), _ENUM)


def _check_inputs(document: DocumentNode) -> None:
    inputs = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, InputObjectTypeDefinitionNode)
    }
    keyed = {
        named_type(argument.type)
        for mutation in find_mutations(document)
        for argument in mutation.arguments or ()
    }
    # Of rows inserted along with another: their ids.
    keyed |= {
        named_type(field.type)
        for name in keyed & inputs.keys()
        for field in inputs[name].fields or ()
    }
    used = _reachable(inputs, find_mutations(document))
    for name, node in inputs.items():
        for field in node.fields or ():
            where = f"{name}.{field.name.value}"
            kind = named_type(field.type)
            allowed = _INPUT_BY_KIND.get(kind, frozenset()) if name in used else frozenset()
            if name in keyed and kind == "UUID":
                allowed |= {"key"}
            if find_directive(field, "key") is not None and field.name.value == "expectedVersion":
                allowed = frozenset()
            _allow(where, field, allowed)
            _check_rules(where, field)


def _reachable(
    inputs: Mapping[str, InputObjectTypeDefinitionNode], mutations: Iterable[FieldDefinitionNode]
) -> set[str]:
    """The input types that some mutation reads."""
    found: set[str] = set()
    waiting = [
        named_type(argument.type) for field in mutations for argument in field.arguments or ()
    ]
    while waiting:
        name = waiting.pop()
        if name in inputs and name not in found:
            found.add(name)
            waiting += [named_type(field.type) for field in inputs[name].fields or ()]
    return found


def _check_rules(where: str, field: InputValueDefinitionNode) -> None:
    """Refuse a length or range that nothing fits, and a pattern that is not one."""
    with at_node(field):
        length = find_directive(field, "length")
        if length is not None and not 0 <= length.get("min", 0) <= length["max"]:
            raise SchemaError(f"{where}: @length: expected 0 <= min <= max.")
        range_ = find_directive(field, "range")
        if range_ is not None:
            lowest, highest = range_.get("min"), range_.get("max")
            if lowest is None and highest is None:
                raise SchemaError(f"{where}: @range: expected min, max or both.")
            if lowest is not None and highest is not None and lowest > highest:
                raise SchemaError(f"{where}: @range: expected min <= max.")
        pattern = find_directive(field, "pattern")
        if pattern is not None:
            try:
                re.compile(pattern["regex"])
            except re.error as error:
                raise SchemaError(
                    f"{where}: @pattern: not a regular expression: {error}."
                ) from error


def _allow(where: str, node: Directed, allowed: Iterable[str]) -> None:
    for name in _mapping_directives(node):
        if name not in set(allowed):
            with at_node(node):
                raise SchemaError(f"{where}: @{name} has no effect here.")


def _only_one(where: str, node: Directed, exclusive: frozenset[str]) -> None:
    found = [name for name in _mapping_directives(node) if name in exclusive]
    if len(found) > 1:
        with at_node(node):
            raise SchemaError(f"{where}: expected one of @{' and @'.join(found)}, got both.")


def _mapping_directives(node: Directed) -> Iterator[str]:
    return (each.name.value for each in node.directives or () if each.name.value in MAPPING)
