"""Who may see and change what: `@visible`, `@change` and `@restricted`, read into rules.

Called by `entities`. Deny by default: a type without `@visible` does not load, and a change that
no `@change` allows is denied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from graphql import FieldDefinitionNode, ObjectTypeDefinitionNode

from poutama.errors import SchemaError
from poutama.schema.directives import find_directive, find_directives, named_type
from poutama.schema.model import (
    RELATIONSHIPS,
    Action,
    Audience,
    Column,
    ColumnDefault,
    ColumnKind,
    Field,
    Relation,
    RelationShape,
    Relationship,
    RowIs,
    Rule,
    Scope,
    Through,
    Within,
)

Enums: TypeAlias = Mapping[str, tuple[str, ...]]


def load_visibility(
    node: ObjectTypeDefinitionNode, fields: Mapping[str, Field], enums: Enums
) -> Rule:
    """The type's rule of visibility.

    Raises:
        SchemaError: it has none, or one that leads nowhere.
    """
    directives = find_directives(node, "visible")
    if not directives:
        raise SchemaError(f"{node.name.value}: say who may see its rows with @visible.")
    return _rule(f"{node.name.value}: @visible", directives, fields, enums)


def load_changes(
    node: ObjectTypeDefinitionNode, fields: Mapping[str, Field], enums: Enums
) -> dict[Action, Rule]:
    """Who may insert, update and delete the type's rows.

    Raises:
        SchemaError: a rule leads nowhere.
    """
    directives = find_directives(node, "change")
    where = f"{node.name.value}: @change"
    return {
        action: _rule(where, allowed, fields, enums)
        for action in (Action.INSERT, Action.UPDATE, Action.DELETE)
        if (allowed := [each for each in directives if action.name in each["actions"]])
    }


def load_restriction(
    where: str, node: FieldDefinitionNode, fields: Mapping[str, Field], enums: Enums
) -> Rule | None:
    """Who sees the field, where that is fewer than see the row.

    Raises:
        SchemaError: the rule names no audience, or the field can be searched.
    """
    directives = find_directives(node, "restricted")
    if directives and find_directive(node, "search") is not None:
        raise SchemaError(f"{where}: a restricted field cannot be searched: what is found tells.")
    return _rule(f"{where}: @restricted", directives, fields, enums) if directives else None


def _rule(
    where: str, directives: list[dict[str, Any]], fields: Mapping[str, Field], enums: Enums
) -> Rule:
    return Rule(tuple(load_alternative(where, each, fields, enums) for each in directives))


def load_alternative(
    where: str, arguments: Mapping[str, Any], fields: Mapping[str, Field], enums: Enums
) -> Audience | Through:
    """One way to be allowed, of a type with these fields.

    Raises:
        SchemaError: it names no audience, or one that leads nowhere.
    """
    named = [name for name in (*Scope, "through") if arguments.get(name) is not None]
    if len(named) != 1:
        raise SchemaError(f"{where} takes one of person, group, organisation and through.")
    to = tuple(Relationship(name) for name in arguments["to"]) if arguments.get("to") else None
    row_is = load_row_conditions(where, arguments, fields, enums)
    within = _load_within(where, arguments, fields, to)
    if named == ["through"]:
        relation = fields.get(arguments["through"])
        if not isinstance(relation, Relation) or relation.shape is not RelationShape.ONE:
            raise SchemaError(
                f"{where}(through: {arguments['through']!r}) is not one of its @one fields."
            )
        return Through(relation, to, row_is, within)
    scope = Scope(named[0])
    besides = tuple(map(Relationship, arguments.get("besides") or ()))
    for name, relationships in (("to", to or ()), ("besides", besides)):
        if (name == "to" and not to) or set(relationships) - RELATIONSHIPS[scope]:
            known = ", ".join(sorted(RELATIONSHIPS[scope]))
            raise SchemaError(f"{where}: `{name}` takes some of {known}.")
    return Audience(scope, arguments[scope], to or (), row_is, within, besides)


def load_row_conditions(
    where: str, arguments: Mapping[str, Any], fields: Mapping[str, Field], enums: Enums
) -> tuple[RowIs, ...]:
    """The conditions on the row that the argument `row` of a directive lists.

    Raises:
        SchemaError: a field without these values, or a condition that holds for no row.
    """
    if arguments.get("row") == []:
        raise SchemaError(f"{where}(row:): expected a condition, got none.")
    return tuple(
        _row_is(f"{where}(row:)", each, fields, enums) for each in arguments.get("row") or ()
    )


def load_defaults(
    where: str, node: FieldDefinitionNode, fields: Mapping[str, Field], enums: Enums
) -> tuple[ColumnDefault, ...]:
    """What `@default` gives new rows in the column of an enum.

    Raises:
        SchemaError: a value that the enum does not have, or that no row gets.
    """
    found: list[ColumnDefault] = []
    known = enums.get(named_type(node.type), ())
    for arguments in find_directives(node, "default"):
        if found and not found[-1].row_is:
            raise SchemaError(f"{where}: @default without `row` comes last: no row gets another.")
        known_values(f"{where}: @default", [arguments["value"]], known)
        conditions = load_row_conditions(f"{where}: @default", arguments, fields, enums)
        found.append(ColumnDefault(arguments["value"], conditions))
    if found and found[-1].row_is:
        raise SchemaError(f"{where}: the last @default takes no `row`, and is for all other rows.")
    return tuple(found)


def find_id_column(fields: Mapping[str, Field], column: str) -> Column | Relation | None:
    """The field of this column, which holds an id or several; None if there is none."""
    for field in fields.values():
        match field:
            case Column(name=name, kind=ColumnKind.UUID) if name == column:
                return field
            case Relation(shape=RelationShape.ONE, key=key) if key == column:
                return field
    return None


def known_values(where: str, wanted: list[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted values, each of which is one of the known.

    Raises:
        SchemaError: one is not, or none is wanted.
    """
    strange = [value for value in wanted if value not in known]
    if strange or not wanted:
        named = f"{strange[0]} is not one of" if strange else "expected some of"
        raise SchemaError(f"{where}: {named} {', '.join(known)}.")
    return tuple(wanted)


def _row_is(
    where: str, arguments: Mapping[str, Any], fields: Mapping[str, Field], enums: Enums
) -> RowIs:
    name = arguments["field"]
    field = fields.get(name)
    if not isinstance(field, Column) or field.kind is not ColumnKind.ENUM or field.enum is None:
        raise SchemaError(f"{where}: {name} is not a field with enum values.")
    return RowIs(field, known_values(where, arguments["in"], enums[field.enum]))


def _load_within(
    where: str,
    arguments: Mapping[str, Any],
    fields: Mapping[str, Field],
    to: tuple[Relationship, ...] | None,
) -> Within | None:
    column, every = arguments.get("within"), bool(arguments.get("every", False))
    if column is None:
        if every:
            raise SchemaError(f"{where}(every:) stands beside `within`.")
        return None
    if to is not None and set(to) <= {Relationship.SELF}:
        raise SchemaError(f"{where}(within:): SELF comes from no membership.")
    field = find_id_column(fields, column)
    if field is None:
        raise SchemaError(f"{where}(within:): {column} is not the column of a field with an id.")
    several = isinstance(field, Column) and field.is_list
    if every and not several:
        raise SchemaError(f"{where}(every:): {column} does not list organisations.")
    return Within(column, is_list=several, every=every)
