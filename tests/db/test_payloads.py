"""A mutation's payload shows what a query shows right after it: no more, by whatever relation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import PROCEDURES, load_model
from poutama.reference.rights import CASES, Caller, Case
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.classroom import fill, id_of, viewer_for
from tests.db.test_mutation_roles import INPUTS, resolve
from tests.golden.compiled import RENDERINGS
from tests.golden.desk import Desk

PERSON = "{ id name email goals { id notes { id author { id email } } } memberships { id } }"
MEMBER = f"{{ id role acceptedAt endsAt person {PERSON} child {PERSON} }}"
GROUP = f"{{ id joinCode progress {{ active completed }} members {MEMBER} }}"
INSIDE = f"{{ id groups {GROUP} memberships {MEMBER} }}"
GOAL = f"{{ id owner {PERSON} tasks {{ id }} notes {{ id author {PERSON} }} }}"
SELECTED = {
    "Goal": GOAL,
    "GoalTask": f"{{ id goal {GOAL} }}",
    "GoalNote": f"{{ id author {PERSON} goal {GOAL} }}",
    "Organisation": INSIDE,
    "Group": f"{{ id joinCode progress {{ active }} members {MEMBER} organisation {INSIDE} }}",
    "Membership": f"{{ id person {PERSON} child {PERSON} group {GROUP} organisation {INSIDE} }}",
}
"""Type -> all that a payload might give away."""
# The limits have tests of their own.
UNLIMITED: dict[str, Any] = {
    item.name: 10**6 for item in fields(Settings) if item.name.startswith("max_")
}
ONLY = "(filter: { id: { eq: $id } })"
WAYS = {
    "Goal": "goals(goalId: $id) %",
    "GoalTask": f"goals(goalId: $goal) {{ tasks{ONLY} % }}",
    "GoalNote": f"goals(goalId: $goal) {{ notes{ONLY} % }}",
    "Organisation": "organisation(organisationId: $id) %",
    "Group": "group(groupId: $id) %",
    "Membership": f"me {{ memberships{ONLY} % }} organisations {{ memberships{ONLY} % }}"
    f" groups {{ members{ONLY} % }}",
}
"""Type -> how a query leads to a row of it."""


def payload_of(mutation: str) -> tuple[str, str, str] | None:
    """The input's type, the payload's field and its type; None where the payload is an id."""
    type_ = load_model().schema.mutation_type
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields[mutation]
    payload = get_named_type(field.type)
    assert isinstance(payload, GraphQLObjectType)
    ((name, part),) = payload.fields.items()
    kind = get_named_type(part.type)
    return (str(field.args["input"].type), name, kind.name) if kind.name in SELECTED else None


ALLOWED = [
    pytest.param(case, caller, id=f"{case.mutation}: {case.about}, {caller}")
    for case in CASES
    for caller in Caller
    if caller in case.allowed and payload_of(case.mutation) is not None
]


@pytest.fixture(scope="module")
def desks(desk_database: Database) -> dict[str, Desk]:
    """Engines that keep their plans, one for each rendering."""
    found = {rendering: Desk(desk_database, rendering) for rendering in RENDERINGS}
    for rendering, desk in found.items():
        settings = Settings(rendering=rendering, **UNLIMITED)
        desk.engine = Engine(load_model(), desk_database, settings, PROCEDURES)
    return found


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize(("case", "caller"), ALLOWED)
async def test_a_payload_shows_no_more_than_a_query(
    desk_database: Database, desks: dict[str, Desk], case: Case, caller: Caller, rendering: str
) -> None:
    await fill(desk_database)
    viewer = viewer_for(caller)
    assert viewer is not None
    desk = desks[rendering]
    found = payload_of(case.mutation)
    assert found is not None
    input_type, name, kind = found
    given = resolve(INPUTS[case.mutation, case.about], id_of)
    text = (
        f"mutation ($input: {input_type}) {{"
        f" {case.mutation}(input: $input) {{ {name} {SELECTED[kind]} }} }}"
    )
    (payload,) = (await desk.ask(text, viewer, input=given)).values()
    rows = await find_rows(desk, viewer, kind, UUID(payload[name]["id"]))
    assert rows, "the payload shows a row that no query leads to"
    assert all(row == payload[name] for row in rows), json.dumps([payload, rows])


async def find_rows(desk: Desk, viewer: Viewer, kind: str, row: UUID) -> list[Any]:
    """The row, by every way that a query leads to it."""
    way = WAYS[kind].replace("%", SELECTED[kind])
    variables = {
        name: str(value)
        for name, value in (("id", row), ("goal", id_of("goal")))
        if f"${name}" in way
    }
    defined = ", ".join(f"${name}: UUID!" for name in variables)
    data = await desk.ask(f"query ({defined}) {{ {way} }}", viewer, **variables)
    return [found for found in rows_in(data, str(row)) if found.keys() == keys_of(kind)]


def keys_of(kind: str) -> set[str]:
    """The fields that stand on the first level of what is selected."""
    found, depth = set[str](), 0
    for word in SELECTED[kind].split():
        depth += {"{": 1, "}": -1}.get(word, 0)
        if depth == 1 and word not in "{}":
            found.add(word)
    return found


def rows_in(data: Any, row: str) -> Iterator[dict[str, Any]]:
    match data:
        case dict():
            if data.get("id") == row:
                yield data
            for part in data.values():
                yield from rows_in(part, row)
        case list():
            for part in data:
                yield from rows_in(part, row)
