"""Changes to the rows of a world, in plain Python: what the effects of mutations are made of.

`tests/db/test_changes.py` compares a real database with these worlds. What each mutation does, and
who may do it, is in the records of `tests.features`. New ids are any ids, and `now` is any moment:
the comparison takes account of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID, uuid4

from tests.reference.new_rows import NEW
from tests.reference.policy import Policy, Row, World


class Refused(Exception):  # noqa: N818  an outcome
    """The mutation is refused, and with it all of the operation; the argument is its code."""


@dataclass(frozen=True, slots=True)
class Step:
    """One root field of a mutation operation."""

    mutation: str
    input: Row

    @property
    def inputs(self) -> list[Row]:
        """The input; or all, of a mutation of several."""
        several: list[Row] | None = self.input.get("inputs")
        return [self.input] if several is None else several


@dataclass(frozen=True, slots=True)
class Done:
    """What a payload is about: the type, the rows that are equally right, and what else it has."""

    kind: str
    ids: frozenset[UUID]
    values: Row = field(default_factory=dict)
    parents: Mapping[str, tuple[str, UUID]] = field(default_factory=dict)
    """What a deleted row belonged to: field of the payload -> type and id."""
    results: tuple[Done | str, ...] | None = None
    """Of a mutation of several inputs: what came of each, or the code of why nothing did."""


class Known(Protocol):
    """What is known of a mutation."""

    @property
    def may(self) -> Callable[[Policy, Row], bool]: ...

    @property
    def does(self) -> Effect: ...


def do(
    world: World, viewer: UUID, now: datetime, steps: list[Step], known: Mapping[str, Known]
) -> tuple[World, list[Done]]:
    """The world after the steps, all or none of them.

    Args:
        known: mutation -> what it does, and who may.

    Raises:
        Refused: nothing happens.
    """
    doing = Doing(deepcopy(dict(world)), viewer, now, known)
    return doing.world, [known[step.mutation].does(doing, step.input) for step in steps]


@dataclass(slots=True)
class Doing:
    """Changes a world of its own."""

    world: dict[str, list[Row]]
    viewer: UUID
    now: datetime
    known: Mapping[str, Known]
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = Policy(self.world, self.viewer, self.now)

    def all(self, of: str, /, **values: Any) -> list[Row]:
        return [row for row in self.world[of] if values.items() <= row.items()]

    def find(self, kind: str, id_: UUID | None) -> Row:
        for row in self.all(kind, id=id_):
            return row
        raise Refused("NOT_FOUND")

    def permitted(self, mutation: str, about: Row) -> Row:
        """The row, if the viewer may do this to it; otherwise the same error as without one."""
        if not self.known[mutation].may(self.policy, about):
            raise Refused("NOT_FOUND")
        return about

    def changeable(self, mutation: str, kind: str, input: Row, key: str) -> Row:
        row = self.find(kind, input[key])
        within = kind in ("GoalTask", "Evidence")
        self.permitted(mutation, self.find("Goal", row["goalId"]) if within else row)
        if input.get("expectedVersion") not in (None, row["version"]):
            raise Refused("CONFLICT")
        return row

    def update(self, mutation: str, kind: str, input: Row, key: str) -> Done:
        row = self.changeable(mutation, kind, input, key)
        changed = {name: to for name, to in input.items() if name not in (key, "expectedVersion")}
        if changed:
            # In this order: an entry has the name that the actor had.
            hidden = {**row, **changed}
            self.record("UPDATE", kind, row["id"], self.subject_of(kind, row), about=hidden)
            self.touch(row, **follow(row, changed, self.now))
        return about(kind, row)

    def delete(self, kind: str, row: Row, **parents: tuple[str, UUID]) -> Done:
        self.record("DELETE", kind, row["id"], self.subject_of(kind, row), about=row)
        self.remove(kind, row)
        return Done(kind, frozenset([row["id"]]), parents=parents)

    def one_by_one(self, does: Effect, inputs: list[Row]) -> Done:
        """The effect of each input, as if it were alone; one that is refused changes nothing."""
        found: list[Done | str] = []
        for input in inputs:
            before = deepcopy(self.world)
            try:
                found.append(does(self, input))
            except Refused as refused:
                found.append(str(refused))
                for kind, rows in before.items():
                    self.world[kind][:] = rows
        return Done("", frozenset(), results=tuple(found))

    def remove(self, kind: str, *gone: Row) -> None:
        self.world[kind][:] = [row for row in self.world[kind] if row not in gone]

    def lose(self, kind: str, key: str, gone: Row) -> None:
        for row in self.all(kind, **{key: gone["id"]}):
            row[key] = None

    def add(self, of: str, /, **values: Any) -> Row:
        made = {"version": 1, "updatedAt": self.now, "createdAt": self.now}
        row = {**made, **NEW.get(of, {}), **values}
        row["id"] = row.get("id") or uuid4()
        row |= follow({}, row, self.now) if of in COMPLETED else {}
        self.world[of].append(row)
        return row

    def made_before(self, of: str, /, id_: UUID | None, mine: Callable[[Row], bool]) -> Done | None:
        """The row that has the id which the client made, if there is one and it is the viewer's."""
        for row in self.all(of, id=id_) if id_ else ():
            if not mine(row):
                raise Refused("CONFLICT")
            return about(of, row)
        return None

    def touch(self, row: Row, **values: Any) -> None:
        row |= {**values, "version": row["version"] + 1, "updatedAt": self.now}

    def subject_of(self, kind: str, row: Row) -> UUID | None:
        match kind:
            case "Person":
                person: UUID = row["id"]
                return person
            case "Goal":
                owner: UUID = row["personId"]
                return owner
            case "GoalTask" | "GoalNote" | "Evidence":
                return self.subject_of("Goal", self.find("Goal", row["goalId"]))
        return None

    def record(
        self,
        action: str,
        kind: str,
        row: UUID | None,
        subject: UUID | None,
        *also: UUID | None,
        about: Row | None = None,
    ) -> None:
        """An entry of that person, and of each further one of whom the row tells; about a note for
        staff, for staff alone.
        """
        who = self.find("Person", self.viewer)
        staff = about is not None and about.get("audience") == "STAFF"
        others = {person for person in also if person not in (None, subject)}
        for person in (subject, *others):
            self.world["AuditEntry"].append({
                "id": uuid4(), "at": self.now, "action": action, "kind": kind, "rowId": row,
                "subjectId": person, "actorId": self.viewer, "actorName": who["name"],
                "audience": "STAFF" if staff else "PERSON", "organisationId": None,
                "organisationName": None, "actorRole": None,
            })  # fmt: skip


def about(kind: str, row: Row) -> Done:
    return Done(kind, frozenset([row["id"]]))


def follow(row: Row, changed: Row, now: datetime) -> Row:
    """What a change writes, with when the row became complete, or that it no longer is."""
    if "complete" not in changed:
        return changed
    since = (
        (row.get("completedAt") if row.get("complete") else now) if changed["complete"] else None
    )
    return {**changed, "completedAt": since}


COMPLETED = ("Goal", "GoalTask")
"""The types of rows that have a moment when they became complete."""

Effect: TypeAlias = Callable[[Doing, Row], Done]
"""Does a mutation to the world, by the input that it was sent with."""
