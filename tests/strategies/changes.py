"""Mutations of every kind, about rows of one world, by those who may and by those who may not."""

from __future__ import annotations

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

from tests.features import ids, missing_values, mutation_records, values_of
from tests.reference.changes import Done, Refused, Step, do
from tests.reference.policy import LEADERS, Policy, Row, World
from tests.strategies.drawing import Drawing, chance, choose
from tests.strategies.questions import Asker

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
TRIES = 8
"""How often something is looked for that a viewer may do, or may not although they see it."""


@dataclass(frozen=True, slots=True)
class AskedChange:
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

    @property
    def values(self) -> list[Any]:
        """The variables `i0` and `i1`."""
        return [each.input.get("inputs", each.input) for each in self.steps]

    def document(self, schema: GraphQLSchema) -> str:
        """The operation; its inputs are variables `i0` and `i1`."""
        assert schema.mutation_type is not None
        definitions, fields = [], []
        for number, (step, shown) in enumerate(zip(self.steps, self.selections, strict=True)):
            ((argument, each),) = schema.mutation_type.fields[step.mutation].args.items()
            definitions.append(f"$i{number}: {each.type}")
            fields.append(f"f{number}: {step.mutation}({argument}: $i{number}) {shown}")
        return f"mutation ({', '.join(definitions)}) {{ {' '.join(fields)} }}"


@st.composite
def changes(
    draw: DrawFn, schema: GraphQLSchema, world: World, now: datetime, mutation: str
) -> AskedChange:
    """A person of the world, and what they want to do; after another thing, perhaps."""
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
    return AskedChange(viewer, steps, selections, choose(draw, None, "again"))


def _is_able(world: World, viewer: UUID, now: datetime, steps: tuple[Step, ...]) -> bool:
    try:
        _, done = do(world, viewer, now, list(steps), mutation_records())
    except Refused:
        return False
    return all(isinstance(result, Done) for each in done for result in each.results or ())


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
    # Those who hold a role come closest, and so more often.
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
    """Those who hold a role where it happens, but left, or never accepted."""
    places = {each[name] for each in steps[-1].inputs for name in each.keys() & ids().keys()}
    places |= {
        row.get("organisationId") for rows in world.values() for row in rows if row["id"] in places
    }
    return [
        each["personId"]
        for each in world["Membership"]
        if each["personId"] is not None
        and each["organisationId"] in places
        and each["role"] in LEADERS
        and not Policy(world, each["personId"], now).counts(each)
        and not _is_able(world, each["personId"], now, steps)
    ]


def _sees(policy: Policy, step: Step) -> bool:
    return any(
        row["id"] == input[name] and policy.may_see(kind, row)
        for name, kind in ids().items()
        for input in step.inputs
        if name in input
        for row in policy.world[kind]
    )


@dataclass(slots=True)
class _Maker:
    draw: DrawFn
    schema: GraphQLSchema
    world: World

    def step(self, name: str, field: GraphQLField) -> Step:
        ((argument, each),) = field.args.items()
        kind = get_named_type(each.type)
        assert isinstance(kind, GraphQLInputObjectType)
        if argument == "input":
            return Step(name, self.input(name, kind))
        count = choose(self.draw, 1, 2, 3, 0)
        return Step(name, {argument: [self.input(name, kind) for _ in range(count)]})

    def input(self, mutation: str, kind: GraphQLInputObjectType) -> Row:
        input = self.fill(mutation, kind)
        return self.agree(mutation, input) if chance(self.draw, 85) else input

    def fill(self, mutation: str, kind: GraphQLInputObjectType) -> Row:
        return {
            name: self.value(mutation, name, field)
            for name, field in kind.fields.items()
            if is_required_input_field(field) or chance(self.draw, 50)
        }

    def value(self, mutation: str, name: str, field: GraphQLInputField) -> Any:
        inner = get_named_type(field.type)
        if (named := ids().get(name)) is not None:
            rows = [row["id"] for row in self.world[named]]
            return choose(self.draw, *rows) if rows and chance(self.draw, 95) else NOWHERE
        if isinstance(inner, GraphQLInputObjectType):
            return [self.fill(mutation, inner) for _ in range(choose(self.draw, 0, 1, 2))]
        values = values_of(mutation, name)
        if values is None and isinstance(inner, GraphQLEnumType):
            return choose(self.draw, *inner.values)
        if values is None:
            raise LookupError(missing_values(mutation, name))
        if callable(values):
            return values(Drawing(self.draw, self.world))
        nullable = not isinstance(field.type, GraphQLNonNull)
        # What an update must not clear has no null among its values.
        return choose(self.draw, *(each for each in values if nullable or each is not None))

    def agree(self, mutation: str, input: Row) -> Row:
        """The input with parts that go together, as they do where a person means it."""
        agree = mutation_records()[mutation].agree
        return input if agree is None else agree(Drawing(self.draw, self.world), input)

    def payload(self, field: GraphQLField, *, deep: bool) -> str:
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        if deep:
            asker = Asker(self.draw, self.schema, self.world)
            inner = {name: asker.selected(part) for name, part in kind.fields.items()}
        else:
            inner = {name: _shallow(name, part) for name, part in kind.fields.items()}
        return "{ " + " ".join(f"{name} {shown}" for name, shown in inner.items()) + " }"


def _shallow(name: str, field: GraphQLField) -> str:
    if not isinstance(get_named_type(field.type), GraphQLObjectType):
        return ""
    return "{ error { code } }" if name == "results" else "{ id }"
