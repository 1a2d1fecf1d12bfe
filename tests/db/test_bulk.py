"""Mutations of several inputs: each succeeds or fails by itself, as the single one would."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

import pytest

from poutama.db.trace import StatementTrace
from poutama.plan.cost import CHANGE
from poutama.plan.operation import GraphQLRequest
from poutama.settings import Settings
from tests.db.sessions import soon
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, BEN, BENS_TASK, NOWHERE, goal_id, note_id, task_id

TICK = """mutation ($inputs: [UpdateGoalTaskInput!]!) { updateGoalTasks(inputs: $inputs) {
  results { task { id complete version } error { code message field } } } }"""
ADD = """mutation ($inputs: [CreateGoalTaskInput!]!) { createGoalTasks(inputs: $inputs) {
  results { task { id position information } error { code message field } } } }"""
SET = """mutation ($inputs: [CreateGoalInput!]!) { createGoals(inputs: $inputs) {
  results { goal { title tasks { id } } error { code message field } } } }"""
DELETE = """mutation ($inputs: [DeleteGoalTaskInput!]!) { deleteGoalTasks(inputs: $inputs) {
  results { deletedTaskId goal { version tasks { id position version } } error { code } } } }"""
TASKS = """query ($id: UUID!) { goals(goalId: $id) { tasks { id complete position version } } }"""
ENTRIES = "SELECT count(*) FROM audit_entry WHERE action = 'UPDATE' AND kind = 'GoalTask'"


def new(number: int) -> str:
    return str(uuid5(UUID(int=2), f"{number}"))


async def send(client: EngineClient, text: str, *inputs: Any, viewer: Any = ANA) -> list[Any]:
    (payload,) = (await client.ask(text, viewer, inputs=list(inputs))).values()
    results: list[Any] = payload["results"]
    return results


async def tasks_of(client: EngineClient, goal: int) -> list[Any]:
    (found,) = (await client.ask(TASKS, id=str(goal_id(goal))))["goals"]
    tasks: list[Any] = found["tasks"]
    return tasks


async def test_each_input_has_its_result_in_order(client: EngineClient) -> None:
    before = await client.database.read(ENTRIES, deadline=soon())
    inputs = [
        {"taskId": str(task_id(3)), "complete": True},
        {"taskId": str(NOWHERE), "complete": True},
        {"taskId": str(BENS_TASK), "complete": True},
        {"taskId": str(task_id(2)), "complete": True, "expectedVersion": 7},
        {"taskId": str(task_id(2)), "information": " "},
        {"taskId": str(task_id(1)), "complete": False},
    ]
    results = await send(client, TICK, *inputs)
    assert results[0] == {
        "task": {"id": str(task_id(3)), "complete": True, "version": 2}, "error": None,
    }  # fmt: skip
    not_found = {
        "code": "NOT_FOUND", "field": None,
        "message": "updateGoalTask: GoalTask not found, or you may not change it.",
    }  # fmt: skip
    assert results[1:3] == [{"task": None, "error": not_found}] * 2
    assert results[3]["error"]["code"] == "CONFLICT"
    assert "the current version is 1" in results[3]["error"]["message"]
    assert (results[4]["error"]["code"], results[4]["error"]["field"]) == (
        "BAD_USER_INPUT", "information",
    )  # fmt: skip
    assert results[5]["task"] == {"id": str(task_id(1)), "complete": False, "version": 3}
    assert [(each["complete"], each["version"]) for each in await tasks_of(client, 1)] == [
        (False, 3), (False, 1), (True, 2),
    ]  # fmt: skip
    after = await client.database.read(ENTRIES, deadline=soon())
    assert after[0][0] - before[0][0] == 2


async def test_one_row_named_twice_is_changed_twice_and_shown_as_it_is_then(
    client: EngineClient,
) -> None:
    row = {"taskId": str(task_id(3))}
    first = {**row, "complete": True, "expectedVersion": 1}
    results = await send(client, TICK, first, {**row, "complete": False}, first)
    shown = {"id": str(task_id(3)), "complete": False, "version": 3}
    assert [each["task"] for each in results] == [shown, shown, None]
    assert results[2]["error"]["code"] == "CONFLICT"


async def test_new_rows_are_numbered_in_the_order_of_the_inputs(client: EngineClient) -> None:
    inputs = [{"goalId": str(goal_id(1)), "information": f"{n}"} for n in range(12)]
    results = await send(client, ADD, *inputs)
    assert [(each["task"]["information"], each["task"]["position"]) for each in results] == [
        (f"{n}", n + 3) for n in range(12)
    ]


async def test_ids_that_the_client_made_are_each_inserted_once(client: EngineClient) -> None:
    made = {"id": new(1), "goalId": str(goal_id(1)), "information": "a"}
    elsewhere = {**made, "id": str(task_id(4))}
    results = await send(client, ADD, made, made, elsewhere)
    assert results[0] == results[1]
    assert results[2]["error"]["code"] == "CONFLICT"
    assert await send(client, ADD, made, made, elsewhere) == results
    theirs = await send(client, ADD, {**made, "goalId": str(goal_id(6))}, viewer=BEN)
    assert theirs[0]["error"]["code"] == "CONFLICT"


async def test_a_childs_id_in_use_fails_its_own_goal_alone(client: EngineClient) -> None:
    def goal(*ids: str) -> dict[str, Any]:
        tasks = [{"id": each, "information": "a"} for each in ids]
        return {"goalType": "SPORTS", "title": "Swim", "tasks": tasks}

    results = await send(
        client, SET, goal(new(1)), goal(new(1)), goal(new(2), new(2)), goal(str(task_id(6))), goal()
    )
    codes = [each["error"] and each["error"]["code"] for each in results]
    assert codes == [None, "CONFLICT", "CONFLICT", "CONFLICT", None]
    assert results[0]["goal"]["tasks"] == [{"id": new(1)}]


async def test_a_quota_counts_the_inputs_before(
    client: EngineClient,
) -> None:
    few = EngineClient(client.database, client.rendering, settings=Settings(max_goal_tasks=5))
    inputs = [{"goalId": str(goal_id(1)), "information": f"{n}"} for n in range(4)]
    codes = [each["error"] and each["error"]["code"] for each in await send(few, ADD, *inputs)]
    assert codes == [None, None, "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"]
    many = {"goalType": "SPORTS", "title": "a", "tasks": [{"information": "a"}] * 6}
    one = {**many, "tasks": [{"information": "a"}]}
    codes = [each["error"] and each["error"]["code"] for each in await send(few, SET, many, one)]
    assert codes == ["QUOTA_EXCEEDED", None]


async def test_deleted_tasks_leave_no_gap_and_no_conflict(client: EngineClient) -> None:
    versions = {each["id"]: each["version"] for each in await tasks_of(client, 1)}
    inputs = [
        {"taskId": str(task_id(number)), "expectedVersion": versions[str(task_id(number))]}
        for number in (1, 2)
    ]
    results = await send(client, DELETE, *inputs, {"taskId": str(NOWHERE)}, inputs[0])
    left = [{"id": str(task_id(3)), "position": 0, "version": 2}]
    assert [each["deletedTaskId"] for each in results] == [
        str(task_id(1)), str(task_id(2)), None, None,
    ]  # fmt: skip
    assert [each["goal"] and each["goal"]["tasks"] for each in results] == [left, left, None, None]
    assert [each["error"] for each in results[2:]] == [{"code": "NOT_FOUND"}] * 2


async def with_key(client: EngineClient, text: str, *inputs: Any) -> Any:
    answer = await client.engine.execute(
        GraphQLRequest(text, variables={"inputs": list(inputs)}),
        ANA,
        deadline=soon(),
        idempotency_key="a key",
    )
    return json.loads(answer.body)


async def test_under_a_key_it_happens_once_with_the_same_results(client: EngineClient) -> None:
    inputs = [
        {"goalId": str(goal_id(1)), "information": "a"},
        {"goalId": str(NOWHERE), "information": "b"},
        {"goalId": str(goal_id(1)), "information": " "},
    ]
    first = await with_key(client, ADD, *inputs)
    results = first["data"]["createGoalTasks"]["results"]
    assert [each["error"] is None for each in results] == [True, False, False]
    assert await with_key(client, ADD, *inputs) == first
    assert len(await tasks_of(client, 1)) == 4
    await send(client, DELETE, {"taskId": results[0]["task"]["id"]})
    again = (await with_key(client, ADD, *inputs))["data"]["createGoalTasks"]["results"]
    assert again[0]["task"] is None
    assert again[0]["error"]["code"] == "NOT_FOUND"
    assert "this has happened" in again[0]["error"]["message"]
    assert again[1:] == results[1:]


async def test_deletions_under_a_key_give_back_the_goal_again(client: EngineClient) -> None:
    inputs = [{"taskId": str(task_id(1))}, {"taskId": str(task_id(1))}]
    first = await with_key(client, DELETE, *inputs)
    assert first["data"]["deleteGoalTasks"]["results"][0]["goal"]["tasks"]
    assert await with_key(client, DELETE, *inputs) == first


async def test_a_root_field_that_fails_undoes_the_others(client: EngineClient) -> None:
    before = await tasks_of(client, 1)
    text = """mutation ($inputs: [UpdateGoalTaskInput!]!, $id: UUID!) {
      updateGoalTasks(inputs: $inputs) { results { task { id } } }
      deleteGoal(input: {goalId: $id}) { deletedGoalId } }"""
    inputs = [{"taskId": str(task_id(3)), "complete": True}]
    assert await client.refuse(text, inputs=inputs, id=str(NOWHERE)) == "NOT_FOUND"
    assert await tasks_of(client, 1) == before


async def test_results_may_be_asked_for_in_several_ways(client: EngineClient) -> None:
    text = """mutation ($inputs: [UpdateGoalTaskInput!]!) { all: updateGoalTasks(inputs: $inputs) {
      __typename a: results { one: task { goal { title } } two: task { __typename }
        error { __typename why: code } __typename }
      b: results { task { id } } } }"""
    found = await client.ask(
        text, inputs=[{"taskId": str(task_id(3)), "complete": True}, {"taskId": str(NOWHERE)}]
    )
    type_name = {"__typename": "UpdateGoalTaskResult"}
    assert found["all"] == {
        "__typename": "UpdateGoalTasksPayload",
        "a": [
            {
                "one": {"goal": {"title": "Kōrero Māori"}},
                "two": {"__typename": "GoalTask"},
                "error": None,
                **type_name,
            },
            {
                "one": None,
                "two": None,
                "error": {"__typename": "ItemError", "why": "NOT_FOUND"},
                **type_name,
            },
        ],
        "b": [{"task": {"id": str(task_id(3))}}, {"task": None}],
    }


async def test_no_input_has_no_result_and_too_many_are_refused(client: EngineClient) -> None:
    assert await send(client, TICK) == []
    inputs = [{"taskId": str(NOWHERE)}] * 101
    assert await client.refuse(TICK, inputs=inputs) == "LIMIT_EXCEEDED"


async def test_it_costs_what_its_inputs_cost(client: EngineClient) -> None:
    spent: list[int] = []

    async def spend(cost: int) -> None:
        spent.append(cost)

    costs = []
    for count in (1, 11):
        inputs = [{"taskId": str(NOWHERE), "complete": True}] * count
        request = GraphQLRequest(TICK, variables={"inputs": inputs})
        for _ in range(2):  # the first time a plan is made, which costs besides
            spent.clear()
            await client.engine.execute(request, ANA, deadline=soon(), spend=spend)
        costs.append(sum(spent))
    assert costs[1] - costs[0] >= 10 * CHANGE


async def test_ten_ticks_are_three_statements_of_one_transaction(client: EngineClient) -> None:
    inputs = [{"taskId": str(task_id(3)), "complete": n % 2 == 0} for n in range(10)]
    seen: list[StatementTrace] = []
    with client.database.observe(seen.append):
        await send(client, TICK, *inputs)
    assert [each.name.split("/")[-1] for each in seen] == ["begin", "1", "2", "commit"]


PARENT = {
    "deleteGoal": ("goalId", goal_id(1), "owner { id }", {"owner": {"id": str(ANA.person_id)}}),
    "deleteGoalNote": (
        "noteId", note_id(1), "goal { notes { id } }",
        {"goal": {"notes": [{"id": str(note_id(2))}]}},
    ),
    "deleteGoalTask": (
        "taskId", task_id(2), "deletedTaskId goal { tasks { id position } }",
        {
            "deletedTaskId": str(task_id(2)),
            "goal": {
                "tasks": [
                    {"id": str(task_id(1)), "position": 0}, {"id": str(task_id(3)), "position": 1},
                ]
            },
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("mutation", PARENT)
async def test_a_deletion_gives_back_what_the_row_belonged_to(
    client: EngineClient, mutation: str
) -> None:
    key, id_, shown, expected = PARENT[mutation]
    text = f"mutation ($id: UUID!) {{ {mutation}(input: {{{key}: $id}}) {{ {shown} }} }}"
    assert (await client.ask(text, id=str(id_)))[mutation] == expected
    assert await client.refuse(text, id=str(id_)) == "NOT_FOUND"


async def test_a_deletion_sent_again_under_its_key_gives_the_parent_back_again(
    client: EngineClient,
) -> None:
    text = """mutation ($inputs: UUID!) { deleteGoalNote(input: {noteId: $inputs}) {
      deletedNoteId goal { title } } }"""
    request = GraphQLRequest(text, variables={"inputs": str(note_id(1))})
    answers = [
        (await client.engine.execute(request, ANA, deadline=soon(), idempotency_key="k")).body
        for _ in range(2)
    ]
    assert json.loads(answers[0])["data"]["deleteGoalNote"]["goal"] == {"title": "Kōrero Māori"}
    assert answers[0] == answers[1]
