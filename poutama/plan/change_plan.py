"""A change that code asks for by a type and its fields -> the plan node of a write.

Called by `poutama.changes`. Values are places (`Variable`) under names that the caller binds:
`id`, `version`, `rows`, `values.<field>` and `columns.<column>`. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from poutama.plan.audit_marks import find_subject
from poutama.plan.defaults import add_defaults
from poutama.plan.dependents import find_dependents
from poutama.plan.nodes import (
    ALWAYS,
    Assignment,
    Change,
    Delete,
    Insert,
    NewRow,
    Parent,
    Subject,
    Update,
    UpdateMany,
)
from poutama.plan.quota_checks import check_quotas
from poutama.plan.values import SqlConstant, Value, Variable
from poutama.schema.model import Action, Column, ColumnKind, Entity, Model, Relation, RelationShape
from poutama.settings import Settings

_KINDS: tuple[tuple[type, ColumnKind], ...] = (
    (bool, ColumnKind.BOOLEAN),
    (int, ColumnKind.INTEGER),
    (UUID, ColumnKind.UUID),
    (datetime, ColumnKind.TIMESTAMP),
    (str, ColumnKind.TEXT),
)


class ValueSource(StrEnum):
    """What a field of a change is set to, as far as the statement depends on it."""

    VALUE = "value"
    NULL = "null"
    NOW = "now"

    @classmethod
    def of(cls, value: object) -> ValueSource:
        if value is SqlConstant.NOW:
            return cls.NOW
        return cls.NULL if value is None or value is SqlConstant.NULL else cls.VALUE

    @classmethod
    def typed(cls, value: object) -> ValueSource | ColumnKind:
        """For a column that the schema does not show: its kind, by the value's type.

        Raises:
            TypeError: no column holds such values.
        """
        source = cls.of(value)
        if source is not cls.VALUE:
            return source
        for type_, kind in _KINDS:
            if isinstance(value, type_):
                return kind
        raise TypeError(f"a column cannot be set to a {type(value).__name__}")


Shown: TypeAlias = tuple[tuple[str, ValueSource], ...]
Hidden: TypeAlias = tuple[tuple[str, ValueSource | ColumnKind], ...]


@dataclass(frozen=True, slots=True)
class ChangeShape:
    """What the statement of a change depends on.

    Attributes:
        action: INSERT, UPDATE or DELETE.
        type: the GraphQL type.
        values: fields and to-one relations.
        columns: columns that the schema does not show.
        versioned: whether the row must have an expected version.
        many: whether it updates many rows, given as JSON.
        record_only: whether only the audit entry is written.
    """

    action: Action
    type: str
    values: Shown = ()
    columns: Hidden = ()
    versioned: bool = False
    many: bool = False
    record_only: bool = False


def build_change(model: Model, shape: ChangeShape, settings: Settings) -> Change:
    """The plan node of a change.

    Raises:
        KeyError: an unknown type, field or relation.
    """
    entity = model.entities[shape.type]
    subject = find_subject(model.entities, entity)
    if entity.base is not None:
        entity = replace(entity, table=entity.base)
    version = Variable(("version",)) if shape.versioned else None
    if shape.many:
        columns = tuple((name, _column_of(entity, name)) for name, _ in shape.values)
        return UpdateMany(entity, Variable(("rows",)), columns, subject)
    match shape.action:
        case Action.DELETE:
            dependents = find_dependents(model.entities, entity)
            return Delete(entity, _ROW, ALWAYS, version, subject, dependents)
        case Action.UPDATE:
            assignments = (*_assign(entity, shape.values), *_assign_hidden(shape.columns))
            record = shape.record_only
            return Update(entity, _ROW, ALWAYS, assignments, version, subject, record)
        case _:
            return _insert(model, entity, shape, settings, subject=subject)


def _insert(
    model: Model,
    entity: Entity,
    shape: ChangeShape,
    settings: Settings,
    *,
    subject: Subject | None,
) -> Insert:
    parents = {
        name: Parent(relation, model.entities[relation.target], _place(name), ALWAYS)
        for name, source in shape.values
        if source is ValueSource.VALUE and isinstance(relation := entity.fields[name], Relation)
    }
    others = tuple(each for each in shape.values if each[0] not in parents)
    assigned = (*_assign(entity, others), *_assign_hidden(shape.columns))
    assignments = add_defaults(entity, assigned)
    named = {each.relation.key for each in parents.values()} | {
        each.column.name for each in assignments
    }
    if entity.owner in named:
        entity = replace(entity, owner=None)
    row, belongs = NewRow(_ROW, assignments), tuple(parents.values())
    quotas = check_quotas(entity, row, belongs, settings)
    return Insert(entity, row, belongs, (), subject, quotas)


def _assign(entity: Entity, values: Shown) -> tuple[Assignment, ...]:
    return tuple(
        Assignment(_column_of(entity, name), _value(source, _place(name)))
        for name, source in values
    )


def _assign_hidden(columns: Hidden) -> tuple[Assignment, ...]:
    found = []
    for name, source in columns:
        kind = source if isinstance(source, ColumnKind) else ColumnKind.TEXT
        value: Value = Variable((f"columns.{name}",))
        if isinstance(source, ValueSource):
            value = _value(source, value)
        found.append(Assignment(Column(name, name, kind, nullable=True), value))
    return tuple(found)


def _value(source: ValueSource, place: Value) -> Value:
    match source:
        case ValueSource.NOW:
            return SqlConstant.NOW
        case ValueSource.NULL:
            return SqlConstant.NULL
        case ValueSource.VALUE:
            return place


def _column_of(entity: Entity, name: str) -> Column:
    """The column behind a field, or that of a to-one relation's key."""
    field = entity.fields[name]
    match field:
        case Column(field="id"):
            # A new row gets its own, and another's would be another row.
            raise KeyError(f"{entity.name}.id")
        case Column(is_list=True) | Column(true_since=str()):
            raise KeyError(f"{entity.name}.{name}")
        case Column():
            return field
        case Relation(shape=RelationShape.ONE, key=str(key)):
            return Column(name, key, ColumnKind.UUID, nullable=True)
        case _:
            raise KeyError(f"{entity.name}.{name}")


def _place(name: str) -> Variable:
    return Variable((f"values.{name}",))


_ROW = Variable(("id",))
