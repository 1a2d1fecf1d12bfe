"""SDL files -> `Model`. Called once when a process starts; pure but for reading the files.

Every mistake a schema author can make here is a `SchemaError` that names the type and the field:
a type with a table but no rule of visibility, a relation to a type without a table, a mutation
whose input has a field that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    build_ast_schema,
    extend_schema,
    parse,
    print_schema,
    validate_schema,
)

from poutama.errors import SchemaError
from poutama.schema.check import check_document, check_expanded, check_rules
from poutama.schema.directives import (
    find_directive,
    is_list,
    is_nullable,
    named_type,
    snake_case,
)
from poutama.schema.expand import (
    connection_name,
    expand_document,
    order_name,
    order_values,
    table_fields,
)
from poutama.schema.model import (
    Column,
    Entity,
    Field,
    Kind,
    Model,
    OrderTerm,
    Relation,
    Rule,
    Shape,
)
from poutama.schema.mutations import load_mutations
from poutama.schema.scalars import attach_scalars

KINDS = {
    "UUID": Kind.UUID,
    "String": Kind.TEXT,
    "Boolean": Kind.BOOLEAN,
    "Int": Kind.INTEGER,
    "DateTime": Kind.TIMESTAMP,
}


@cache
def load_model() -> Model:
    """The model of the schema files that lie beside this module, in the order of their names."""
    sources = [file for file in files(__package__).iterdir() if file.name.endswith(".graphql")]
    return build_model(
        "\n".join(file.read_text("utf-8") for file in sorted(sources, key=lambda file: file.name))
    )


def build_model(sdl: str) -> Model:
    """The model that a text of definitions and mapping directives describes.

    Raises:
        SchemaError: the text is no schema, or its mapping leads nowhere; says where.
    """
    document = _parse(sdl)
    check_document(document)
    enums = {
        node.name.value: tuple(value.name.value for value in node.values or ())
        for node in document.definitions
        if isinstance(node, EnumTypeDefinitionNode)
    }
    # What the mapping says comes first: its mistakes are told in the words they were made in.
    entities = _load_entities(document, enums)
    check_rules(entities)
    roots = _load_roots(document, entities)
    return Model(
        schema=_build_public(document),
        entities=entities,
        roots=roots,
        mutations=load_mutations(document, entities),
        orders=_load_orders(document, entities, enums),
        enums=enums,
    )


def _parse(sdl: str) -> DocumentNode:
    try:
        return parse(sdl, no_location=True)
    except GraphQLError as error:
        raise SchemaError(f"The schema files are not valid: {error}") from error


def _build_public(document: DocumentNode) -> GraphQLSchema:
    """The schema that is served, with its generated types and without mapping directives."""
    try:
        public = expand_document(document)
        check_expanded(public)
        schema = build_ast_schema(_without_extensions(public), assume_valid_sdl=True)
        schema = extend_schema(schema, _only_extensions(public))
    except (GraphQLError, TypeError) as error:
        raise SchemaError(f"The schema files are not valid: {error}") from error
    problems = validate_schema(schema)
    if problems:
        raise SchemaError(f"The schema files are not valid: {problems[0].message}")
    attach_scalars(schema)
    return schema


def print_public_sdl(model: Model) -> str:
    """The schema as a front-end developer reads it."""
    return print_schema(model.schema) + "\n"


def _is_extension(node: object) -> bool:
    return type(node).__name__.endswith("ExtensionNode")


def _without_extensions(document: DocumentNode) -> DocumentNode:
    return DocumentNode(
        definitions=tuple(node for node in document.definitions if not _is_extension(node))
    )


def _only_extensions(document: DocumentNode) -> DocumentNode:
    return DocumentNode(
        definitions=tuple(node for node in document.definitions if _is_extension(node))
    )


def _load_entities(
    document: DocumentNode, enums: Mapping[str, tuple[str, ...]]
) -> dict[str, Entity]:
    fields = table_fields(document)
    loaded = {
        name: {node.name.value: _load_field(name, node, fields.keys(), enums) for node in nodes}
        for name, nodes in fields.items()
    }
    entities = {}
    for node in document.definitions:
        if not isinstance(node, ObjectTypeDefinitionNode) or node.name.value not in loaded:
            continue
        name = node.name.value
        table = find_directive(node, "table") or {}
        orders = order_values(fields[name], enums)
        for value in table.get("order", ["CREATED_AT_ASC"]):
            if value not in orders:
                raise SchemaError(
                    f"{name}: @table(order:) names {value}, which it has no field for."
                )
        entities[name] = Entity(
            name=name,
            table=table["name"],
            fields=loaded[name],
            order=tuple(
                _order_term(loaded[name], *orders[value])
                for value in table.get("order", ["CREATED_AT_ASC"])
            ),
            rule=_load_rule(node, loaded[name]),
        )
        key = loaded[name].get("id")
        _require(
            isinstance(key, Column) and key.kind is Kind.UUID and not key.nullable,
            f"{name}: a type with a table needs a field `id: UUID!`.",
        )
    return entities


def _load_field(
    entity: str,
    node: FieldDefinitionNode,
    entities: Iterable[str],
    enums: Mapping[str, tuple[str, ...]],
) -> Field:
    name, kind = node.name.value, named_type(node.type)
    if (one := find_directive(node, "one")) is not None:
        _require(kind in entities, f"{entity}.{name}: @one leads to {kind}, which has no @table.")
        return Relation(name, kind, Shape.ONE, one["key"], nullable=is_nullable(node.type))
    if (many := find_directive(node, "many")) is not None:
        return _many(f"{entity}.{name}", node, many["key"], entities)
    _require(
        kind in KINDS or kind in enums,
        f"{entity}.{name}: {kind} is no column; say @one or @many where it is a relation.",
    )
    _require(not is_list(node.type), f"{entity}.{name}: a column cannot be a list.")
    column = find_directive(node, "column") or {}
    sequence = find_directive(node, "sequence") or {}
    return Column(
        field=name,
        name=column.get("name", snake_case(name)),
        kind=KINDS.get(kind, Kind.ENUM),
        nullable=is_nullable(node.type),
        searchable=find_directive(node, "search") is not None,
        sequence=sequence.get("within"),
    )


def _many(
    where: str, node: FieldDefinitionNode, key: str | None, entities: Iterable[str]
) -> Relation:
    kind = named_type(node.type)
    target = kind.removesuffix("Connection")
    _require(target in entities, f"{where}: its rows would be {target}, which has no @table.")
    _require(
        is_list(node.type) or kind == connection_name(target),
        f"{where}: expected [{target}!]! or {target}Connection!.",
    )
    shape = Shape.LIST if is_list(node.type) else Shape.CONNECTION
    return Relation(node.name.value, target, shape, key)


def _load_rule(node: ObjectTypeDefinitionNode, fields: Mapping[str, Field]) -> Rule:
    name = node.name.value
    visible = find_directive(node, "visible")
    if visible is None:
        raise SchemaError(f"{name}: say who may see its rows with @visible.")
    owner, through = visible.get("owner"), visible.get("through")
    _require(
        (owner is None) != (through is None), f"{name}: @visible takes either owner or through."
    )
    relation = fields.get(through) if through else None
    _require(
        through is None or (isinstance(relation, Relation) and relation.shape is Shape.ONE),
        f"{name}: @visible(through: {through!r}) is not one of its @one fields.",
    )
    return Rule(owner=owner, through=relation if isinstance(relation, Relation) else None)


def _load_roots(document: DocumentNode, entities: Mapping[str, Entity]) -> dict[str, Relation]:
    roots = {}
    for node in _root_fields(document, "Query"):
        name, kind = node.name.value, named_type(node.type)
        if find_directive(node, "viewer") is not None:
            _require(kind in entities, f"Query.{name}: {kind} has no @table.")
            roots[name] = Relation(
                name, kind, Shape.ONE, None, nullable=is_nullable(node.type), viewer=True
            )
            continue
        _require(find_directive(node, "rows") is not None, f"Query.{name}: say @rows or @viewer.")
        plain = _many(f"Query.{name}", node, None, entities)
        arguments = {
            argument.name.value: _kept_by(f"Query.{name}", entities[plain.target], where["field"])
            for argument in node.arguments or ()
            if (where := find_directive(argument, "where")) is not None
        }
        roots[name] = Relation(name, plain.target, plain.shape, None, arguments=arguments)
    return roots


def _kept_by(where: str, entity: Entity, field: str) -> Column:
    column = entity.fields.get(field)
    if not isinstance(column, Column):
        raise SchemaError(f"{where}: @where names {field}, which is no column of {entity.name}.")
    return column


def _root_fields(document: DocumentNode, root: str) -> list[FieldDefinitionNode]:
    return [
        field
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and node.name.value == root
        for field in node.fields or ()
    ]


def _load_orders(
    document: DocumentNode,
    entities: Mapping[str, Entity],
    enums: Mapping[str, tuple[str, ...]],
) -> dict[str, dict[str, OrderTerm]]:
    return {
        order_name(name): {
            value: _order_term(entities[name].fields, field, descending)
            for value, (field, descending) in order_values(nodes, enums).items()
        }
        for name, nodes in table_fields(document).items()
    }


def _order_term(fields: Mapping[str, Field], field: str, descending: bool) -> OrderTerm:
    column = fields[field]
    assert isinstance(column, Column)
    return OrderTerm(column, descending)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise SchemaError(message)
