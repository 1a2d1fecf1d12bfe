"""A root field that is a procedure: its input under the rules of the schema, and who may call it.

Called by `plan.writes`. What a procedure reads is checked as what a write writes is: by the same
places of values, when a request is bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never, cast

from poutama.plan.guard import allowed_by, intersect, visible_rows
from poutama.plan.mutation_steps import MadeRow, Permit
from poutama.plan.nodes import All, AnyOf, Not, OneOf, OwnedBy, Predicate
from poutama.plan.values import InputInteger, InputText, Value, ViewerId
from poutama.plan.variables_shape import Tree
from poutama.plan.write_guard import changeable_rows
from poutama.schema.model import (
    Action,
    Grant,
    InputChildren,
    InputColumn,
    InputField,
    InputKey,
    InputParent,
    InputVersion,
    Model,
    Mutation,
    NumberInput,
    ObjectInput,
    PlainInput,
    Relation,
    TextInput,
)


def check_input(
    fields: Mapping[str, InputField], input: Mapping[str, Tree], where: str
) -> dict[str, Tree]:
    """The input of a procedure, its texts and numbers held to their rules; `where`: its place."""
    return {name: _check(fields[name], tree, f"{where}.{name}") for name, tree in input.items()}


def _check(field: InputField, tree: Tree, where: str) -> Tree:
    if tree is None:
        return None
    if isinstance(tree, list):
        return [_check(field, item, f"{where}[{n}]") for n, item in enumerate(tree)]
    match field:
        case TextInput(rule):
            return InputText(cast("Value", tree), rule, where)
        case NumberInput(rule):
            return InputInteger(cast("Value", tree), rule, where)
        case PlainInput() | InputKey():
            return tree
        case ObjectInput(fields):
            return check_input(fields, cast("dict[str, Tree]", tree), where)
        case InputColumn() | InputVersion() | InputParent() | InputChildren():
            raise AssertionError("a procedure's input has no fields of a write")
        case _:
            assert_never(field)


def build_permits(
    model: Model, mutation: Mutation, input: Mapping[str, Tree]
) -> tuple[Permit, ...]:
    """What must hold before the procedure is called, for the inputs that are given."""
    permits = []
    for permission in mutation.permissions:
        row = input.get(permission.input)
        if row is None:
            continue
        entity = model.entities[permission.entity]
        grants = AnyOf(tuple(_grant(model, grant, input) for grant in permission.grants))
        guard = intersect(grants, visible_rows(model.entities, entity))
        permits.append(Permit(permission.input, entity, cast("Value", row), guard))
    return tuple(permits)


def build_made_row(model: Model, mutation: Mutation, input: Mapping[str, Tree]) -> MadeRow | None:
    """The row that has the id which the client has made, to be asked for before the procedure."""
    client_id = mutation.client_id
    row = None if client_id is None else input.get(client_id.input)
    if client_id is None or row is None:
        return None
    entity = model.entities[client_id.entity]
    may = visible_rows(model.entities, entity)
    if Action.UPDATE in entity.changes:
        may = changeable_rows(model.entities, entity, Action.UPDATE)
    mine = [may]
    if client_id.by is not None:
        mine.append(OwnedBy(client_id.by, ViewerId()))
    for name, value in input.items():
        relation = entity.fields.get(name.removesuffix("Id"))
        if isinstance(relation, Relation) and relation.key is not None and value is not None:
            mine.append(OwnedBy(relation.key, cast("Value", value)))
    return MadeRow(entity, cast("Value", row), All(tuple(mine)), tuple(mutation.payload))


def _grant(model: Model, grant: Grant, input: Mapping[str, Tree]) -> Predicate:
    allowed = allowed_by(model.entities, grant.rule)
    conditions: list[Predicate] = [
        *(OneOf(each.column, each.values) for each in grant.row_is),
        *(OneOf(cast("Value", input[each.input]), each.values) for each in grant.input_is),
        *(Not(OwnedBy(column, ViewerId())) for column in grant.not_by),
    ]
    return All((allowed, *conditions)) if conditions else allowed
