"""The types with a table: their columns, relations, default order and rules. Called by `load`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
)

from poutama.errors import SchemaError
from poutama.schema.audit_rules import load_audit
from poutama.schema.directives import (
    find_directive,
    is_list,
    is_nullable,
    named_type,
    snake_case,
)
from poutama.schema.expand import LIST_ARGUMENTS, connection_name, order_values, table_fields
from poutama.schema.model import (
    Column,
    ColumnKind,
    Computed,
    Entity,
    Field,
    Memberships,
    OrderTerm,
    Relation,
    RelationShape,
    Unlisted,
)
from poutama.schema.quota import Exemption, load_quotas
from poutama.schema.rules import (
    find_id_column,
    load_changes,
    load_defaults,
    load_restriction,
    load_visibility,
)
from poutama.schema.source_location import at_node

KINDS = {
    "UUID": ColumnKind.UUID,
    "String": ColumnKind.TEXT,
    "Boolean": ColumnKind.BOOLEAN,
    "Int": ColumnKind.INTEGER,
    "DateTime": ColumnKind.TIMESTAMP,
}
TABLE = re.compile(r"(?!.*_\d+$)[a-z][a-z0-9_]{0,54}")
"""What a table may be called: short enough that a statement can number it, and not numbered."""
TAKEN = frozenset({"audit", "rights", "before", "lookup", "store", "written"})
"""What `sql.names` calls parts of a statement: they would hide a table of the same name."""


MEMBERSHIP = "Membership"
"""The type of what `sql.relationship` finds relationships by."""


def load_entities(
    document: DocumentNode, enums: Mapping[str, tuple[str, ...]]
) -> dict[str, Entity]:
    """Every type with a table, by name.

    Raises:
        SchemaError: a field or a rule leads nowhere; says which.
    """
    fields = table_fields(document)
    entities: dict[str, Entity] = {}
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode) and node.name.value in fields:
            with at_node(node):
                entities[node.name.value] = _load_entity(node, fields, enums)
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            entity = entities.get(node.name.value)
            if entity is not None:
                with at_node(node):
                    entities[entity.name] = _add_quotas(entity, node, enums, entities)
    return entities


def _add_quotas(
    entity: Entity,
    node: ObjectTypeDefinitionNode | ObjectTypeExtensionNode,
    enums: Mapping[str, tuple[str, ...]],
    entities: Mapping[str, Entity],
) -> Entity:
    words = {
        column.field: (column.name, enums.get(column.enum or "", ())) for column in entity.columns
    }
    exemptions = {
        f"{relation.name}.{column.field}": Exemption(relation.key, target.table, column.name)
        for relation in entity.fields.values()
        if isinstance(relation, Relation) and relation.shape is RelationShape.ONE and relation.key
        for target in [entities[relation.target]]
        for column in target.columns
        if column.kind is ColumnKind.BOOLEAN and not column.nullable
    }
    found = load_quotas(entity.name, node, words, exemptions)
    return replace(entity, quotas=entity.quotas + found)


def load_relation(
    where: str, node: FieldDefinitionNode, arguments: Mapping[str, Any], entities: Iterable[str]
) -> Relation:
    """A field that answers with a list or a connection of rows.

    Args:
        where: the field, in words.
        node: its definition.
        arguments: the arguments of its `@many` or `@rows`.
        entities: the types that have a table.

    Raises:
        SchemaError: what it answers with has no table, or so many rows cannot be expected.
    """
    kind = named_type(node.type)
    target = kind.removesuffix("Connection")
    require(target in entities, f"{where}: its rows would be {target}, which has no @table.")
    require(
        is_list(node.type) or kind == connection_name(target),
        f"{where}: expected [{target}!]! or {target}Connection!.",
    )
    shape = RelationShape.LIST if is_list(node.type) else RelationShape.CONNECTION
    expected = arguments.get("expected")
    if expected is not None:
        listed = shape is RelationShape.LIST
        require(listed, f"{where}: (expected:) has no effect on a Connection.")
        require(expected >= 1, f"{where}: (expected:): expected 1 or more, got {expected}.")
    return Relation(
        node.name.value,
        target,
        shape,
        arguments.get("key"),
        own=arguments.get("own"),
        expected=expected,
    )


def order_term(fields: Mapping[str, Field], field: str, descending: bool) -> OrderTerm:
    column = fields[field]
    assert isinstance(column, Column)
    return OrderTerm(column, descending)


def require(holds: bool, message: str) -> None:
    if not holds:
        raise SchemaError(message)


def _load_entity(
    node: ObjectTypeDefinitionNode,
    fields: Mapping[str, list[FieldDefinitionNode]],
    enums: Mapping[str, tuple[str, ...]],
) -> Entity:
    name = node.name.value
    table = find_directive(node, "table") or {}
    orders = order_values(fields[name], enums)
    sort = table.get("order", ["CREATED_AT_ASC"])
    for value in sort:
        require(value in orders, f"{name}: @table(order:) names {value}, without a field for it.")
    _check_tables(name, table)
    loaded: dict[str, Field] = {}
    for field in fields[name]:
        with at_node(field):
            loaded[field.name.value] = _load_field(name, field, fields, enums)
    # What a rule says of the row's own fields needs all of them.
    for field in fields[name]:
        with at_node(field):
            _restrict(name, field, loaded, enums)
            _give_values(name, field, loaded, enums)
    key = loaded.get("id")
    require(
        isinstance(key, Column) and key.kind is ColumnKind.UUID and not key.nullable,
        f"{name}: a type with a table needs a field `id: UUID!`.",
    )
    return Entity(
        name=name,
        table=table["name"],
        fields=loaded,
        order=tuple(order_term(loaded, *orders[value]) for value in sort),
        rule=load_visibility(node, loaded, enums),
        changes=load_changes(node, loaded, enums),
        owner=table.get("owner"),
        right=_load_right(name, table.get("right"), loaded),
        audit=load_audit(node, loaded),
        base=table.get("base"),
        over=tuple(table.get("over", ())),
        unlisted=_load_unlisted(node, loaded),
    )


def _load_unlisted(node: ObjectTypeDefinitionNode, fields: Mapping[str, Field]) -> Unlisted | None:
    """Which rows lists of the type leave out, where its `@unlisted` says so."""
    found = find_directive(node, "unlisted")
    if found is None:
        return None
    column = fields.get(found["field"])
    require(
        isinstance(column, Column) and column.nullable and column.restricted is None,
        f"{node.name.value}: @unlisted(field:): expected a field that is a column, may be null and"
        f" is not @restricted; got {found['field']}.",
    )
    require(
        found["argument"] not in LIST_ARGUMENTS,
        f"{node.name.value}: @unlisted(argument:): {found['argument']} is one of all lists.",
    )
    assert isinstance(column, Column)
    return Unlisted(column, found["argument"])


def _check_tables(entity: str, table: Mapping[str, Any]) -> None:
    base, over = table.get("base"), table.get("over")
    require(
        base is None or base in (over or ()),
        f"{entity}: @table(base:): {base} is not one of the tables that it is `over`.",
    )
    for argument in ("name", "base"):
        called = table.get(argument)
        require(
            called is None or (TABLE.fullmatch(called) is not None and called not in TAKEN),
            f"{entity}: @table({argument}:): expected lower-case letters, digits and underscores,"
            f" no number at the end, and none of {', '.join(sorted(TAKEN))}; got {called}.",
        )


def _load_field(
    entity: str,
    node: FieldDefinitionNode,
    entities: Mapping[str, list[FieldDefinitionNode]],
    enums: Mapping[str, tuple[str, ...]],
) -> Field:
    name, kind = node.name.value, named_type(node.type)
    where = f"{entity}.{name}"
    if (one := find_directive(node, "one")) is not None:
        require(kind in entities, f"{where}: @one leads to {kind}, which has no @table.")
        return Relation(name, kind, RelationShape.ONE, one["key"], nullable=is_nullable(node.type))
    if (many := find_directive(node, "many")) is not None:
        relation = load_relation(where, node, many, entities)
        return replace(relation, memberships=_load_memberships(where, many, entities[entity]))
    if (computed := find_directive(node, "computed")) is not None:
        require(is_nullable(node.type), f"{where}: a computed field must be nullable.")
        require(bool(computed["columns"]), f"{where}: @computed needs a column.")
        return Computed(name, computed["name"], tuple(computed["columns"]))
    require(
        kind in KINDS or kind in enums,
        f"{where}: {kind} is not a column; write @one or @many where it is a relation.",
    )
    several = is_list(node.type)
    require(
        not several or (kind == "UUID" and find_directive(node, "restricted") is not None),
        f"{where}: a column cannot be a list, save one of ids that is @restricted.",
    )
    column = find_directive(node, "column") or {}
    sequence = find_directive(node, "sequence") or {}
    return Column(
        field=name,
        name=column.get("name", snake_case(name)),
        kind=KINDS.get(kind, ColumnKind.ENUM),
        nullable=is_nullable(node.type),
        searchable=find_directive(node, "search") is not None,
        sequence=sequence.get("within"),
        enum=None if kind in KINDS else kind,
        is_list=several,
    )


def _load_memberships(
    where: str, many: Mapping[str, Any], fields: Iterable[FieldDefinitionNode]
) -> Memberships | None:
    name, students = many.get("memberships"), bool(many.get("students", False))
    if name is None:
        require(not students, f"{where}: @many(students:) stands beside `memberships`.")
        return None
    lists = {each.name.value: each for each in fields if is_list(each.type)}
    found = find_directive(lists[name], "many") if name in lists else None
    if found is None or named_type(lists[name].type) != MEMBERSHIP:
        raise SchemaError(f"{where}: @many(memberships:): {name} is not a list of memberships.")
    return Memberships(MEMBERSHIP, found["key"], students)


def _load_right(entity: str, column: str | None, fields: Mapping[str, Field]) -> str | None:
    require(
        column is None or find_id_column(fields, column) is not None,
        f"{entity}: @table(right:): {column} is not the column of a field with an id.",
    )
    return column


def _give_defaults(
    entity: str,
    node: FieldDefinitionNode,
    loaded: dict[str, Field],
    enums: Mapping[str, tuple[str, ...]],
) -> None:
    """Give a loaded column what new rows get in it, where its type says so."""
    found = loaded[node.name.value]
    if isinstance(found, Column):
        defaults = load_defaults(f"{entity}.{found.field}", node, loaded, enums)
        loaded[found.field] = replace(found, defaults=defaults)


def _give_values(
    entity: str,
    node: FieldDefinitionNode,
    loaded: dict[str, Field],
    enums: Mapping[str, tuple[str, ...]],
) -> None:
    """What rows hold in a loaded column where no input says so."""
    _give_defaults(entity, node, loaded, enums)
    _follow(entity, node, loaded)


def _follow(entity: str, node: FieldDefinitionNode, loaded: dict[str, Field]) -> None:
    """Name the column that a moment follows, where it is that since which another is true."""
    found, arguments = loaded[node.name.value], find_directive(node, "trueSince")
    if arguments is None or not isinstance(found, Column):
        return
    where, followed = f"{entity}.{found.field}: @trueSince(field:)", loaded.get(arguments["field"])
    require(found.nullable, f"{where}: the field must be nullable: it is null while that is false.")
    if not isinstance(followed, Column) or followed.kind is not ColumnKind.BOOLEAN:
        raise SchemaError(f"{where}: {arguments['field']} is not a Boolean column of {entity}.")
    require(
        not any(each.true_since == followed.name for each in _columns(loaded)),
        f"{where}: another field follows {followed.field} already.",
    )
    loaded[found.field] = replace(found, true_since=followed.name)


def _columns(loaded: Mapping[str, Field]) -> list[Column]:
    return [field for field in loaded.values() if isinstance(field, Column)]


def _restrict(
    entity: str,
    node: FieldDefinitionNode,
    loaded: dict[str, Field],
    enums: Mapping[str, tuple[str, ...]],
) -> None:
    """Give a loaded field its own rule, if it has one."""
    name = node.name.value
    where, found = f"{entity}.{name}", loaded[name]
    restricted = None
    if not isinstance(found, Relation):
        restricted = load_restriction(where, node, loaded, enums)
    if restricted is None or isinstance(found, Relation):
        return
    require(
        is_nullable(node.type),
        f"{where}: a restricted field must be nullable: it is null for those who may not see it.",
    )
    loaded[name] = replace(found, restricted=restricted)
