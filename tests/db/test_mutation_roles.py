"""Every cell of the table of mutations in docs/permissions.md, against a real database."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, get_named_type

from poutama.db.connection import Database
from poutama.features import load_model
from poutama.reference.rights import CASES, Caller, Case
from tests.db.classroom import JOIN_CODE, NOWHERE, fill, id_of, snapshot, viewer_for
from tests.golden.compiled import RENDERINGS
from tests.golden.desk import Desk

Input: TypeAlias = Mapping[str, object]


class Id(str):
    """Stands in an input for the id of what has this name."""

    __slots__ = ()


def invitation(role: str, **more: object) -> Input:
    who = {"email": "new@school.example", "name": "New"}
    return {"organisationId": Id("organisation"), "role": role, **who, **more}


NOTES = {
    "a note of the student": Id("note of the student"),
    "a note of the mentor": Id("note of the mentor"),
    "a note of the mentor who has left": Id("note of the ended mentor"),
}
GOAL, TASK, GROUP = {"goalId": Id("goal")}, {"taskId": Id("task")}, {"groupId": Id("group")}
EVIDENCE = {"evidenceId": Id("evidence")}
FILE = {
    "title": "Mahi",
    "fileName": "mahi.jpg",
    "mediaType": "image/jpeg",
    "bytes": 7,
    "sha256": "0" * 64,
}
ORGANISATION = {"organisationId": Id("organisation")}
INPUTS: Mapping[tuple[str, str], Input] = {
    ("createGoal", "a goal of one's own"): {"goalType": "SPORTS", "title": "Run"},
    ("updateGoal", "the student's goal"): {**GOAL, "title": "Run"},
    ("deleteGoal", "the student's goal"): GOAL,
    ("createGoalTask", "the student's goal"): {**GOAL, "information": "Run"},
    ("updateGoalTask", "a task of the student"): {**TASK, "complete": True},
    ("deleteGoalTask", "a task of the student"): TASK,
    ("reorderGoalTasks", "the student's goal"): {**GOAL, "taskIds": [Id("task"), Id("task 2")]},
    ("createGoalNote", "the student's goal"): {**GOAL, "information": "Well done"},
    **{("updateGoalNote", of): {"noteId": note, "information": "?"} for of, note in NOTES.items()},
    **{("deleteGoalNote", of): {"noteId": note} for of, note in NOTES.items()},
    ("addEvidence", "the student's goal"): {**GOAL, **FILE},
    ("addEvidence", "a note of the mentor"): {**GOAL, "noteId": Id("note of the mentor"), **FILE},
    ("finishEvidence", "evidence of the student"): EVIDENCE,
    ("updateEvidence", "evidence of the student"): {**EVIDENCE, "title": "?"},
    ("deleteEvidence", "evidence of the student"): EVIDENCE,
    ("dismissReminder", "the student's"): {"reminderId": Id("reminder")},
    ("exportJourney", "one's own"): {},
    ("exportJourney", "the student's"): {"personId": Id(Caller.STUDENT)},
    ("createOrganisation", "a new one"): {"name": "New"},
    ("updateOrganisation", "the organisation"): {**ORGANISATION, "name": "New"},
    ("createGroup", "the organisation"): {**ORGANISATION, "name": "New"},
    ("updateGroup", "the group"): {**GROUP, "name": "New"},
    ("deleteGroup", "the group"): GROUP,
    ("renewJoinCode", "the group"): GROUP,
    ("joinGroup", "the group, with its join code"): {"joinCode": JOIN_CODE},
    ("invite", "a student into the group"): invitation("STUDENT", **GROUP),
    ("invite", "a mentor for the group"): invitation("MENTOR", **GROUP),
    ("invite", "a caregiver of the student"): invitation("CAREGIVER", childId=Id(Caller.STUDENT)),
    ("invite", "a manager"): invitation("MENTOR_MANAGER"),
    ("invite", "an admin"): invitation("ADMIN"),
    ("acceptMembership", "the student's"): {"membershipId": Id("student's, not accepted")},
    **{
        ("endMembership", f"the {whose}"): {"membershipId": Id(whose)}
        for whose in ("student's", "mentor's", "caregiver's", "manager's", "admin's")
    },
    ("cancelJob", "the student's own"): {"jobId": Id("job")},
    ("cancelJob", "one the student asked for in the organisation"): {
        "jobId": Id("job of the organisation")
    },
    ("startRosterImport", "the organisation"): {
        **ORGANISATION,
        "name": "roster.zip",
        "bytes": 7,
        "sha256": "0" * 64,
    },
    ("checkRosterImport", "one of the organisation"): {"importId": Id("import")},
    ("applyRosterImport", "one of the organisation"): {
        "importId": Id("checked import"),
        "expectedVersion": 1,
    },
}


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


def document(mutation: str) -> str:
    """The mutation, asking for the ids that its payload has."""
    type_ = load_model().schema.mutation_type
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields[mutation]
    payload = get_named_type(field.type)
    assert isinstance(payload, GraphQLObjectType)
    asked = " ".join(
        f"{name} {{ id }}" if isinstance(get_named_type(part.type), GraphQLObjectType) else name
        for name, part in payload.fields.items()
    )
    call = f"{mutation}(input: $input) {{ {asked} }}"
    return f"mutation ($input: {field.args['input'].type}) {{ {call} }}"


async def ask(
    desk: Desk, mutation: str, caller: Caller, given: Input, find: Callable[[str], UUID] = id_of
) -> bytes:
    found = resolve(given, find)
    return (await desk.send(document(mutation), viewer_for(caller), input=found)).body


def codes(body: bytes) -> list[Any]:
    return [error["extensions"]["code"] for error in json.loads(body).get("errors", ())]


def test_every_mutation_stands_in_the_table() -> None:
    assert {case.mutation for case in CASES} == set(load_model().mutations)
    assert {(case.mutation, case.about) for case in CASES} == set(INPUTS)


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.mutation}: {case.about}")
async def test_a_mutation_is_allowed_to_whom_the_table_says(
    desk_database: Database, case: Case, rendering: str
) -> None:
    desk = Desk(desk_database, rendering)
    given = INPUTS[case.mutation, case.about]
    await fill(desk_database)
    before = await snapshot(desk_database)
    allowed = set()
    for caller in Caller:
        body = await ask(desk, case.mutation, caller, given)
        after = await snapshot(desk_database)
        if codes(body):
            assert after == before, f"{caller} was refused, and yet it happened"
            if caller is Caller.ANONYMOUS:
                assert codes(body) == ["UNAUTHENTICATED"]
                continue
            assert codes(body) == ["NOT_FOUND"]
            # To the byte, as if there were no such thing.
            assert await ask(desk, case.mutation, caller, given, find_nothing) == body
            continue
        allowed.add(caller)
        # Whoever has joined already is told so, and nothing happens twice.
        assert after != before or case.mutation == "joinGroup", f"nothing happened for {caller}"
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
