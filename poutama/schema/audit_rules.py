"""`@audited`, read and checked: no type whose rows belong to a person is left without it.

Called by `entities`, for each type, and by `load`, for all of them together. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import DocumentNode, ObjectTypeDefinitionNode

from poutama.errors import SchemaError
from poutama.schema.audited import Audit, AuditedReads
from poutama.schema.directives import find_directive
from poutama.schema.model import (
    Audience,
    Entity,
    Field,
    Relation,
    RelationShape,
    Scope,
    Through,
)
from poutama.schema.source_location import at_node

_NEEDED = (
    "its rows belong to a person: say whose data they are with @audited(person:), (through:) or"
    " (partOf:), or @audited(reads: NONE, reason:) and why it matters to no person who reads them."
)


def load_audit(node: ObjectTypeDefinitionNode, fields: Mapping[str, Field]) -> Audit | None:
    """What the type's `@audited` says; None where it has none.

    Raises:
        SchemaError: it says two things, leads nowhere, or gives no reason where it needs one.
    """
    arguments = find_directive(node, "audited")
    if arguments is None:
        return None
    where = f"{node.name.value}: @audited"
    named = [name for name in ("person", "through", "partOf") if name in arguments]
    reads = AuditedReads(arguments.get("reads", AuditedReads.ALL))
    unless, part = tuple(arguments.get("unless", ())), "partOf" in arguments
    if len(named) > 1 or (not named and reads is not AuditedReads.NONE):
        raise SchemaError(f"{where}: expected one of person, through and partOf.")
    if part and ("reads" in arguments or unless):
        raise SchemaError(f"{where}(partOf:): expected no `reads`, which are those of the whole.")
    narrowed = reads is not AuditedReads.ALL or bool(unless)
    if narrowed != bool(arguments.get("reason", "").strip()):
        raise SchemaError(
            f"{where} takes a reason exactly where some reads leave no entry: with `unless`, and"
            " with `reads` other than ALL."
        )
    through = arguments.get("partOf", arguments.get("through"))
    if through is not None:
        relation = fields.get(through)
        if not isinstance(relation, Relation) or relation.shape is not RelationShape.ONE:
            raise SchemaError(f"{where}({named[0]}: {through!r}) is not one of its @one fields.")
    return Audit(
        arguments.get("person"),
        _list_also(where, arguments),
        tuple(arguments.get("by", ())),
        through,
        part,
        arguments.get("organisation"),
        reads,
        unless,
        arguments.get("reason", ""),
        _is_required(where, arguments),
    )


def _is_required(where: str, arguments: Mapping[str, Any]) -> bool:
    required = bool(arguments.get("organisationRequired", False))
    if required and arguments.get("organisation") is None:
        raise SchemaError(f"{where}(organisationRequired:) stands beside organisation.")
    return required


def _list_also(where: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    also, named = (
        tuple(arguments.get("also", ())),
        (arguments.get("person"), *arguments.get("by", ())),
    )
    if also and arguments.get("person") is None:
        raise SchemaError(f"{where}(also:) stands beside person.")
    if twice := [column for column in also if column in named]:
        raise SchemaError(f"{where}(also: {twice[0]!r}) is named by `person` or `by` already.")
    return also


def check_audits(document: DocumentNode, entities: Mapping[str, Entity]) -> None:
    """Hold that every type whose rows belong to a person says whose data they are.

    Raises:
        SchemaError: with file and line of the first that does not, or whose chain ends at a type
            that does not either.
    """
    hanging = _find_hanging(entities)
    for node in document.definitions:
        if not isinstance(node, ObjectTypeDefinitionNode) or node.name.value not in entities:
            continue
        entity = entities[node.name.value]
        with at_node(node):
            if entity.audit is None:
                if entity.name in hanging:
                    raise SchemaError(f"{entity.name}: {_NEEDED}")
                continue
            _follow(entities, entity)
            _check_persons(entities, entity)


def _check_persons(entities: Mapping[str, Entity], entity: Entity) -> None:
    """Hold that every column that names a person is declared as what that person is to the row."""
    audit = entity.audit
    if audit is None or (audit.person is None and audit.through is None):
        return
    named = {audit.person, *audit.also, *audit.by}
    for column in dict.fromkeys(_list_persons(entities, entity)):
        if column not in named:
            raise SchemaError(
                f"{entity.name}: its column {column!r} names a person: say with @audited(also:)"
                " that a row tells of that person too, or with @audited(by:) that it is who wrote"
                " or did something."
            )


def _list_persons(entities: Mapping[str, Entity], entity: Entity) -> Iterator[str]:
    """The columns of which the schema knows that they name a person."""
    if entity.owner is not None:
        yield entity.owner
    restricted = [value.restricted for value in entity.values if value.restricted is not None]
    for rule in (entity.rule, *entity.changes.values(), *restricted):
        for each in rule.alternatives:
            if isinstance(each, Audience) and each.scope is Scope.PERSON:
                yield each.column
    people = [each for each in entities.values() if each.subject == "id"]
    for person in people:
        yield from _list_keys(entity, person, to_one=True)
        yield from _list_keys(person, entity, to_one=False)


def _list_keys(source: Entity, target: Entity, *, to_one: bool) -> Iterator[str]:
    for field in source.fields.values():
        if not isinstance(field, Relation) or field.target != target.name:
            continue
        if to_one == (field.shape is RelationShape.ONE):
            yield str(field.key)


def _follow(entities: Mapping[str, Entity], entity: Entity) -> None:
    """Follow a type to the column that names the person."""
    followed = [entity.name]
    found = entity
    while found.audit is not None and found.audit.through is not None:
        found = entities[found.relation(found.audit.through).target]
        if found.name in followed:
            circle = " -> ".join([*followed, found.name])
            raise SchemaError(f"{entity.name}: @audited leads in a circle, {circle}.")
        followed.append(found.name)
    if found is not entity and (found.audit is None or found.audit.person is None):
        raise SchemaError(
            f"{entity.name}: @audited leads to {found.name}, whose @audited names no person."
        )


def _find_hanging(entities: Mapping[str, Entity]) -> set[str]:
    """The types that a rule about a person is for, and those that keys lead from or to."""
    found = {
        entity.name
        for entity in entities.values()
        if any(
            isinstance(each, Audience) and each.scope is Scope.PERSON
            for each in entity.rule.alternatives
        )
    }
    while True:
        more = {
            name
            for entity in entities.values()
            for name in _leading_to(entity, found)
            if name not in found
        }
        if not more:
            return found
        found |= more


def _leading_to(entity: Entity, found: set[str]) -> Iterator[str]:
    """The types of which this entity shows that their rows hold a key of a type in `found`."""
    for alternative in entity.rule.alternatives:
        if isinstance(alternative, Through) and alternative.relation.target in found:
            yield entity.name
    for field in entity.fields.values():
        if isinstance(field, Relation):
            if field.shape is RelationShape.ONE and field.target in found:
                yield entity.name
            elif field.shape is not RelationShape.ONE and entity.name in found:
                yield field.target
