"""Mutations of every kind, about rows of one world, by whoever may and by whoever may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_input_field,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.reference.changes import Refused, Step, do
from tests.reference.policy import LEADERS, Policy, Row, World
from tests.strategies.drawing import chance, choose
from tests.strategies.questions import Asker
from tests.strategies.schools import NAMES

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
ROWS = {
    "goalId": "Goal", "taskId": "GoalTask", "noteId": "GoalNote", "groupId": "Group",
    "organisationId": "Organisation", "membershipId": "Membership", "childId": "Person",
    "evidenceId": "Evidence", "jobId": "Job", "importId": "RosterImport", "reminderId": "Reminder",
     "personId": "Person",
}  # fmt: skip
"""Input field -> the type whose row it names."""
TRIES = 8
"""How often something is looked for that somebody may do, or may not although they see it."""
VALUES: dict[str, tuple[Any, ...]] = {
    "title": ("Run", "Āe"), "information": ("Ka pai", "a"), "name": NAMES, "altText": ("", "Āe"),
    "complete": (True, False), "color": ("#3366cc", None), "expectedVersion": (1, 1, 2, None),
    "timeZone": ("Pacific/Auckland",), "region": ("here",), "retentionDays": (1, 90),
    "fileName": ("tui.jpg",), "mediaType": ("image/jpeg",), "bytes": (1, 2), "sha256": ("ab" * 32,),
    "managers": (True, False), "noticeVersion": ("v1", None), "allowEndingPercent": (20, 0, 100),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A mutation operation of one or two root fields, and whose it is."""

    viewer: UUID
    steps: tuple[Step, ...]
    selections: tuple[str, ...]
    """What each payload is asked for."""
    key: str | None
    """An idempotency key."""

    @property
    def deep(self) -> bool:
        return len(self.steps) == 1

    def document(self, schema: GraphQLSchema) -> str:
        """The operation; its inputs are variables `i0` and `i1`."""
        assert schema.mutation_type is not None
        definitions, fields = [], []
        for number, (step, shown) in enumerate(zip(self.steps, self.selections, strict=True)):
            kind = schema.mutation_type.fields[step.mutation].args["input"].type
            definitions.append(f"$i{number}: {kind}")
            fields.append(f"f{number}: {step.mutation}(input: $i{number}) {shown}")
        return f"mutation ({', '.join(definitions)}) {{ {' '.join(fields)} }}"


@st.composite
def changes(
    draw: DrawFn, schema: GraphQLSchema, world: World, now: datetime, mutation: str
) -> Asked:
    """Somebody of the world, and what they want to do; after another thing, perhaps."""
    maker = _Maker(draw, schema, world)
    assert schema.mutation_type is not None
    fields = schema.mutation_type.fields
    names = [choose(draw, *sorted(fields)), mutation] if chance(draw, 20) else [mutation]
    people: list[UUID] = [row["id"] for row in world["Person"]]
    # Most people may not do most things, and most who may not see nothing of it either: of both
    # nearly all would be refused, whatever the rules are.
    candidates = choose(draw, _onlookers, _able, _outsiders, _able)
    found: list[UUID] = []
    for _ in range(TRIES):
        steps = tuple(maker.step(name, fields[name]) for name in names)
        if found := candidates(world, people, now, steps):
            break
    viewer = choose(draw, *(found or people))
    deep = len(names) == 1
    selections = tuple(maker.payload(fields[each.mutation], deep=deep) for each in steps)
    return Asked(viewer, steps, selections, choose(draw, None, "again"))


def _is_able(world: World, viewer: UUID, now: datetime, steps: tuple[Step, ...]) -> bool:
    try:
        do(world, viewer, now, list(steps))
    except Refused:
        return False
    return True


def _able(world: World, people: list[UUID], now: datetime, steps: tuple[Step, ...]) -> list[UUID]:
    return [each for each in people if _is_able(world, each, now, steps)]


def _onlookers(
    world: World, people: list[UUID], now: datetime, steps: tuple[Step, ...]
) -> list[UUID]:
    """Those who see what it is about, and may not do it: a rule that is too loose lets them."""
    found = [
        each
        for each in people
        if not _is_able(world, each, now, steps) and _sees(Policy(world, each, now), steps[-1])
    ]
    # Those who are somebody come closest, and so more often.
    near = [
        each
        for roles in (LEADERS, LEADERS, (*LEADERS, "MENTOR", "CAREGIVER"))
        for each in found
        if Policy(world, each, now).current(*roles, of=each)
    ]
    return near or found


def _outsiders(
    world: World, people: list[UUID], now: datetime, steps: tuple[Step, ...]
) -> list[UUID]:
    """Those who are somebody where it happens, but for that they left, or never accepted."""
    places = {steps[-1].given[name] for name in steps[-1].given.keys() & ROWS.keys()}
    places |= {
        row.get("organisationId") for rows in world.values() for row in rows if row["id"] in places
    }
    return [
        each["personId"]
        for each in world["Membership"]
        if each["organisationId"] in places
        and each["role"] in LEADERS
        and not Policy(world, each["personId"], now).counts(each)
        and not _is_able(world, each["personId"], now, steps)
    ]


