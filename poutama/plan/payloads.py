"""The parts of a write's payload: what of it comes with the change, and what is read after it.

Called by `plan.writes`. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from poutama.plan.mutation_steps import KEPT
from poutama.plan.nodes import (
    All,
    Exists,
    Insert,
    Leaf,
    Many,
    Member,
    One,
    Own,
    OwnedBy,
    Page,
    Rows,
    SingleChange,
)
from poutama.plan.ownership import held_by
from poutama.plan.values import Value, ViewerId
from poutama.schema.model import (
    Action,
    Column,
    ColumnKind,
    Entity,
    Mutation,
    PayloadId,
    PayloadParent,
    PayloadRow,
)

WITHIN, NUMBER = "numbered within", "number"
"""The keys of the row within which a deleted one was numbered, and of its number; the fields of a
payload that are kept are rows, and called otherwise.
"""


def keep_parents(
    entity: Entity, mutation: Mutation, names: Collection[str], *, numbered: bool = False
) -> tuple[Member, ...]:
    """What must be known of a row once it is deleted: the ids of the rows that it belonged to.

    Args:
        entity: its type.
        mutation: what the payload may have.
        names: the fields of the payload that are selected.
        numbered: whether the row's place among others is to be closed afterwards.
    """
    kept = {
        name: Column(name, field.relation.key, ColumnKind.UUID, nullable=True)
        for name, field in mutation.payload.items()
        if name in names and isinstance(field, PayloadParent) and field.relation.key is not None
    }
    if numbered and mutation.action is Action.DELETE:
        for column in entity.columns:
            if column.sequence is not None:
                kept[WITHIN] = Column(WITHIN, column.sequence, ColumnKind.UUID, nullable=True)
                kept[NUMBER] = column
    leaves = tuple(Leaf(name, column) for name, column in kept.items())
    return (One(KEPT, Rows(entity, None, leaves, written=0), nullable=True),) if leaves else ()


def find_returned(mutation: Mutation) -> tuple[str, ...]:
    """The payload's fields that are the row written, or its id."""
    return tuple(
        name
        for name, field in mutation.payload.items()
        if isinstance(field, PayloadRow | PayloadId)
    )


def find_own(change: SingleChange) -> Own:
    """What the guard of a change says of the row that it writes."""
    if not isinstance(change, Insert):
        return held_by(change.entity, change.guard)
    owner = change.entity.owner
    mine = [OwnedBy(owner, ViewerId())] if owner is not None else []
    behind = [Exists(each.relation, each.entity, each.guard) for each in change.parents]
    return held_by(change.entity, All((*mine, *behind)))


def show_inserted(member: Member, change: Insert) -> Member:
    """Lists of a new row hold just what was inserted along with it."""
    match member:
        case Many(_, rows) | Page(_, rows):
            for number, children in enumerate(change.children, start=1):
                if rows.relation is not None and (
                    (rows.relation.target, rows.relation.key)
                    == (children.relation.target, children.relation.key)
                ):
                    return replace(member, rows=replace(rows, written=number))
    return member


def id_of(change: SingleChange) -> Value:
    """The id of the row that is written."""
    return change.row.id if isinstance(change, Insert) else change.id


def read_after(member: Member, row: Value) -> Member:
    """The same payload, read from the tables once the change has been made."""
    if not isinstance(member, One):
        return member
    fields = tuple(_unwritten(field) for field in member.rows.fields)
    rows = replace(member.rows, fields=fields, where=OwnedBy("id", row), written=None)
    return replace(member, rows=rows)


def _unwritten(member: Member) -> Member:
    if isinstance(member, Many | Page):
        return replace(member, rows=replace(member.rows, written=None))
    return member
