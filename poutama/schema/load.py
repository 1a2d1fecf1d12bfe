"""SDL files -> `Model`. Called once when a process starts; pure but for reading the files.

Every mistake a schema author can make here is a `SchemaError` that names the type and the field:
a type with a table but no rule of visibility, a relation to a type without a table, a mutation
whose input has a field that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files

import graphql
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
from poutama.schema.audit_rules import check_audits
from poutama.schema.check import check_document, check_expanded, check_rules
from poutama.schema.directive_locations import check_placement
from poutama.schema.directives import (
    MAPPING_TYPES,
    find_directive,
    is_nullable,
    named_type,
)
from poutama.schema.entities import load_entities, load_relation, order_term, require
from poutama.schema.expand import (
    expand_document,
    order_name,
    order_values,
    table_fields,
)
from poutama.schema.inserts import check_inserts
from poutama.schema.model import (
    Column,
    Entity,
    Model,
    OrderTerm,
    Relation,
    RelationShape,
)
from poutama.schema.mutations import load_mutations
from poutama.schema.reachable import keep_reachable
from poutama.schema.scalars import attach_scalars
from poutama.schema.source import Source
from poutama.schema.source_location import at_node, locate_error
from poutama.schema.twins import add_twins


def read_core_sources() -> list[Source]:
    """The schema files beside this module: mapping directives, scalars, filters and pages."""
    found = (file for file in files(__package__).iterdir() if file.name.endswith(".graphql"))
    return [
        Source(f"poutama/schema/{file.name}", file.read_text("utf-8"))
        for file in sorted(found, key=lambda file: file.name)
    ]


def build_model(sources: Sequence[Source]) -> Model:
    """The model that definitions and mapping directives describe.

    Raises:
        SchemaError: the text is not a schema, or its mapping leads nowhere; says where.
    """
    document = _parse(sources)
    check_document(document)
    document = add_twins(document)
    enums = {
        node.name.value: tuple(value.name.value for value in node.values or ())
        for node in document.definitions
        if isinstance(node, EnumTypeDefinitionNode) and node.name.value not in MAPPING_TYPES
    }
    # The mapping comes first: its mistakes are reported in the words they were made in.
    entities = load_entities(document, enums)
    check_rules(entities)
    check_audits(document, entities)
    roots = _load_roots(document, entities)
    mutations = load_mutations(document, entities, enums)
    check_inserts(document, mutations, entities)
    schema = _build_public(document)
    check_placement(document)
    return Model(
        schema=schema,
        entities=entities,
        roots=roots,
        mutations=mutations,
        orders=_load_orders(document, entities, enums),
        enums=enums,
    )


def _parse(sources: Sequence[Source]) -> DocumentNode:
    try:
        parsed = [parse(graphql.Source(each.text, each.name)) for each in sources]
    except GraphQLError as error:
        raise locate_error(error) from error
    return DocumentNode(definitions=tuple(node for each in parsed for node in each.definitions))


def _build_public(document: DocumentNode) -> GraphQLSchema:
    """The schema that is served, with its generated types and without mapping directives."""
    try:
        public = expand_document(document)
        check_expanded(public)
        public = keep_reachable(public)
        schema = build_ast_schema(_without_extensions(public), assume_valid_sdl=True)
        schema = extend_schema(schema, _only_extensions(public))
    except GraphQLError as error:
        raise locate_error(error) from error
    except TypeError as error:
        raise SchemaError(f"The schema files are not valid: {error}") from error
    problems = validate_schema(schema)
    if problems:
        raise locate_error(problems[0])
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


def _load_roots(document: DocumentNode, entities: Mapping[str, Entity]) -> dict[str, Relation]:
    roots: dict[str, Relation] = {}
    for node in _root_fields(document, "Query"):
        with at_node(node):
            roots[node.name.value] = _load_root(node, entities)
    return roots


def _load_root(node: FieldDefinitionNode, entities: Mapping[str, Entity]) -> Relation:
    name, kind = node.name.value, named_type(node.type)
    where = f"Query.{name}"
    if find_directive(node, "viewer") is not None:
        require(kind in entities, f"{where}: {kind} has no @table.")
        return Relation(
            name, kind, RelationShape.ONE, None, nullable=is_nullable(node.type), viewer=True
        )
    if find_directive(node, "row") is not None:
        require(kind in entities, f"{where}: {kind} has no @table.")
        require(is_nullable(node.type), f"{where}: it may find nothing, so it must be nullable.")
        arguments = _where_arguments(where, node, entities[kind])
        require(bool(arguments), f"{where}: @row needs an argument with @where.")
        return Relation(name, kind, RelationShape.ONE, None, nullable=True, arguments=arguments)
    rows = find_directive(node, "rows")
    if rows is None:
        raise SchemaError(f"{where}: expected @rows, @row or @viewer.")
    plain = load_relation(where, node, rows, entities)
    arguments = _where_arguments(where, node, entities[plain.target])
    return replace(plain, arguments=arguments)


def _where_arguments(place: str, node: FieldDefinitionNode, entity: Entity) -> dict[str, Column]:
    return {
        argument.name.value: _kept_by(place, entity, where["field"])
        for argument in node.arguments or ()
        if (where := find_directive(argument, "where")) is not None
    }


def _kept_by(where: str, entity: Entity, field: str) -> Column:
    column = entity.fields.get(field)
    if not isinstance(column, Column):
        raise SchemaError(f"{where}: @where names {field}, which is not a column of {entity.name}.")
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
            value: order_term(entities[name].fields, field, descending)
            for value, (field, descending) in order_values(nodes, enums).items()
        }
        for name, nodes in table_fields(document).items()
    }