def _sees(policy: Policy, step: Step) -> bool:
    return any(
        row["id"] == step.given[name] and policy.may_see(ROWS[name], row)
        for name in step.given.keys() & ROWS.keys()
        for row in policy.world[ROWS[name]]
    )


@dataclass(slots=True)
class _Maker:
    draw: DrawFn
    schema: GraphQLSchema
    world: World

    def step(self, name: str, field: GraphQLField) -> Step:
        kind = get_named_type(field.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        given = self.fill(kind)
        return Step(name, self.agree(name, given) if chance(self.draw, 85) else given)

    def fill(self, kind: GraphQLInputObjectType) -> Row:
        return {
            name: self.value(name, field)
            for name, field in kind.fields.items()
            if is_required_input_field(field) or chance(self.draw, 50)
        }

    def value(self, name: str, field: GraphQLInputField) -> Any:
        inner = get_named_type(field.type)
        if name in ROWS:
            rows = [row["id"] for row in self.world[ROWS[name]]]
            return choose(self.draw, *rows) if rows and chance(self.draw, 95) else NOWHERE
        if isinstance(inner, GraphQLInputObjectType):
            return [self.fill(inner) for _ in range(choose(self.draw, 0, 1, 2))]
        if name in SPECIAL:
            return SPECIAL[name](self)
        if isinstance(inner, GraphQLEnumType):
            return choose(self.draw, *inner.values)
        nullable = not isinstance(field.type, GraphQLNonNull)
        # What an update must not clear has no null among its values.
        return choose(self.draw, *(each for each in VALUES[name] if nullable or each is not None))

    def agree(self, mutation: str, given: Row) -> Row:
        """The input with parts that go together, as they do where somebody means it."""
        match mutation:
            case "reorderGoalTasks":
                tasks = [r["id"] for r in self.world["GoalTask"] if r["goalId"] == given["goalId"]]
                return {**given, "taskIds": list(self.draw(st.permutations(tasks)))}
            case "addEvidence":
                notes = [r["id"] for r in self.world["GoalNote"] if r["goalId"] == given["goalId"]]
                return {**given, "noteId": choose(self.draw, None, *notes)}
            case "applyRosterImport":
                ready = [r for r in self.world["RosterImport"] if r["state"] == "CHECKED"]
                if ready:
                    found = choose(self.draw, *ready)
                    seen = {"importId": found["id"], "expectedVersion": found["version"]}
                    return given | seen | {"allowEndingPercent": 100}
            case "invite":
                return self.agree_invitation(given)
        return given

    def agree_invitation(self, given: Row) -> Row:
        found = {key: value for key, value in given.items() if key not in ("groupId", "childId")}
        match given["role"]:
            case "STUDENT" | "MENTOR":
                group = choose(self.draw, *self.world["Group"])
                return found | {"groupId": group["id"], "organisationId": group["organisationId"]}
            case "CAREGIVER":
                studies = [r for r in self.world["Membership"] if r["role"] == "STUDENT"]
                if studies:
                    study = choose(self.draw, *studies)
                    place = study["organisationId"]
                    return found | {"childId": study["personId"], "organisationId": place}
            case _:
                # Where there are managers, who may not do this.
                led = [r for r in self.world["Membership"] if r["role"] in LEADERS]
                if led:
                    return found | {"organisationId": choose(self.draw, *led)["organisationId"]}
        return found

    def payload(self, field: GraphQLField, *, deep: bool) -> str:
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        if deep:
            # What is written down meanwhile is another test's.
            asker = Asker(self.draw, self.schema, self.world, left_out={"auditConnection"})
            inner = {name: asker.selected(part) for name, part in kind.fields.items()}
        else:
            inner = {name: "{ id }" * _is_row(part) for name, part in kind.fields.items()}
        return "{ " + " ".join(f"{name} {shown}" for name, shown in inner.items()) + " }"


def _is_row(field: GraphQLField) -> bool:
    return isinstance(get_named_type(field.type), GraphQLObjectType)


def _email(maker: _Maker) -> str:
    known = [row["email"] for row in maker.world["Person"]]
    email: str = choose(maker.draw, "new@school.example", *known)
    return email.upper() if chance(maker.draw, 30) else email


def _join_code(maker: _Maker) -> str:
    code: str = choose(maker.draw, *(row["joinCode"] for row in maker.world["Group"]), "NONE")
    return f" {code.lower()} " if chance(maker.draw, 30) else code


def _due_at(maker: _Maker) -> datetime | None:
    due: datetime | None = choose(maker.draw, None, *(r["dueAt"] for r in maker.world["Goal"]))
    return due


def _task_ids(maker: _Maker) -> list[UUID]:
    tasks = [row["id"] for row in maker.world["GoalTask"]]
    return [choose(maker.draw, *tasks) for _ in range(choose(maker.draw, 0, 1, 2)) if tasks]


def _role(maker: _Maker) -> str:
    return choose(maker.draw, "MENTOR_MANAGER", "ADMIN", "STUDENT", "MENTOR", "CAREGIVER", "ADMIN")


SPECIAL: dict[str, Callable[[_Maker], Any]] = {
    "email": _email, "joinCode": _join_code, "dueAt": _due_at, "taskIds": _task_ids,
    "role": _role,
}  # fmt: skip
