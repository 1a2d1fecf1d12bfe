"""Inserts that no rule would be asked about, or that write what a rule cannot look at.

Called by `load` once the mutations are known. A new row has no columns yet: what a rule asks of
them, the input must name. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import DocumentNode

from poutama.errors import SchemaError
from poutama.schema.model import (
    Action,
    Audience,
    Entity,
    InputChildren,
    InputColumn,
    InputParent,
    Mutation,
    Relationship,
    Scope,
    Through,
)
from poutama.schema.mutations import find_mutations
from poutama.schema.source_location import at_node


def check_inserts(
    document: DocumentNode, mutations: Mapping[str, Mutation], entities: Mapping[str, Entity]
) -> None:
    """Hold every insert against its type's rule: what the rule asks about, the input must name.

    A rule about the owner holds by itself, since the owner of a new row is the viewer.

    Raises:
        SchemaError: a rule that would never be asked, or not for every input.
    """
    for node in find_mutations(document):
        mutation = mutations[node.name.value]
        if mutation.action is Action.INSERT and mutation.entity is not None:
            entity = entities[mutation.entity]
            with at_node(node):
                _check_alternatives(mutation.field, entity)
                _check_insert(mutation, entity, entities)
                _check_conditions(mutation, entity)


def _check_insert(mutation: Mutation, entity: Entity, entities: Mapping[str, Entity]) -> None:
    where = f"Mutation.{mutation.field}"
    named = {
        input.relation.key: input.required
        for input in mutation.inputs.values()
        if isinstance(input, InputParent)
    }
    certain = False
    for alternative in entity.changes[Action.INSERT].alternatives:
        match alternative:
            case Audience(Scope.PERSON, column, relationships) if column == entity.owner:
                certain |= Relationship.SELF in relationships
                continue
            case Audience(_, column, _):
                key: str | None = column
            case Through(relation):
                key = relation.key
        if key not in named:
            raise SchemaError(
                f"{where}: a rule of {entity.name} asks about {key}, which no input names."
            )
        certain |= named[key]
    if not certain:
        raise SchemaError(f"{where}: inputs may be left out so that no rule of it is asked.")
    for input in mutation.inputs.values():
        if isinstance(input, InputChildren):
            _check_children(where, entity, input, entities[input.relation.target])


def _check_alternatives(mutation: str, entity: Entity) -> None:
    """Refuse what a new row cannot be asked: it has no columns, and an owner from the beginning."""
    for each in entity.changes[Action.INSERT].alternatives:
        owner = isinstance(each, Audience) and each.column == entity.owner
        if each.within is not None or (owner and each.row_is):
            named = "within" if each.within is not None else "row"
            raise SchemaError(
                f"Mutation.{mutation}: `{named}` has no effect in a rule of {entity.name} by which"
                " it inserts."
            )


def _check_children(where: str, entity: Entity, input: InputChildren, child: Entity) -> None:
    """A viewer who may insert the parent must be free to add such children to their own row."""
    rule = child.changes.get(Action.INSERT)
    allowed = rule is not None and any(
        isinstance(each, Through)
        and (each.relation.target, each.relation.key) == (entity.name, input.relation.key)
        and (each.to is None or Relationship.SELF in each.to)
        and not each.row_is
        for each in rule.alternatives
    )
    if not allowed:
        raise SchemaError(
            f"{where}: no rule of {child.name} lets an owner add it to {entity.name}."
        )
    written = {each.column.name for each in input.fields.values()}
    if deciding := written & _deciding_columns(child):
        raise SchemaError(
            f"{where}: who sees a {child.name} depends on {min(deciding)}, which children cannot be"
            " given: its rules are not asked of them."
        )


def _check_conditions(mutation: Mutation, entity: Entity) -> None:
    """A viewer who inserts a row must see it, and may insert such a row: by what the input says."""
    if _owner_sees_all(entity) and not any(
        each.row_is for each in entity.changes[Action.INSERT].alternatives
    ):
        return
    certain = {
        input.column.name
        for input in mutation.inputs.values()
        if isinstance(input, InputColumn) and input.certain
    }
    if missing := _deciding_columns(entity) - certain:
        raise SchemaError(
            f"Mutation.{mutation.field}: a rule of {entity.name} asks about {min(missing)}, which"
            " no input names for certain."
        )


def _owner_sees_all(entity: Entity) -> bool:
    return any(
        isinstance(each, Audience)
        and (each.scope, each.column) == (Scope.PERSON, entity.owner)
        and Relationship.SELF in each.relationships
        and not each.row_is
        for each in entity.rule.alternatives
    )


def _deciding_columns(entity: Entity) -> set[str]:
    """The columns that its rules of visibility and of inserts ask about."""
    rules = (entity.rule, entity.changes[Action.INSERT])
    return {
        condition.column.name
        for rule in rules
        for alternative in rule.alternatives
        for condition in alternative.row_is
    }
