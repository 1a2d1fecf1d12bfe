"""Ids that clients make: sent again, a row is inserted once, and no two rows have one id."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid5

import pytest

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


async def test_null_is_as_if_it_were_left_out(client: EngineClient) -> None:
    made = await client.ask(GOAL, input={**goal(1), "id": None})
    assert UUID(made["createGoal"]["goal"]["id"])
