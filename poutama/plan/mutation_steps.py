"""The plan of a mutation: its root fields as steps, in the order they are run.

`plan.writes` and `plan.procedure_calls` build them, `engine.prepare` renders them. Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from poutama.plan.nodes import Insert, Member, Predicate, Read, SingleChange, Text
from poutama.plan.values import Value
from poutama.schema.model import Entity


@dataclass(frozen=True, slots=True)
class Write:
    """One root field of a mutation whose effect is a single change.

    `payload` holds the members of the payload, rows and ids as `One`. Where `together`, they read
    what the change returned and are rendered with it as one statement; otherwise they must be
    read after it, in the same transaction. `returned`: the payload's fields that are the row
    written, or its id.
    """

    key: str
    field: str
    change: SingleChange
    payload: tuple[Member, ...]
    together: bool
    returned: tuple[str, ...]

    @property
    def row(self) -> Value:
        """The id of the row that is written."""
        return self.change.row.id if isinstance(self.change, Insert) else self.change.id


@dataclass(frozen=True, slots=True)
class Permit:
    """What a procedure's caller needs: the row that the input names, as the guard has it."""

    input: str
    entity: Entity
    id: Value
    guard: Predicate


@dataclass(frozen=True, slots=True)
class Call:
    """One root field of a mutation that is a procedure."""

    key: str
    field: str
    procedure: str
    permits: tuple[Permit, ...]
    input: object
    """A tree of dicts and lists with values at its leaves."""
    payload: tuple[Member, ...]


MutationStep: TypeAlias = Write | Call | Text


@dataclass(frozen=True, slots=True)
class Repeat:
    """One root field of a mutation that has happened: its payload, of rows known by their ids.

    The ids are the values `Returned`, as those of a procedure's payload are.
    """

    key: str
    field: str
    payload: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class MutationSteps:
    """A mutation operation: its root fields, in order, in one transaction."""

    steps: tuple[MutationStep, ...]


Plan: TypeAlias = Read | MutationSteps
