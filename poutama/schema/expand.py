"""What the schema files leave unsaid: connections, filters, orders and list arguments.

For every type with a table this writes `XConnection`, `XEdge`, `XFilter`, `XListFilter` and
`XOrder`, gives `@many` and `@rows` fields their list arguments, and takes the mapping directives
out, so that what remains is the public schema. Called by `load`; pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    parse,
)

from poutama.schema.bulk import expand_bulk
from poutama.schema.directives import (
    MAPPING,
    MAPPING_TYPES,
    Directed,
    find_directive,
    is_list,
    named_type,
    snake_case,
)

SCALAR_FILTERS = {
    "UUID": "UUIDFilter",
    "String": "StringFilter",
    "Boolean": "BooleanFilter",
    "Int": "IntFilter",
    "DateTime": "DateTimeFilter",
}
N = TypeVar("N", bound=Directed)
LIST_FIELDS = ("many", "rows")
LIST_ARGUMENTS = ("first", "after", "last", "before", "filter", "orderBy")


def expand_document(document: DocumentNode) -> DocumentNode:
    """The public schema of a document of schema files put together."""
    definitions = [
        node
        for node in document.definitions
        if not (isinstance(node, DirectiveDefinitionNode) and node.name.value in MAPPING)
        and not is_mapping_type(node)
    ]
    fields = table_fields(document)
    enums = {node.name.value for node in definitions if isinstance(node, EnumTypeDefinitionNode)}
    written = "\n".join(
        part
        for name, nodes in fields.items()
        for part in (
            _connection(name),
            _filter(name, nodes, fields.keys(), enums),
            _list_filter(name),
            _order(name, nodes, enums),
        )
    )
    written += "\n".join(_enum_filter(name) for name in sorted(enums))
    included = _list_options(document)
    public = [_publish(node, included) for node in definitions]
    return DocumentNode(definitions=(*public, *expand_bulk(document), *parse(written).definitions))


def is_mapping_type(node: DefinitionNode) -> bool:
    """Whether the definition is the type of a mapping directive's argument."""
    kinds = (EnumTypeDefinitionNode, InputObjectTypeDefinitionNode)
    return isinstance(node, kinds) and node.name.value in MAPPING_TYPES


def table_fields(document: DocumentNode) -> dict[str, list[FieldDefinitionNode]]:
    """The fields of every type with a table, those of its extensions included."""
    found: dict[str, list[FieldDefinitionNode]] = {
        node.name.value: []
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode) and find_directive(node, "table") is not None
    }
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            found.get(node.name.value, []).extend(node.fields or ())
    return found


def connection_name(entity: str) -> str:
    return f"{entity}Connection"


def order_name(entity: str) -> str:
    return f"{entity}Order"


def is_hidden(node: FieldDefinitionNode) -> bool:
    """Whether the field cannot distinguish rows: what is hidden must not show by an order or
    by what a filter leaves over, and what Python computes the database does not know.
    """
    return any(find_directive(node, name) is not None for name in ("restricted", "computed"))


def order_values(
    nodes: Iterable[FieldDefinitionNode], enums: Iterable[str]
) -> Mapping[str, tuple[str, bool]]:
    """Value of the order enum -> (field, descending)."""
    values: dict[str, tuple[str, bool]] = {}
    for node in nodes:
        kind = named_type(node.type)
        searchable = find_directive(node, "search") is not None
        if (
            is_list(node.type)
            or is_hidden(node)
            or not (searchable or kind in enums or kind in ("Int", "DateTime", "Boolean"))
        ):
            continue
        name = snake_case(node.name.value).upper()
        values[f"{name}_ASC"] = (node.name.value, False)
        values[f"{name}_DESC"] = (node.name.value, True)
    return values


def _connection(name: str) -> str:
    return f"""
"A page of a list."
type {name}Connection {{
  "How many there are on all pages together."
  totalCount: Int!
  edges: [{name}Edge!]!
  nodes: [{name}!]!
  pageInfo: PageInfo!
}}
"One of a page, with its place."
type {name}Edge {{
  cursor: String!
  node: {name}!
}}"""


