"""Every mutation on a real database: what it writes, and what it answers."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from tests.golden.engine_client import EngineClient
from tests.golden.rows import (
    BEN,
    goal_id,
    note_id,
    task_id,
)

ALL = "{ goals { id title version updatedAt tasks { id information position } notes { id } } }"
CREATE = "mutation ($input: CreateGoalInput!) { createGoal(input: $input) { goal { %s } } }"
UPDATE = "mutation ($input: UpdateGoalInput!) { updateGoal(input: $input) { goal { %s } } }"


# Goals.


async def test_a_goal_is_created_with_what_was_given_and_defaults(client: EngineClient) -> None:
    input = {"goalType": "SPORTS", "title": "Swim"}
    fields = "id title information complete dueAt color version tasks { id } owner { name }"
    created = (await client.ask(CREATE % fields, input=input))["createGoal"]["goal"]
    assert UUID(created.pop("id"))
    assert created == {
        "title": "Swim",
        "information": "",
        "complete": False,
        "dueAt": None,
        "color": None,
        "version": 1,
        "tasks": [],
        "owner": {"name": "Ana"},
    }
    assert [goal["title"] for goal in (await client.ask(ALL))["goals"]][-1] == "Swim"
    assert "Swim" not in json.dumps(await client.ask(ALL, BEN))


async def test_children_keep_the_order_they_were_given_in(client: EngineClient) -> None:
    words = [f"{number} ā" for number in (5, 3, 9, 1, 7, 2, 8, 0, 6, 4)]
    input = {
        "goalType": "CAREER",
        "title": "Many",
        "tasks": [{"information": word} for word in words],
        "notes": [{"information": word} for word in words],
    }
    fields = "id tasks { information position } notes { information }"
    created = (await client.ask(CREATE % fields, input=input))["createGoal"]["goal"]
    again = await client.ask(
        f"query ($id: UUID!) {{ goals(goalId: $id) {{ {fields} }} }}", id=created["id"]
    )
    assert again["goals"] == [created]
    assert [task["information"] for task in created["tasks"]] == words
    assert [task["position"] for task in created["tasks"]] == list(range(10))
    assert [note["information"] for note in created["notes"]] == words


@pytest.mark.parametrize("empty", [[], None])
async def test_no_children_are_no_mistake(client: EngineClient, empty: object) -> None:
    input = {"goalType": "CAREER", "title": "None", "tasks": empty, "notes": empty}
    created = await client.ask(CREATE % "tasks { id } notes { id }", input=input)
    assert created["createGoal"]["goal"] == {"tasks": [], "notes": []}


async def test_the_payload_sees_what_was_written_wherever_it_looks(client: EngineClient) -> None:
    input = {"goalType": "CAREER", "title": "Zeal", "tasks": [{"information": "a"}]}
    fields = """owner { goals(filter: {title: {eq: "Zeal"}}) { title tasks { information } } }
      tasks { goal { title tasksConnection { totalCount } } }"""
    created = (await client.ask(CREATE % fields, input=input))["createGoal"]["goal"]
    assert created == {
        "owner": {"goals": [{"title": "Zeal", "tasks": [{"information": "a"}]}]},
        "tasks": [{"goal": {"title": "Zeal", "tasksConnection": {"totalCount": 1}}}],
    }


async def test_the_lists_of_a_new_goal_take_their_arguments(client: EngineClient) -> None:
    input = {
        "goalType": "CAREER",
        "title": "Zeal",
        "tasks": [{"information": word} for word in ("Ā", "b", "c")],
    }
    fields = """tasks(filter: {information: {in: ["b", "c"]}}, orderBy: [POSITION_DESC], first: 1)
      { information }
      tasksConnection(first: 2) { totalCount nodes { information } pageInfo { hasNextPage } }
      found: tasks(filter: {search: "a"}) { information }"""
    created = (await client.ask(CREATE % fields, input=input))["createGoal"]["goal"]
    assert created == {
        "tasks": [{"information": "c"}],
        "tasksConnection": {
            "totalCount": 3,
            "nodes": [{"information": "Ā"}, {"information": "b"}],
            "pageInfo": {"hasNextPage": True},
        },
        "found": [{"information": "Ā"}],
    }


async def test_a_text_is_stored_composed_and_found_without_its_macrons(
    client: EngineClient,
) -> None:
    input = {"goalType": "CULTURAL", "title": "Wha\u0304nau", "information": "\t“ok”\\ 👩‍👩‍👧\r\n"}
    created = await client.ask(CREATE % "title information", input=input)
    assert created["createGoal"]["goal"] == {
        "title": "Wh\u0101nau",
        "information": input["information"],
    }
    found = await client.ask('{ goals(filter: {search: "WHANAU"}) { title } }')
    assert found["goals"] == [{"title": "Wh\u0101nau"}]


async def test_what_is_absent_stays_and_null_clears(client: EngineClient) -> None:
    fields = "title information dueAt color complete"
    input = {"goalId": str(goal_id(1)), "dueAt": None, "complete": True}
    updated = await client.ask(UPDATE % fields, input=input)
    assert updated["updateGoal"]["goal"] == {
        "title": "Kōrero Māori",
        "information": "Speak it at home.",
        "dueAt": None,
        "color": "#3366cc",
        "complete": True,
    }


async def test_the_version_grows_and_the_moment_moves(client: EngineClient) -> None:
    for version in (4, 5):
        input = {"goalId": str(goal_id(1)), "title": f"Title {version}"}
        fields = "version updatedAt createdAt"
        goal = (await client.ask(UPDATE % fields, input=input))["updateGoal"]["goal"]
        assert goal["version"] == version
        assert goal["updatedAt"] > goal["createdAt"] == "2026-02-02T09:00:00Z"
        assert goal["updatedAt"] > "2026-02-03"


async def test_an_update_of_nothing_is_no_change(client: EngineClient) -> None:
    before = (await client.ask(ALL))["goals"]
    input = {"goalId": str(goal_id(1)), "expectedVersion": 3}
    updated = await client.ask(UPDATE % "version", input=input)
    assert updated["updateGoal"]["goal"] == {"version": 3}
    assert (await client.ask(ALL))["goals"] == before


async def test_the_folded_copy_follows_an_update(client: EngineClient) -> None:
    await client.ask(UPDATE % "id", input={"goalId": str(goal_id(2)), "title": "Tāne"})
    found = await client.ask(
        '{ new: goals(filter: {search: "TANE"}) { title }'
        '  old: goals(filter: {search: "5 km"}) { id } }'
    )
    assert found == {"new": [{"title": "Tāne"}], "old": []}


async def test_a_goal_goes_with_its_tasks_and_notes(client: EngineClient) -> None:
    gone = await client.ask(
        "mutation ($id: UUID!) { deleteGoal(input: {goalId: $id}) { deletedGoalId } }",
        id=str(goal_id(1)),
    )
    assert gone == {"deleteGoal": {"deletedGoalId": str(goal_id(1))}}
    left = json.dumps(await client.ask("{ goals { id tasks { id } notes { id } } }"))
    assert str(task_id(1)) not in left
    assert str(note_id(1)) not in left


# Tasks and notes.


async def test_a_task_is_added_at_the_end_changed_and_deleted(client: EngineClient) -> None:
    added = await client.ask(
        "mutation ($goal: UUID!) { createGoalTask(input: {goalId: $goal, information: "
        '"Last"}) { task { id position complete version goal { id } } } }',
        goal=str(goal_id(1)),
    )
    task = added["createGoalTask"]["task"]
    assert (task["position"], task["complete"], task["version"]) == (3, False, 1)
    assert task["goal"] == {"id": str(goal_id(1))}
    changed = await client.ask(
        "mutation ($id: UUID!) { updateGoalTask(input: {taskId: $id, complete: true,"
        " expectedVersion: 1}) { task { complete information version } } }",
        id=task["id"],
    )
    assert changed["updateGoalTask"]["task"] == {
        "complete": True,
        "information": "Last",
        "version": 2,
    }
    gone = await client.ask(
        "mutation ($id: UUID!) { deleteGoalTask(input: {taskId: $id}) { deletedTaskId } }",
        id=task["id"],
    )
    assert gone["deleteGoalTask"] == {"deletedTaskId": task["id"]}


async def test_those_after_a_deleted_task_move_up(client: EngineClient) -> None:
    await client.ask(
        "mutation ($id: UUID!) { deleteGoalTask(input: {taskId: $id}) { deletedTaskId } }",
        id=str(task_id(1)),
    )
    (goal,) = (await client.ask("{ goals(first: 1) { tasks { id position } } }"))["goals"]
    assert goal["tasks"] == [
        {"id": str(task_id(2)), "position": 0},
        {"id": str(task_id(3)), "position": 1},
    ]


async def test_a_note_is_added_changed_and_deleted(client: EngineClient) -> None:
    added = await client.ask(
        "mutation ($goal: UUID!) { createGoalNote(input: {goalId: $goal, information: "
        '"Ā"}) { note { id information goal { notes { information } } } } }',
        goal=str(goal_id(5)),
    )
    note = added["createGoalNote"]["note"]
    assert note["goal"]["notes"] == [{"information": "Ā"}]
    changed = await client.ask(
        "mutation ($id: UUID!) { updateGoalNote(input: {noteId: $id, information: "
        '"Ē"}) { note { information version } } }',
        id=note["id"],
    )
    assert changed["updateGoalNote"]["note"] == {"information": "Ē", "version": 2}
    gone = await client.ask(
        "mutation ($id: UUID!) { deleteGoalNote(input: {noteId: $id}) { deletedNoteId } }",
        id=note["id"],
    )
    assert gone["deleteGoalNote"] == {"deletedNoteId": note["id"]}
    assert await client.ask('{ goals(filter: {notes: {some: {search: "e"}}}) { id } }') != gone


async def test_tasks_are_put_in_the_order_given(client: EngineClient) -> None:
    order = [str(task_id(number)) for number in (2, 3, 1)]
    answer = await client.ask(REORDER, goal=str(goal_id(1)), tasks=order)
    assert [task["id"] for task in answer["reorderGoalTasks"]["goal"]["tasks"]] == order


REORDER = """mutation ($goal: UUID!, $tasks: [UUID!]!) {
  reorderGoalTasks(input: {goalId: $goal, taskIds: $tasks}) { goal { tasks { id } } }
}"""


@pytest.mark.parametrize(
    "tasks",
    [[], [1], [1, 2], [1, 2, 3, 3], [1, 1, 2], [1, 2, 4], [1, 2, 3, 4]],
    ids=lambda tasks: "".join(map(str, tasks)) or "none",
)
async def test_an_order_must_have_every_task_once(client: EngineClient, tasks: list[int]) -> None:
    input = [str(task_id(number)) for number in tasks]
    status, error = await client.fail(REORDER, goal=str(goal_id(1)), tasks=input)
    assert status == 200
    assert error == {
        "message": "input.taskIds: expected each of the goal's 3 tasks exactly once.",
        "path": ["reorderGoalTasks"],
        "extensions": {"code": "BAD_USER_INPUT", "field": "input.taskIds"},
    }


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_the_first_and_the_last_moment_are_no_infinities(
    client: EngineClient, due: str
) -> None:
    made = await client.ask(
        "mutation ($due: DateTime!) { createGoal(input:"
        ' {goalType: CAREER, title: "x", dueAt: $due}) { goal { id dueAt } } }',
        due=due,
    )
    assert made["createGoal"]["goal"]["dueAt"] == due
    listed = await client.ask(
        "query ($due: DateTime!) { goals(filter: {dueAt: {eq: $due}}) { id } }", due=due
    )
    assert listed["goals"] == [{"id": made["createGoal"]["goal"]["id"]}]
