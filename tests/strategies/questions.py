"""Queries over the whole schema, as curious as they can be about one world.

Every list may be filtered, sorted and paged by values of rows that the viewer must not see: where
such a row made any difference, the answer would show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
)
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from poutama.schema.scalars import print_date_time
from poutama.text import fold
from tests.reference.policy import Policy, Row, World
from tests.reference.school import SEARCHED, list_of
from tests.strategies.drawing import chance, choose
from tests.strategies.hidden_ways import HIDDEN_WAYS

DEEPEST = 4
"""How many relations a query follows, one after the other."""
LARGEST = 40
"""Fields after which no further relation is followed."""


def questions(
    schema: GraphQLSchema, world: World, now: datetime
) -> st.SearchStrategy[tuple[UUID, str]]:
    """People of the world, each with what they ask.

    Many ask, by one of the `HIDDEN_WAYS`, about a person who shows them some and hides some: chance
    alone hardly ever asks what a hidden row would answer.
    """
    return _questions(schema, world, find_hidden(world, now), find_caregivers(world, now))


def find_caregivers(world: World, now: datetime) -> list[UUID]:
    """Caregivers of students who have goals: few see a goal for that reason alone."""
    students = {row["personId"] for row in world["Goal"]}
    people = {row["personId"] for row in world["Membership"] if row["role"] == "CAREGIVER"}
    policies = [Policy(world, each, now) for each in sorted(people - {None})]
    return [policy.viewer for policy in policies if any(map(policy.is_caregiver_of, students))]


def find_hidden(world: World, now: datetime) -> list[tuple[UUID, UUID]]:
    """Viewers, each with a person whose goals they see, but for some goals or notes.

    Those from whom goals are hidden are there several times: they are fewer.
    """
    people = [row["id"] for row in world["Person"]]
    found = []
    for viewer in people:
        policy = Policy(world, viewer, now)
        for student in {row["personId"] for row in world["Goal"]} - {viewer}:
            if policy.may_see_goals_of(student):
                goals = [row for row in world["Goal"] if row["personId"] == student]
                ids = {row["id"] for row in goals}
                notes = [row for row in world["GoalNote"] if row["goalId"] in ids]
                kept = [each for each in goals if not policy.may_see_goal(each)]
                if kept:
                    chosen = [each for each in kept if each["audience"] != "ME"]
                    found += [(viewer, student)] * (12 if chosen else 4)
                elif not all(map(policy.may_see_note, notes)):
                    found.append((viewer, student))
    return sorted(found)


@st.composite
def _questions(
    draw: DrawFn,
    schema: GraphQLSchema,
    world: World,
    hidden: list[tuple[UUID, UUID]],
    caregivers: list[UUID],
) -> tuple[UUID, str]:
    if hidden and chance(draw, 60):
        viewer, student = choose(draw, *hidden)
        asker, text = Asker(draw, schema, world), choose(draw, *HIDDEN_WAYS)
        return viewer, asker.fill(text, student)
    # Those who are something to others ask more often.
    busy = [row["personId"] for row in world["Membership"] if row["personId"]]
    viewer = choose(draw, *busy, *(row["id"] for row in world["Person"]))
    if caregivers and chance(draw, 25):
        viewer = choose(draw, *caregivers)
    query = schema.query_type
    assert query is not None
    return viewer, Asker(draw, schema, world).selection(query, 0)


@dataclass(slots=True)
class Asker:
    """Makes selections."""

    draw: DrawFn
    schema: GraphQLSchema
    world: World
    size: int = 0

    def fill(self, way: str, person: UUID) -> str:
        """One of the `WAYS`, about that person."""
        text = way.replace("PERSON", f'"{person}"')
        for word, kind in (("GOAL", "Goal"), ("NOTE", "GoalNote")):
            while word in text:
                text = text.replace(word, self._hitting_filter(kind), 1)
        return text

    def _hitting_filter(self, kind: str) -> str:
        """A filter of what people wrote: as likely as not one that some rows fit."""
        if chance(self.draw, 50):
            return self.filter_of(kind, 1)
        field = choose(self.draw, "information", "title") if kind == "Goal" else "information"
        operator = choose(self.draw, "eq", "contains", "startsWith")
        return _object({field: _object({operator: _print(self._value(kind, field))})})

    def selected(self, field: GraphQLField) -> str:
        """What is asked of a field: nothing where it is a value."""
        target = get_named_type(field.type)
        return self.selection(target, 1) if isinstance(target, GraphQLObjectType) else ""

    def selection(self, type_: GraphQLObjectType, depth: int) -> str:
        leaves = [name for name, field in type_.fields.items() if _is_leaf(field)]
        others = [name for name in type_.fields if name not in leaves]
        page = type_.name.endswith(("Connection", "Edge"))
        if (depth >= DEEPEST and not page) or self.size > LARGEST:
            others = ["node"] if type_.name.endswith("Edge") else []
        chosen = [choose(self.draw, *leaves) for _ in range(choose(self.draw, 1, 2)) if leaves]
        chosen = list(dict.fromkeys(chosen))
        if others:
            # The first is what hypothesis makes of a question that fails.
            count = choose(self.draw, 0 if leaves else 1, 2, 1, 2, 3, 2, 1)
            chosen += [choose(self.draw, *others) for _ in range(count)]
        self.size += len(chosen)
        parts = [
            # Twice the same field, with other arguments, needs another name.
            self._field(
                name if name not in chosen[:place] else f"{name}{place}: {name}",
                type_,
                name,
                depth,
                is_page=page,
            )
            for place, name in enumerate(chosen)
        ]
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def _field(
        self, text: str, type_: GraphQLObjectType, name: str, depth: int, *, is_page: bool
    ) -> str:
        field = type_.fields[name]
        more = [name for name in field.args if name.startswith("include")]
        input = dict.fromkeys((each for each in more if chance(self.draw, 40)), "true")
        input |= self._arguments(field, f"{type_.name}.{name.removesuffix('Connection')}")
        if input:
            text += "(" + ", ".join(f"{name}: {value}" for name, value in input.items()) + ")"
        target = get_named_type(field.type)
        if isinstance(target, GraphQLObjectType):
            text += " " + self.selection(target, depth + (not is_page))
        return text

    def _arguments(self, field: GraphQLField, listing: str) -> dict[str, str]:
        kind = get_named_type(field.type).name.removesuffix("Connection")
        found: dict[str, str] = {}
        for name in field.args:
            required = "orderBy" not in field.args
            if name.endswith("Id") and (required or chance(self.draw, 50)):
                found[name] = _print(self._value(kind, "id"))
        if "orderBy" not in field.args:
            return found
        orders = self._orders(kind) if chance(self.draw, 40) else None
        if orders is not None:
            found["orderBy"] = f"[{', '.join(orders)}]"
        if chance(self.draw, 40):
            found["filter"] = self.filter_of(kind, 0)
        elif "goalId" in found:
            found["filter"] = "{}"
        pages = "last" in field.args
        if chance(self.draw, 25):
            size = choose(self.draw, "first", "last") if pages else "first"
            found[size] = str(choose(self.draw, 2, 1, 3, 4))
        for side in ("after", "before") if pages else ("after",):
            if chance(self.draw, 15) and self.world.get(kind):
                # As likely as not of a row that the viewer may not see.
                row = choose(self.draw, *self.world[kind])
                found[side] = json.dumps(list_of(listing, kind, orders).cursor(row))
        return found

    def _orders(self, kind: str) -> list[str]:
        type_ = self.schema.type_map[f"{kind}Order"]
        assert isinstance(type_, GraphQLEnumType)
        return [choose(self.draw, *type_.values) for _ in range(choose(self.draw, 1, 2, 0))]

    def filter_of(self, kind: str, depth: int) -> str:
        """What a filter of rows of this type may ask."""
        type_ = self.schema.type_map[f"{kind}Filter"]
        assert isinstance(type_, GraphQLInputObjectType)
        nested = [name for name in type_.fields if self._leads_on(type_, name)]
        names = [name for name in type_.fields if name not in nested]
        if depth < 3:
            names += nested * 2
        chosen = dict.fromkeys(choose(self.draw, *names) for _ in range(choose(self.draw, 1, 2)))
        return _object({name: self._condition(kind, type_, name, depth) for name in chosen})

    def _leads_on(self, type_: GraphQLInputObjectType, name: str) -> bool:
        inner = get_named_type(type_.fields[name].type)
        return isinstance(inner, GraphQLInputObjectType) and (
            "and" in inner.fields or "some" in inner.fields
        )

    def _condition(self, kind: str, type_: GraphQLInputObjectType, name: str, depth: int) -> str:
        wanted = type_.fields[name].type
        inner = get_named_type(wanted)
        if name == "search":
            return _print(fold(self._value(kind, choose(self.draw, *SEARCHED[kind])))[:2])
        assert isinstance(inner, GraphQLInputObjectType)
        if is_list_type(wanted):
            parts = [self.filter_of(kind, depth + 1) for _ in range(choose(self.draw, 1, 2))]
            return f"[{', '.join(parts)}]"
        if "some" in inner.fields:
            target = get_named_type(inner.fields["some"].type).name.removesuffix("Filter")
            word = choose(self.draw, "some", "none", "every")
            return _object({word: self.filter_of(target, depth + 1)})
        if "and" in inner.fields:
            return self.filter_of(inner.name.removesuffix("Filter"), depth + 1)
        return self._comparison(kind, name, inner)

    def _comparison(self, kind: str, field: str, type_: GraphQLInputObjectType) -> str:
        operator = choose(self.draw, *type_.fields)
        if operator == "isNull":
            return _object({operator: choose(self.draw, "false", "true")})
        enum = get_named_type(type_.fields["eq"].type)
        values = [self._value(kind, field) for _ in range(2 if operator == "in" else 1)]
        if isinstance(enum, GraphQLEnumType):
            words = [
                str(each) if each in enum.values else next(iter(enum.values)) for each in values
            ]
        else:
            words = [_print(each) for each in values]
        return _object({operator: f"[{', '.join(words)}]" if operator == "in" else words[0]})

    def _value(self, kind: str, field: str) -> Any:
        """The value of some row of the world, seen or hidden."""
        if kind == "GroupProgress":
            if field != "id":
                return choose(self.draw, 1, 0, 2, 3)
            kind = "Group"
        if kind == "StudentAccount" and field == "hasSignedIn":
            return choose(self.draw, True, False)
        if kind in SHOWN_OF_OTHERS:
            kind, field = SHOWN_OF_OTHERS[kind].get(field, ("Membership", field))
        rows = [row for row in self.world[kind] if row[field] is not None]
        if rows:
            return choose(self.draw, *rows)[field]
        return SAMPLES.get(field, 0)  # for the many counts


SHOWN_OF_OTHERS = {
    "Invitation": {
        "organisationName": ("Organisation", "name"),
        "organisationVerified": ("Organisation", "verified"),
        "groupName": ("Group", "name"),
        "inviterName": ("Person", "name"),
    },
    "StudentAccount": {"codeExpiresAt": ("Membership", "beginsAt")},
    "PersonAccess": {
        "reason": ("Membership", "role"),
        "readsGoals": ("Organisation", "verified"),
        "holderName": ("Person", "name"),
        "organisationName": ("Organisation", "name"),
        "groupName": ("Group", "name"),
        "since": ("Membership", "beginsAt"),
        "grantedByName": ("Person", "name"),
        "confirmedByName": ("Person", "name"),
    },
}
"""Type -> field -> whose field it shows, or is like; the others are the membership's."""
SAMPLES: Row = {
    "id": UUID(int=0), "rowId": UUID(int=0), "actorId": UUID(int=0), "actorName": "",
    "organisationId": UUID(int=0), "organisationName": "", "color": "", "name": "",
    "dueAt": datetime.fromisoformat("2026-01-01T00:00:00Z"), "information": "", "title": "",
    "version": 1, "position": 0, "complete": False, "kind": "", "failure": "", "total": 0,
    "seconds": 1,
    "rejection": "", "noticeVersion": "", "schools": "", "reason": "", "openerName": "",
    "deciderName": "", "receipt": "", "receiptCode": "", "note": "", "otherAdministrators": 0,
    "notice": "", "basis": "PERSON", "verified": False, "reminder": "DUE_SOON",
    "invitedName": "", "invitedEmail": "", "applicantName": "", "confirmed": True,
    "claimedName": "", "personSourcedId": "", "decision": "SAME_PERSON",
    "proposal": "SAME_PERSON",
    "action": "READ", "goalType": "SPORTS", "role": "ADMIN", "source": "INVITED",
    "audience": "CAREGIVERS",
}  # fmt: skip
"""A value for fields that no row of a world has one for."""
for _moment in (
    "at",
    "beginsAt",
    "expiresAt",
    "closedAt",
    "decidedAt",
    "doneAt",
    "endsAt",
    "acceptedAt",
    "startedAt",
    "finishedAt",
    "checkedAt",
    "appliedAt",
    "proposedAt",
    "completedAt",
    "updatedAt",
    "createdAt",
    "confirmedAt",
    "joinCodeExpiresAt",
    "endedAt",
    "givenAt",
    "withdrawnAt",
):
    SAMPLES[_moment] = SAMPLES["dueAt"]


def _is_leaf(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type))


def _print(value: Any) -> str:
    """A value as GraphQL writes it."""
    match value:
        case datetime():
            return json.dumps(print_date_time(value))
        case UUID():
            return json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)


def _object(fields: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name}: {value}" for name, value in fields.items()) + " }"
