"""A student chooses who sees a goal, a mentor who reads a note; others do not learn of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.sample_people import fill, viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient

STUDENT, GOAL = str(id_of(Caller.STUDENT)), str(id_of("goal"))
NEAR, FAR = str(id_of("organisation")), str(id_of("other organisation"))
FAR_MENTOR = "mentor in another organisation"
JOIN = (
    "INSERT INTO membership (id, organisation_id, group_id, person_id, role, source, begins_at,"
    " accepted_at) VALUES ($1, $2, $3, $4, $5, 'INVITED', now(), now())"
)
CREATE = (
    "mutation ($input: CreateGoalInput!) { createGoal(input: $input) { goal { id audience } } }"
)
SET = """
mutation ($goal: UUID!, $audience: GoalAudience, $places: [UUID!]) {
  updateGoal(input: { goalId: $goal, audience: $audience, organisationIds: $places }) {
    goal { audience organisationIds }
  }
}
"""
SHOW = """
mutation ($goal: UUID!, $audience: GoalAudience!) {
  updateGoal(input: { goalId: $goal, audience: $audience }) { goal { audience } }
}
"""
NOTE = """
mutation ($goal: UUID!, $audience: NoteAudience!) {
  createGoalNote(input: { goalId: $goal, information: "Kōrero huna", audience: $audience }) {
    note { id audience organisation { id } }
  }
}
"""
LOOK = """
query ($student: UUID!, $goal: UUID!, $evidence: UUID!) {
  person(personId: $student) {
    goals { id organisationIds } goalsConnection(first: 0) { totalCount }
    found: goals(filter: { search: "korero" }) { id }
    memberships { id }
  }
  goals(goalId: $goal, filter: {}) { tasks { id } notes { information } evidence { id } }
  evidence(evidenceId: $evidence) { id }
  groups {
    withGoals: members(filter: { person: { goals: { some: {} } } }) { id }
    without: members(filter: { person: { goals: { none: {} } } }) { person { id } }
  }
}
"""
NOTES = """
query ($goal: UUID!) {
  goals(goalId: $goal, filter: {}) {
    notes { information } notesConnection { totalCount }
    first: notesConnection(first: 1, orderBy: [CREATED_AT_DESC]) { nodes { information } }
    found: notes(filter: { search: "huna" }) { id }
  }
  withNote: goals(goalId: $goal, filter: {}) { id tasks(
    filter: { goal: { notes: { some: { information: { contains: "huna" } } } } }) { id } }
}
"""
PROGRESS = "{ groups { name progress { active } } }"


@pytest.fixture(params=RENDERINGS)
async def client(request: pytest.FixtureRequest, engine_database: Database) -> EngineClient:
    """The sample people; the student also studies in another organisation, with a mentor there."""
    await fill(engine_database)
    await engine_database.write(
        "INSERT INTO person (id, name, email) VALUES ($1, $2, 'far@school.example')",
        [id_of(FAR_MENTOR), FAR_MENTOR],
        deadline=soon(),
    )
    for person, role in ((Caller.STUDENT, "STUDENT"), (FAR_MENTOR, "MENTOR")):
        key = id_of(f"far {role}")
        values = [key, UUID(FAR), id_of("far group"), id_of(person), role]
        await engine_database.write(JOIN, values, deadline=soon())
    return EngineClient(engine_database, request.param)


def viewer(name: str) -> Viewer:
    return Viewer(id_of(name))


async def sees(client: EngineClient, name: str) -> bool:
    """Whether the person sees the goal by every way; that every other way agrees is asserted."""
    ids = {"student": STUDENT, "goal": GOAL, "evidence": str(id_of("evidence"))}
    seen = await client.ask(LOOK, viewer(name), **ids)
    person = seen["person"] or {"goals": [], "goalsConnection": {"totalCount": 0}, "found": []}
    ways: set[bool] = {
        bool(person["goals"]),
        bool(person["found"]),
        person["goalsConnection"]["totalCount"] > 0,
        bool(seen["goals"]),
        seen["evidence"] is not None,
        bool(seen["goals"] and seen["goals"][0]["tasks"]),
    }
    if name in (Caller.MENTOR, FAR_MENTOR):
        ways.add(any(group["withGoals"] for group in seen["groups"]))
        without = [row["person"] for group in seen["groups"] for row in group["without"]]
        ways.add({"id": STUDENT} not in without)
    assert len(ways) == 1, seen
    return ways.pop()


async def who_sees(client: EngineClient) -> set[str]:
    names = (Caller.STUDENT, Caller.MENTOR, FAR_MENTOR, Caller.CAREGIVER, Caller.MANAGER)
    return {str(name) for name in names if await sees(client, name)}


async def open_record(client: EngineClient) -> None:
    query = (
        "mutation ($of: UUID!) { openRecord(input: { personId: $of,"
        ' reason: "A mentor reported harm" }) { openedRecord { id } } }'
    )
    await client.ask(query, viewer(Caller.MANAGER), of=STUDENT)


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ("ME", {Caller.STUDENT}),
        ("MENTORS", {Caller.STUDENT, Caller.MENTOR, FAR_MENTOR, Caller.MANAGER}),
        (
            "CAREGIVERS",
            {Caller.STUDENT, Caller.MENTOR, FAR_MENTOR, Caller.MANAGER, Caller.CAREGIVER},
        ),
    ],
)
async def test_a_goal_is_seen_by_its_audience_and_by_no_way_by_others(
    client: EngineClient, audience: str, expected: set[str]
) -> None:
    await open_record(client)
    student = viewer(Caller.STUDENT)
    await client.ask(SHOW, student, goal=GOAL, audience=audience)
    assert await who_sees(client) == {str(name) for name in expected}


async def test_a_goal_is_seen_by_the_organisations_that_the_student_chooses(
    client: EngineClient,
) -> None:
    student = viewer(Caller.STUDENT)
    await open_record(client)
    caregiver = {str(Caller.STUDENT), str(Caller.CAREGIVER)}
    for places, expected in (
        ([NEAR], {str(Caller.MENTOR), str(Caller.MANAGER)}),
        ([FAR], {FAR_MENTOR}),
        ([NEAR, FAR], {str(Caller.MENTOR), str(Caller.MANAGER), FAR_MENTOR}),
        ([], set[str]()),
    ):
        answer = await client.ask(SET, student, goal=GOAL, audience="CAREGIVERS", places=places)
        shown = answer["updateGoal"]["goal"]["organisationIds"]
        assert shown == places
        assert await who_sees(client) == caregiver | expected
    answer = await client.ask(SET, student, goal=GOAL, audience="CAREGIVERS", places=None)
    assert answer["updateGoal"]["goal"]["organisationIds"] is None
    assert FAR_MENTOR in await who_sees(client)


async def test_which_organisations_see_a_goal_is_the_students_affair(client: EngineClient) -> None:
    await client.ask(SET, viewer(Caller.STUDENT), goal=GOAL, audience="MENTORS", places=[NEAR])
    query = "query ($goal: UUID!) { goals(goalId: $goal) { organisationIds } }"
    assert (await client.ask(query, viewer(Caller.MENTOR), goal=GOAL))["goals"] == [
        {"organisationIds": None}
    ]


async def test_so_many_organisations_can_be_chosen(client: EngineClient) -> None:
    code = await client.refuse(
        SET, viewer(Caller.STUDENT), goal=GOAL, audience="ME", places=[NEAR] * 101
    )
    assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("input", "expected"),
    [
        ({"goalType": "WELLBEING"}, "MENTORS"),
        ({"goalType": "WELLBEING", "audience": None}, "MENTORS"),
        ({"goalType": "WELLBEING", "audience": "CAREGIVERS"}, "CAREGIVERS"),
        ({"goalType": "SPORTS"}, "CAREGIVERS"),
        ({"goalType": "SPORTS", "audience": "ME"}, "ME"),
    ],
)
async def test_a_new_goal_is_for_the_audience_of_its_type(
    client: EngineClient, input: dict[str, Any], expected: str
) -> None:
    answer = await client.ask(CREATE, viewer(Caller.STUDENT), input={**input, "title": "Hauora"})
    assert answer["createGoal"]["goal"]["audience"] == expected


async def test_a_groups_sums_are_of_the_goals_that_its_mentors_see(client: EngineClient) -> None:
    student = viewer(Caller.STUDENT)

    async def count() -> dict[str, int]:
        found = {}
        for name in (Caller.MENTOR, FAR_MENTOR, Caller.ADMIN):
            for group in (await client.ask(PROGRESS, viewer(name)))["groups"]:
                found[f"{name}: {group['name']}"] = group["progress"]["active"]
        return {name: number for name, number in found.items() if "other group" not in name}

    near, far = ("mentor: group", "admin: group"), (f"{FAR_MENTOR}: far group",)
    assert await count() == dict.fromkeys((*near, *far), 1)
    await client.ask(SET, student, goal=GOAL, audience="MENTORS", places=[NEAR])
    assert await count() == dict.fromkeys(near, 1) | dict.fromkeys(far, 0)
    await client.ask(SHOW, student, goal=GOAL, audience="ME")
    assert await count() == dict.fromkeys((*near, *far), 0)


async def write_note(client: EngineClient, author: str, audience: str) -> Any:
    answer = await client.ask(NOTE, viewer(author), goal=GOAL, audience=audience)
    return answer["createGoalNote"]["note"]


async def reads_note(client: EngineClient, name: str) -> bool:
    """Whether the person sees the note of `write_note`, by every way or by none."""
    answer = await client.ask(NOTES, viewer(name), goal=GOAL)
    (goal,) = answer["goals"]
    texts = [note["information"] for note in goal["notes"]]
    assert goal["notesConnection"]["totalCount"] == len(texts)
    newest = [note["information"] for note in goal["first"]["nodes"]]
    found: set[bool] = {
        "Kōrero huna" in texts,
        bool(goal["found"]),
        newest == ["Kōrero huna"],
        bool(answer["withNote"][0]["tasks"]),
    }
    assert len(found) == 1, answer
    return found.pop()


@pytest.mark.parametrize(
    ("author", "audience", "expected"),
    [
        (Caller.MENTOR, "STAFF", {Caller.MENTOR}),
        (Caller.MENTOR, "STUDENT", {Caller.MENTOR, Caller.STUDENT}),
        (Caller.MENTOR, "CAREGIVERS", {Caller.MENTOR, Caller.STUDENT, Caller.CAREGIVER}),
        (FAR_MENTOR, "CAREGIVERS", {FAR_MENTOR, Caller.STUDENT, Caller.CAREGIVER}),
        (FAR_MENTOR, "STAFF", {FAR_MENTOR}),
        (Caller.STUDENT, "STUDENT", {Caller.STUDENT, Caller.MENTOR, FAR_MENTOR}),
    ],
)
async def test_a_note_is_read_by_its_audience_and_by_no_other_organisations_staff(
    client: EngineClient, author: str, audience: str, expected: set[str]
) -> None:
    note = await write_note(client, author, audience)
    place = {Caller.MENTOR: {"id": NEAR}, FAR_MENTOR: {"id": FAR}}.get(author)
    assert note["organisation"] == place
    names = (Caller.STUDENT, Caller.MENTOR, FAR_MENTOR, Caller.CAREGIVER)
    readers = {str(name) for name in names if await reads_note(client, name)}
    assert readers == {str(name) for name in expected}


async def test_who_opens_a_record_reads_what_mentors_of_that_organisation_read(
    client: EngineClient,
) -> None:
    await open_record(client)
    await write_note(client, FAR_MENTOR, "CAREGIVERS")
    assert not await reads_note(client, Caller.MANAGER)
    await write_note(client, Caller.MENTOR, "STAFF")
    assert await reads_note(client, Caller.MANAGER)


async def test_an_author_cannot_hide_a_note_from_themselves(client: EngineClient) -> None:
    student = viewer(Caller.STUDENT)
    assert await client.refuse(NOTE, student, goal=GOAL, audience="STAFF") == "NOT_FOUND"
    note = (await write_note(client, Caller.STUDENT, "CAREGIVERS"))["id"]
    change = """
    mutation ($note: UUID!, $audience: NoteAudience!) {
      updateGoalNote(input: { noteId: $note, audience: $audience }) { note { audience } }
    }
    """
    assert await client.refuse(change, student, note=note, audience="STAFF") == "NOT_FOUND"
    await client.ask(change, student, note=note, audience="STUDENT")
    mentors = (await write_note(client, Caller.MENTOR, "CAREGIVERS"))["id"]
    await client.ask(change, viewer(Caller.MENTOR), note=mentors, audience="STAFF")
    assert await reads_note(client, Caller.MENTOR)


async def entries(client: EngineClient, name: str) -> set[tuple[str, ...]]:
    query = """query ($person: UUID!) {
      person(personId: $person) { auditConnection { nodes { action kind actorName } } } }"""
    answer = await client.ask(query, viewer(name), person=STUDENT)
    nodes = answer["person"]["auditConnection"]["nodes"]
    return {(node["action"], node["kind"], node["actorName"]) for node in nodes}


async def test_a_note_for_staff_leaves_entries_for_the_administrators_alone(
    client: EngineClient,
) -> None:
    note = (await write_note(client, Caller.MENTOR, "STAFF"))["id"]
    await client.ask(
        "mutation ($note: UUID!) { deleteGoalNote(input: { noteId: $note }) { deletedNoteId } }",
        viewer(Caller.MENTOR),
        note=note,
    )
    hidden = {("INSERT", "GoalNote", "mentor"), ("DELETE", "GoalNote", "mentor")}
    assert hidden <= await entries(client, Caller.ADMIN)
    assert not hidden & await entries(client, Caller.STUDENT)
    await write_note(client, Caller.MENTOR, "STUDENT")
    assert ("INSERT", "GoalNote", "mentor") in await entries(client, Caller.STUDENT)


async def test_what_a_student_does_to_a_hidden_goal_is_in_no_other_persons_audit(
    client: EngineClient,
) -> None:
    student = viewer(Caller.STUDENT)
    await client.ask(CREATE, student, input={"goalType": "SPORTS", "title": "x", "audience": "ME"})
    await client.ask(SHOW, student, goal=GOAL, audience="ME")
    assert ("INSERT", "Goal", Caller.STUDENT) in await entries(client, Caller.STUDENT)
    for name in (Caller.ADMIN, Caller.MANAGER, Caller.MENTOR):
        found = await entries(client, name)
        assert not any(kind == "Goal" for _, kind, _ in found), name


async def test_evidence_of_a_note_is_for_those_who_read_the_note(client: EngineClient) -> None:
    note = (await write_note(client, Caller.STUDENT, "STUDENT"))["id"]
    move = "UPDATE evidence SET note_id = $1, added_to = 'NOTE' WHERE id = $2"
    moved = [UUID(note), id_of("evidence")]
    await client.database.write(move, moved, deadline=soon())
    evidence = str(id_of("evidence"))
    query = "query ($id: UUID!) { evidence(evidenceId: $id) { id } }"

    async def readers() -> list[str]:
        names = (Caller.STUDENT, Caller.MENTOR, Caller.CAREGIVER)
        asked = {name: await client.ask(query, viewer(name), id=evidence) for name in names}
        return [name for name, answer in asked.items() if answer["evidence"]]

    assert await readers() == [Caller.STUDENT, Caller.MENTOR]
    # A note that is gone does not open its evidence to those who never read it.
    delete = "mutation ($n: UUID!) { deleteGoalNote(input: { noteId: $n }) { deletedNoteId } }"
    await client.ask(delete, viewer(Caller.STUDENT), n=note)
    assert await readers() == [Caller.STUDENT]
    # Nor does another note under the id of the one that is gone.
    again = NOTE.replace("goalId:", f'id: "{note}", goalId:')
    await client.ask(again, viewer(Caller.MENTOR), goal=GOAL, audience="CAREGIVERS")
    assert await readers() == [Caller.STUDENT]


async def test_hidden_notes_use_up_no_other_persons_quota(client: EngineClient) -> None:
    settings = Settings(rendering=client.rendering, max_goal_notes=2)
    client.engine = Engine(load_model(), client.database, settings, load_features().procedures)
    await write_note(client, Caller.MENTOR, "STAFF")
    _, error = await client.fail(NOTE, viewer(Caller.MENTOR), goal=GOAL, audience="STAFF")
    assert (error["extensions"]["code"], error["extensions"]["used"]) == ("QUOTA_EXCEEDED", 2)
    await write_note(client, Caller.STUDENT, "CAREGIVERS")


async def test_an_export_has_what_its_maker_sees(client: EngineClient) -> None:
    """An export reads by queries of its maker; this is the one that it begins with."""
    await write_note(client, Caller.MENTOR, "STAFF")
    await client.ask(SHOW, viewer(Caller.STUDENT), goal=GOAL, audience="MENTORS")
    query = (
        "query ($of: UUID!) { person(personId: $of)"
        " { goalsConnection { totalCount nodes { notes { information } } } } }"
    )
    caregiver = await client.ask(query, viewer(Caller.CAREGIVER), of=STUDENT)
    assert caregiver["person"]["goalsConnection"] == {"totalCount": 0, "nodes": []}
    student = await client.ask(query, viewer(Caller.STUDENT), of=STUDENT)
    assert "huna" not in json.dumps(student)


async def test_a_repeated_mutation_shows_nothing_of_what_was_hidden_since(
    client: EngineClient,
) -> None:
    async def send() -> Any:
        answer = await client.engine.execute(
            GraphQLRequest(NOTE, variables={"goal": GOAL, "audience": "CAREGIVERS"}),
            viewer_for(Caller.MENTOR),
            deadline=soon(),
            idempotency_key="once",
        )
        return json.loads(answer.body)

    first = await send()
    assert first["data"]["createGoalNote"]["note"]["id"]
    await client.ask(SHOW, viewer(Caller.STUDENT), goal=GOAL, audience="ME")
    again = await send()
    assert again["data"] is None
    (error,) = again["errors"]
    assert error["extensions"] == {"code": "NOT_FOUND", "applied": True}
