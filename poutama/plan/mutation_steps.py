"""The plan of a mutation: its root fields as steps, in the order they are run.

`plan.writes` and `plan.procedure_calls` build them, `engine.prepare` renders them. Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from poutama.plan.nodes import Insert, Member, Predicate, Read, SingleChange, Text
from poutama.plan.values import Value
from poutama.schema.model import Entity

KEPT = "kept"
"""The key of what a deletion returns of the row, besides its payload."""


@dataclass(frozen=True, slots=True)
class Write:
    """One root field of a mutation whose effect is a single change.

    `payload` holds the members of the payload, rows and ids as `One`. Where `together`, they read
    what the change returned and are rendered with it as one statement; otherwise they must be
    read after it, in the same transaction. `returned`: the payload's fields that are the row
    written, or its id. `kept`: what the payload needs to know of a row that it deletes, by its
    fields; read from what the change returns, as the one member `KEPT`.
    """

    key: str
    field: str
    change: SingleChange
    payload: tuple[Member, ...]
    together: bool
    returned: tuple[str, ...]
    kept: tuple[Member, ...] = ()

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
class MadeRow:
    """The row that has the id which the client has made, if there is one.

    Attributes:
        entity: its type.
        id: the client's.
        mine: what holds of it where the caller has made it.
        returned: the payload's fields, all of which are this row.
    """

    entity: Entity
    id: Value
    mine: Predicate
    returned: tuple[str, ...]


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
    made: MadeRow | None = None
    shown_once: tuple[str, ...] = ()
    """Values of the payload that no idempotency key keeps."""


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """Inputs of which it is known without their values why they write nothing."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A field of a result that is a row: that of the id under `name`, among those of `list`.

    `required`: it is there unless it was deleted since, or the viewer lost the right to it.
    """

    key: str
    name: str
    list: str
    required: bool


@dataclass(frozen=True, slots=True)
class ResultId:
    """A field of a result that is the id of the row written."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class ResultError:
    """The error of a result: its fields by response key."""

    key: str
    members: tuple[Text | ResultId, ...]


ResultMember: TypeAlias = Text | ResultRow | ResultId | ResultError


@dataclass(frozen=True, slots=True)
class ResultList:
    """The results of a bulk write, each with these members."""

    key: str
    members: tuple[ResultMember, ...]


@dataclass(frozen=True, slots=True)
class BulkWrite:
    """One root field of a mutation that makes the same change for several inputs, one by one.

    Attributes:
        key: the response key.
        field: the mutation.
        shapes: a change for each shape that inputs have; its values are at places below `input`.
        items: the inputs in their order: which of the shapes, and the values.
        results: how the payload is put together.
        payload: the rows that it shows, a list each, with their ids under the key "".
    """

    key: str
    field: str
    shapes: tuple[Write | RefusedInput, ...]
    items: tuple[tuple[int, object], ...]
    results: tuple[Text | ResultList, ...]
    payload: tuple[Member, ...]


MutationStep: TypeAlias = Write | BulkWrite | Call | Text


@dataclass(frozen=True, slots=True)
class Repeat:
    """One root field of a mutation that has happened: its payload, of rows known by their ids.

    The ids are the values `Returned`, as those of a procedure's payload are. `results`: as of
    `BulkWrite`; None for any other.
    """

    key: str
    field: str
    payload: tuple[Member, ...]
    results: tuple[Text | ResultList, ...] | None = None


@dataclass(frozen=True, slots=True)
class MutationSteps:
    """A mutation operation: its root fields, in order, in one transaction."""

    steps: tuple[MutationStep, ...]


Plan: TypeAlias = Read | MutationSteps
