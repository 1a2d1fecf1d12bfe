"""Every caller and every mutation, against a real database: who may is what its record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type

from poutama.db.connection import Database
from poutama.features import load_model
from tests.db.classroom import fill, snapshot, viewer_for
from tests.features import missing_record, mutation_cases, mutation_records
from tests.features.groups import invitation
from tests.features.record import Caller, Case, Id, Input, MutationRecord
from tests.features.sample import NOWHERE, id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.desk import Desk


def resolve(value: Any, find: Callable[[str], UUID]) -> Any:
    """The input with ids in the place of names, as JSON has it."""
    match value:
        case Id():
            return str(find(value))
        case dict():
            return {key: resolve(part, find) for key, part in value.items()}
        case list():
            return [resolve(part, find) for part in value]
    return value


def find_nothing(_: str) -> UUID:
    return NOWHERE


def document(mutation: str, shown: str = "") -> str:
    """The mutation, asking for what is shown of its payload; by default, for the ids it has."""
    type_ = load_model().schema.mutation_type
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields[mutation]
    payload = get_named_type(field.type)
    assert isinstance(payload, GraphQLObjectType)
    asked = " ".join(
        f"{name} {{ id }}" if isinstance(get_named_type(part.type), GraphQLObjectType) else name
        for name, part in payload.fields.items()
    )
    call = f"{mutation}(input: $input) {{ {shown or asked} }}"
    return f"mutation ($input: {field.args['input'].type}) {{ {call} }}"


async def ask(
    desk: Desk, mutation: str, caller: Caller, given: Input, find: Callable[[str], UUID] = id_of
) -> bytes:
    found = resolve(given, find)
    return (await desk.send(document(mutation), viewer_for(caller), input=found)).body


def codes(body: bytes) -> list[Any]:
    return [error["extensions"]["code"] for error in json.loads(body).get("errors", ())]


CASES = [pytest.param(*each, id=f"{each[0].name}: {each[1].about}") for each in mutation_cases()]


def test_every_mutation_has_a_record() -> None:
    known, there = set(mutation_records()), set(load_model().mutations)
    assert there <= known, "\n".join(map(missing_record, sorted(there - known)))
    assert known <= there, f"no mutation has the name that these records have: {known - there}"


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize(("record", "case"), CASES)
async def test_a_mutation_is_allowed_to_whom_its_record_says(
    desk_database: Database, record: MutationRecord, case: Case, rendering: str
) -> None:
    desk = Desk(desk_database, rendering)
    given = case.given
    await fill(desk_database)
    before = await snapshot(desk_database)
    allowed = set()
    for caller in Caller:
        body = await ask(desk, record.name, caller, given)
        after = await snapshot(desk_database)
        if codes(body):
            assert after == before, f"{caller} was refused, and yet it happened"
            if caller is Caller.ANONYMOUS:
                assert codes(body) == ["UNAUTHENTICATED"]
                continue
            assert codes(body) == ["NOT_FOUND"]
            # To the byte, as if there were no such thing.
            assert await ask(desk, record.name, caller, given, find_nothing) == body
            continue
        allowed.add(caller)
        assert after != before or record.may_repeat, f"nothing happened for {caller}"
        await fill(desk_database)
        before = await snapshot(desk_database)
    assert allowed == case.allowed


@pytest.mark.parametrize(
    ("role", "thing", "key"),
    [
        ("STUDENT", "far group", "groupId"),
        ("MENTOR", "far group", "groupId"),
        ("CAREGIVER", Caller.STRANGER, "childId"),
    ],
)
async def test_what_another_organisation_has_cannot_be_invited_into(
    desk_database: Database, role: str, thing: str, key: str
) -> None:
    await fill(desk_database)
    desk = Desk(desk_database, "json")
    before = await snapshot(desk_database)
    for caller in (Caller.MANAGER, Caller.ADMIN):
        far, nowhere = [
            await ask(desk, "invite", caller, {**invitation(role), key: str(wanted)})
            for wanted in (id_of(thing), NOWHERE)
        ]
        assert far == nowhere
        assert codes(far) == ["NOT_FOUND"]
    assert await snapshot(desk_database) == before


async def test_an_organisation_keeps_an_admin(desk_database: Database) -> None:
    await fill(desk_database)
    desk = Desk(desk_database, "json")
    given = {"membershipId": Id("other admin's")}
    body = await ask(desk, "endMembership", Caller.OTHER_ADMIN, given)
    assert codes(body) == ["CONFLICT"]
