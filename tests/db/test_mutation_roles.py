"""Every caller and every mutation, against a real database: who may is what its record says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from poutama.db.connection import Database
from poutama.engine import GraphQLResponse
from poutama.features import load_model
from tests.db.sample_people import fill, snapshot, viewer_for
from tests.features import missing_record, mutation_cases, mutation_records
from tests.features.groups import invitation
from tests.features.record import Caller, Case, Id, Input, MutationRecord
from tests.features.sample import NOWHERE, id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient


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


NOT_FOUND = re.compile(r'"\w+: \w+ not found, or you may not change it\."')


def find_nothing(_: str) -> UUID:
    return NOWHERE


def document(mutation: str, shown: str = "") -> str:
    """The mutation, asking for what is shown of its payload; by default, for the ids it has."""
    type_ = load_model().schema.mutation_type
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields[mutation]
    payload = shown_by(mutation)
    asked = " ".join(
        f"{name} {{ id }}" if isinstance(get_named_type(part.type), GraphQLObjectType) else name
        for name, part in payload.fields.items()
        if name != "error"
    )
    ((argument, each),) = field.args.items()
    selected = shown or asked
    if argument == "inputs":
        selected = f"results {{ {selected} error {{ code message }} }}"
    call = f"{mutation}({argument}: ${argument}) {{ {selected} }}"
    return f"mutation (${argument}: {each.type}) {{ {call} }}"


def shown_by(mutation: str) -> GraphQLObjectType:
    """The payload of a mutation, or the results of one of several inputs."""
    type_ = load_model().schema.mutation_type
    assert type_ is not None
    payload = get_named_type(type_.fields[mutation].type)
    assert isinstance(payload, GraphQLObjectType)
    if "results" in payload.fields:
        payload = get_named_type(payload.fields["results"].type)
        assert isinstance(payload, GraphQLObjectType)
    return payload


def variables_of(input: Any) -> dict[str, Any]:
    """The variables of `document`."""
    return input if "inputs" in input else {"input": input}


async def ask(
    client: EngineClient,
    mutation: str,
    caller: Caller,
    input: Input,
    find: Callable[[str], UUID] = id_of,
) -> GraphQLResponse:
    found = resolve(input, find)
    return await client.send(document(mutation), viewer_for(caller), **variables_of(found))


def errors(answer: GraphQLResponse) -> list[Any]:
    """The extensions and places of errors; that of an input counts as that of the mutation."""
    body = json.loads(answer.body)
    found = [(error["extensions"], error.get("path")) for error in body.get("errors", ())]
    for name, payload in (body.get("data") or {}).items():
        for result in payload.get("results", ()):
            if result["error"] is not None:
                found.append(({"code": result["error"]["code"]}, [name]))
    return found


def versions_of(mutation: str) -> list[Input]:
    """What may be added to an input: nothing, and where it takes a version, that one or another."""
    type_ = load_model().schema.mutation_type
    assert type_ is not None
    ((_, argument),) = type_.fields[mutation].args.items()
    kind = get_named_type(argument.type)
    assert isinstance(kind, GraphQLInputObjectType)
    takes = "expectedVersion" in kind.fields
    return [{}, *({"expectedVersion": version} for version in (1, 2) if takes)]


async def refused(client: EngineClient, mutation: str, caller: Caller, input: Input) -> bool:
    """Whether the mutation is refused; if so, to the byte as if the row did not exist."""
    for version in versions_of(mutation):
        versioned = add(version, input)
        answer = await ask(client, mutation, caller, versioned)
        match errors(answer):
            case []:
                return False
            case [({"code": "UNAUTHENTICATED"}, None)]:
                assert (caller, answer.status) == (Caller.ANONYMOUS, 401)
            case [error]:
                assert error == ({"code": "NOT_FOUND"}, [mutation])
                assert NOT_FOUND.search(answer.body.decode()), answer.body
                nowhere = await ask(client, mutation, caller, versioned, find_nothing)
                assert answer == nowhere
            case several:
                pytest.fail(f"{caller} got {several}")
    return True


def add(version: Input, input: Any) -> Input:
    """The input with a version; of several, each."""
    if "inputs" in input:
        return {"inputs": [{**each, **version} for each in input["inputs"]]}
    return {**input, **version}


CASES = [
    pytest.param(record, case, rendering, id=f"{record.name}: {case.about}, {rendering}")
    for record, case in mutation_cases()
    # What changes several is one statement, however a payload is rendered.
    for rendering in (RENDERINGS[:1] if record.single else RENDERINGS)
]


def test_every_mutation_has_a_record() -> None:
    known, there = set(mutation_records()), set(load_model().mutations)
    assert there <= known, "\n".join(map(missing_record, sorted(there - known)))
    assert known <= there, f"no mutation has the name that these records have: {known - there}"


@pytest.mark.parametrize(("record", "case", "rendering"), CASES)
async def test_a_mutation_is_allowed_to_whom_its_record_says(
    engine_database: Database, record: MutationRecord, case: Case, rendering: str
) -> None:
    client = EngineClient(engine_database, rendering)
    await fill(engine_database)
    before = await snapshot(engine_database)
    allowed = set()
    for caller in Caller:
        is_refused = await refused(client, record.name, caller, case.input)
        after = await snapshot(engine_database)
        if is_refused:
            assert after == before, f"{caller} was refused, and yet it happened"
            continue
        allowed.add(caller)
        assert after != before or record.may_repeat, f"nothing happened for {caller}"
        await fill(engine_database)
        before = await snapshot(engine_database)
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
    engine_database: Database, role: str, thing: str, key: str
) -> None:
    await fill(engine_database)
    client = EngineClient(engine_database, "json")
    before = await snapshot(engine_database)
    for caller in (Caller.MANAGER, Caller.ADMIN):
        far, nowhere = [
            await ask(client, "invite", caller, {**invitation(role), key: str(wanted)})
            for wanted in (id_of(thing), NOWHERE)
        ]
        assert far == nowhere
        assert errors(far) == [({"code": "NOT_FOUND"}, ["invite"])]
    assert await snapshot(engine_database) == before


async def test_an_organisation_keeps_an_admin(engine_database: Database) -> None:
    await fill(engine_database)
    client = EngineClient(engine_database, "json")
    input = {"membershipId": Id("other admin's")}
    answer = await ask(client, "endMembership", Caller.OTHER_ADMIN, input)
    assert errors(answer) == [({"code": "CONFLICT"}, ["endMembership"])]