def _filter(
    name: str,
    nodes: Iterable[FieldDefinitionNode],
    entities: Iterable[str],
    enums: Iterable[str],
) -> str:
    lines = [f"and: [{name}Filter!]", f"or: [{name}Filter!]", f"not: {name}Filter"]
    if any(find_directive(node, "search") is not None for node in nodes):
        lines.append(
            '"Its texts have each of these words in them; case, macrons and accents do not matter."'
            "\nsearch: String"
        )
    for node in nodes:
        if is_hidden(node) or "memberships" in (find_directive(node, "many") or {}):
            continue
        kind = named_type(node.type)
        field = node.name.value
        if find_directive(node, "search") is not None:
            lines.append(f"{field}: TextFilter")
        elif kind in SCALAR_FILTERS:
            lines.append(f"{field}: {SCALAR_FILTERS[kind]}")
        elif kind in enums:
            lines.append(f"{field}: {kind}Filter")
        elif kind in entities:
            lines.append(f"{field}: {kind}{'List' if is_list(node.type) else ''}Filter")
    return (
        '\n"All conditions given must hold; `{}` always does."\n'
        f"input {name}Filter {{\n" + "\n".join(lines) + "\n}"
    )


def _list_filter(name: str) -> str:
    return f"""
"Conditions on the rows of a list that the viewer may see; all given must hold."
input {name}ListFilter {{
  "At least one fits."
  some: {name}Filter
  "None fits."
  none: {name}Filter
  "All fit; true of an empty list."
  every: {name}Filter
}}"""


def _enum_filter(name: str) -> str:
    return f"""
"All conditions given must hold."
input {name}Filter {{
  eq: {name}
  in: [{name}!]
}}"""


def _order(name: str, nodes: Iterable[FieldDefinitionNode], enums: Iterable[str]) -> str:
    values = "\n".join(order_values(nodes, enums))
    help_ = "How a list is sorted; rows without a value come last."
    return f'\n"{help_}"\nenum {name}Order {{\n{values}\n}}'


def _list_options(document: DocumentNode) -> dict[str, str]:
    """Type -> what further argument its lists have, of those that leave rows out."""
    found = {}
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode):
            unlisted = find_directive(node, "unlisted")
            if unlisted is not None:
                found[node.name.value] = f"""
      "Whether to include those that have `{unlisted["field"]}`."
      {unlisted["argument"]}: Boolean! = false"""
    return found


def _publish(node: DefinitionNode, options: Mapping[str, str]) -> DefinitionNode:
    """The node without mapping directives, its lists with their arguments."""
    if isinstance(node, InputObjectTypeDefinitionNode):
        return replace(node, fields=tuple(_bare(field) for field in node.fields or ()))
    if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
        fields = tuple(_field(field, options) for field in node.fields or ())
        return replace(_bare(node), fields=fields)
    return node


def _field(node: FieldDefinitionNode, options: Mapping[str, str]) -> FieldDefinitionNode:
    arguments = tuple(_bare(argument) for argument in node.arguments or ())
    lists = any(find_directive(node, name) is not None for name in LIST_FIELDS)
    kind = named_type(node.type)
    target = kind.removesuffix("Connection")
    if lists:
        arguments += _list_arguments(target, options.get(target, ""), pages=kind != target)
    return replace(_bare(node), arguments=arguments)


def _list_arguments(
    target: str, option: str, *, pages: bool
) -> tuple[InputValueDefinitionNode, ...]:
    backward = """
      "How many at the end, at most; not together with `first`."
      last: Int
      "Only what comes before this cursor."
      before: String"""
    text = f"""type T {{ f(
      "How many, at most."
      first: Int
      "Only what comes after this cursor, of this list and under the same order."
      after: String{backward if pages else ""}
      filter: {target}Filter
      orderBy: [{target}Order!]{option}
    ): Int }}"""
    (holder,) = parse(text, no_location=True).definitions
    assert isinstance(holder, ObjectTypeDefinitionNode)
    (field,) = holder.fields or ()
    return tuple(field.arguments or ())


def _bare(node: N) -> N:
    kept = tuple(d for d in node.directives or () if d.name.value not in MAPPING)
    return replace(node, directives=kept)
