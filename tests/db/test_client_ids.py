"""Ids that clients make: sent again, a row is inserted once, and no two rows have one id."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4, uuid5

import pytest

from poutama.db.connection import Database
from poutama.features import load_model
from poutama.schema.model import Action, InputChildren, InputKey, Model
from tests.db.sessions import soon
from tests.golden.engine_client import EngineClient
from tests.golden.rows import BEN, goal_id, note_id, task_id

GOAL = """mutation ($input: CreateGoalInput!) { createGoal(input: $input) {
  goal { id title version createdAt tasks { id information } notes { id } } } }"""
TASK = """mutation ($input: CreateGoalTaskInput!) { createGoalTask(input: $input) {
  task { id information position goal { tasks { id } } } } }"""
NOTE = """mutation ($input: CreateGoalNoteInput!) { createGoalNote(input: $input) {
  note { id information author { name } } } }"""
CHANGE = """mutation ($id: UUID!) {
  updateGoalTask(input: {taskId: $id, information: "b"}) { task { id } } }"""
ALL = "{ goals { id title tasks { id } notes { id } } }"


def new(number: int) -> str:
    return str(uuid5(UUID(int=1), f"{number}"))


def goal(number: int, **more: object) -> dict[str, object]:
    return {"id": new(number), "goalType": "SPORTS", "title": "Swim", **more}


async def test_the_same_again_inserts_nothing_and_is_answered_alike(client: EngineClient) -> None:
    input = goal(1, tasks=[{"id": new(2), "information": "a"}], notes=[{"information": "b"}])
    first = await client.ask(GOAL, input=input)
    assert first["createGoal"]["goal"]["id"] == new(1)
    assert first["createGoal"]["goal"]["tasks"] == [{"id": new(2), "information": "a"}]
    before = await client.ask(ALL)
    assert await client.ask(GOAL, input=input) == first
    assert await client.ask(ALL) == before


async def test_the_answer_is_of_the_row_as_it_is_now(client: EngineClient) -> None:
    await client.ask(TASK, input={"id": new(1), "goalId": str(goal_id(1)), "information": "a"})
    change = (
        'mutation ($id: UUID!) { updateGoalTask(input: {taskId: $id, information: "b"}) { %s } }'
    )
    await client.ask(change % "task { id }", id=new(1))
    again = {"id": new(1), "goalId": str(goal_id(1)), "information": "a"}
    task = (await client.ask(TASK, input=again))["createGoalTask"]["task"]
    assert task["information"] == "b"
    assert [each["id"] for each in task["goal"]["tasks"]].count(new(1)) == 1


@pytest.mark.parametrize("together", [False, True], ids=["a request each", "one request"])
async def test_two_root_fields_of_one_id_are_one_row(client: EngineClient, together: bool) -> None:
    if together:
        query = """mutation ($input: CreateGoalInput!) {
          a: createGoal(input: $input) { goal { id version } }
          b: createGoal(input: $input) { goal { id version } } }"""
        answer = await client.ask(query, input=goal(1))
        assert answer["a"] == answer["b"]
    else:
        sent = (client.ask(GOAL, input=goal(1)) for _ in range(4))
        first, *others = await asyncio.gather(*sent)
        assert others == [first] * 3
    goals = (await client.ask(ALL))["goals"]
    assert [each["id"] for each in goals].count(new(1)) == 1


async def test_an_id_of_another_is_in_use(client: EngineClient) -> None:
    await client.ask(GOAL, input=goal(1))
    taken = "createGoal: input.id: expected an id that is not in use; make a new one."
    _, error = await client.fail(GOAL, BEN, input=goal(1))
    assert (error["extensions"]["code"], error["message"]) == ("CONFLICT", taken)
    assert error["path"] == ["createGoal"]


@pytest.mark.parametrize(
    ("query", "input"),
    [
        (TASK, {"id": str(task_id(1)), "goalId": str(goal_id(2)), "information": "a"}),
        (NOTE, {"id": str(note_id(1)), "goalId": str(goal_id(2)), "information": "a"}),
        (GOAL, goal(1, tasks=[{"id": str(task_id(1)), "information": "a"}])),
        (GOAL, goal(1, tasks=[{"id": new(3), "information": "a"}] * 2)),
        (GOAL, goal(1, notes=[{"id": str(note_id(1)), "information": "a"}])),
    ],
    ids=["a task elsewhere", "a note elsewhere", "a task's", "one twice", "a note's"],
)
async def test_an_id_in_use_elsewhere_is_a_conflict_and_nothing_is_written(
    client: EngineClient, query: str, input: dict[str, object]
) -> None:
    before = await client.ask(ALL)
    assert await client.refuse(query, input=input) == "CONFLICT"
    assert await client.ask(ALL) == before


async def test_under_a_goal_that_is_not_there_an_id_changes_nothing(client: EngineClient) -> None:
    input = {"id": new(1), "goalId": new(9), "information": "a"}
    assert await client.refuse(TASK, input=input) == "NOT_FOUND"


ORGANISATION = """mutation ($input: CreateOrganisationInput!) { createOrganisation(input: $input) {
  organisation { id name memberships { role } } } }"""
GROUP = """mutation ($input: CreateGroupInput!) { createGroup(input: $input) {
  group { id name joinCode } } }"""
EVIDENCE = """mutation ($input: AddEvidenceInput!) { addEvidence(input: $input) {
  evidence { id title goal { evidence { id } } } } }"""
FILE = {
    "goalId": str(goal_id(1)), "title": "Waka", "fileName": "a.png", "mediaType": "image/png",
    "bytes": 1, "sha256": "0" * 64,
}  # fmt: skip


def place() -> dict[str, object]:
    return {"id": str(uuid4()), "name": "Kura"}


async def test_what_a_procedure_makes_is_made_once(client: EngineClient) -> None:
    organisation = place()
    group = {"id": str(uuid4()), "organisationId": organisation["id"], "name": "Kea"}
    evidence = {"id": str(uuid4()), **FILE}
    for query, input in ((ORGANISATION, organisation), (GROUP, group), (EVIDENCE, evidence)):
        first = await client.ask(query, input=input)
        assert str(input["id"]) in str(first)
        assert await client.ask(query, input=input) == first
    shown = await client.ask("{ organisations { id groups { id } memberships { role } } }")
    assert {
        "id": organisation["id"], "groups": [{"id": group["id"]}],
        "memberships": [{"role": "ADMIN"}],
    } in shown["organisations"]  # fmt: skip


async def test_at_the_same_moment_as_well(client: EngineClient) -> None:
    organisation = place()
    sent = (client.ask(ORGANISATION, input=organisation) for _ in range(4))
    first, *others = await asyncio.gather(*sent)
    assert others == [first] * 3


async def test_what_another_has_made_is_in_use(client: EngineClient) -> None:
    mine, theirs, evidence = place(), place(), {"id": str(uuid4()), **FILE}
    await client.ask(ORGANISATION, input=mine)
    await client.ask(ORGANISATION, BEN, input=theirs)
    assert await client.refuse(ORGANISATION, BEN, input=mine) == "CONFLICT"
    await client.ask(EVIDENCE, input=evidence)
    of_ben = {**evidence, "goalId": str(goal_id(6))}
    assert await client.refuse(EVIDENCE, BEN, input=of_ben) == "CONFLICT"
    elsewhere = {**evidence, "goalId": str(goal_id(2))}
    assert await client.refuse(EVIDENCE, input=elsewhere) == "CONFLICT"
    group = {"id": str(uuid4()), "organisationId": mine["id"], "name": "Kea"}
    await client.ask(GROUP, input=group)
    of_theirs = {**group, "organisationId": theirs["id"]}
    assert await client.refuse(GROUP, BEN, input=of_theirs) == "CONFLICT"


async def test_null_is_as_if_it_were_left_out(client: EngineClient) -> None:
    made = await client.ask(GOAL, input={**goal(1), "id": None})
    assert UUID(made["createGoal"]["goal"]["id"])


WITHOUT_A_KEY = {
    ("audit_entry", "actor_id"): "Person",
    ("audit_entry", "organisation_id"): "Organisation",
    ("audit_entry", "row_id"): "compared with no row",
    ("export_folder", "job_id"): "Job",
    ("goal_note", "organisation_id"): "Organisation",
    ("job", "lease_id"): "refers to no row",
    ("new_sign_in", "account"): "compared with no row",
    ("roster_staged_group", "target"): "kept while an import is under way",
    ("roster_staged_membership", "group_id"): "kept while an import is under way",
    ("roster_staged_membership", "person_id"): "kept while an import is under way",
    ("roster_staged_membership", "previous"): "kept while an import is under way",
    ("roster_staged_membership", "target"): "kept while an import is under way",
    ("roster_staged_person", "target"): "kept while an import is under way",
}
"""(table, column) -> the type that it refers to without a foreign key; or why it may."""
NEVER_DELETED = {"Organisation"}
COLUMNS = """
SELECT r.relname AS source, a.attname AS column
FROM pg_attribute AS a JOIN pg_class AS r ON r.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = r.relnamespace
WHERE n.nspname = 'public' AND r.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attname <> 'id' AND a.atttypid IN ('uuid'::regtype, 'uuid[]'::regtype)
    AND NOT EXISTS (
        SELECT 1 FROM pg_constraint AS k
        WHERE k.conrelid = r.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
    )
"""


def find_made_by_clients(model: Model) -> set[str]:
    """The types whose new rows have ids that clients make."""
    found: set[str] = set()
    for mutation in model.mutations.values():
        inserts = mutation.action is Action.INSERT and mutation.entity is not None
        for input in mutation.inputs.values() if inserts else ():
            if isinstance(input, InputKey):
                found.add(str(mutation.entity))
            elif isinstance(input, InputChildren) and input.key is not None:
                found.add(input.relation.target)
        if mutation.client_id is not None:
            found.add(mutation.client_id.entity)
    return found


async def test_no_row_inherits_by_its_id_what_was_another_rows(engine_database: Database) -> None:
    """A row may come later under the id of one that was deleted: a foreign key forgets that id."""
    rows = await engine_database.read(COLUMNS, deadline=soon())
    assert {(row["source"], row["column"]) for row in rows} == set(WITHOUT_A_KEY)
    made = find_made_by_clients(load_model())
    assert made >= {"Goal", "GoalTask", "GoalNote", "Evidence"}
    assert made & set(WITHOUT_A_KEY.values()) <= NEVER_DELETED
