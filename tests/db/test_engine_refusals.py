"""When a change is refused on a real database: in which words, and that nothing has happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import uuid4

import pytest

from poutama.db.connection import Database
from poutama.features.goals.procedures import (
    ReorderGoalTasksInput,
    ReorderGoalTasksPayload,
)
from poutama.procedure import Procedure, ProcedureContext
from poutama.viewer import Viewer
from tests.golden.engine_client import EngineClient
from tests.golden.rows import (
    ANA,
    BENS_GOAL,
    goal_id,
)

ALL = "{ goals { id title version updatedAt tasks { id information position } notes { id } } }"
CREATE = "mutation ($input: CreateGoalInput!) { createGoal(input: $input) { goal { %s } } }"
UPDATE = "mutation ($input: UpdateGoalInput!) { updateGoal(input: $input) { goal { %s } } }"


# Versions.


@pytest.mark.parametrize("version", [2, 4, -1, 2147483647])
async def test_a_stale_version_is_a_conflict_and_changes_nothing(
    client: EngineClient, version: int
) -> None:
    before = await client.ask(ALL)
    input = {"goalId": str(goal_id(1)), "expectedVersion": version}
    for query, more in (
        (UPDATE % "id", {"title": "Mine"}),
        (
            "mutation ($input: DeleteGoalInput!) { deleteGoal(input: $input) { deletedGoalId } }",
            {},
        ),
    ):
        status, error = await client.fail(query, input={**input, **more})
        assert status == 200
        assert f"expected version {version}, but the current version is 3" in error["message"]
        assert error["extensions"] == {
            "code": "CONFLICT",
            "expectedVersion": version,
            "currentVersion": 3,
        }
    assert await client.ask(ALL) == before


async def test_a_version_that_is_null_is_not_asked_for(client: EngineClient) -> None:
    input = {"goalId": str(goal_id(1)), "complete": True, "expectedVersion": None}
    assert await client.ask(UPDATE % "version", input=input)


# Input that cannot be used.

UNUSABLE: dict[str, tuple[Mapping[str, object], str]] = {
    "too long": ({"title": "x" * 201}, "input.title: expected 1 to 200 characters, got 201."),
    "empty": ({"title": ""}, "input.title: expected 1 to 200 characters, got 0."),
    "blank": ({"title": " \u00a0\t"}, "input.title: expected more than white space."),
    "no colour": ({"color": "blue"}, 'input.color: expected a colour such as #3366cc, got "blue".'),
    "a colour and": (
        {"color": "#3366cc\n"},
        r'input.color: expected a colour such as #3366cc, got "#3366cc\n".',
    ),
    "NUL": ({"title": "a\0b"}, "$input.title contains the character NUL (U+0000)."),
    "half a pair": (
        {"information": "\ud83d"},
        "$input.information contains half of a surrogate pair, which is not a character.",
    ),
    "too long inside": (
        {"tasks": [{"information": "ok"}, {"information": "x" * 2001}]},
        "input.tasks[1].information: expected 1 to 2000 characters, got 2001.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", UNUSABLE)
async def test_input_that_cannot_be_used_is_named_and_nothing_is_written(
    client: EngineClient, case: str
) -> None:
    wrong, message = UNUSABLE[case]
    before = await client.ask(ALL)
    input = {"goalType": "SPORTS", "title": "Fine", **wrong}
    status, error = await client.fail(CREATE % "id", input=input)
    assert status == 200
    assert error["message"] == message
    assert error["path"] == ["createGoal"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert await client.ask(ALL) == before


async def test_all_that_is_wrong_in_an_input_is_named_at_once(client: EngineClient) -> None:
    wrong = {"title": " ", "color": "blue", "complete": None, "information": "x" * 10_001}
    input = {"goalId": str(goal_id(1)), **wrong}
    body = json.loads((await client.send(UPDATE % "id", input=input)).body)
    assert [error["extensions"]["field"] for error in body["errors"]] == [
        "input.title", "input.information", "input.complete", "input.color",
    ]  # fmt: skip
    assert all(error["path"] == ["updateGoal"] for error in body["errors"])
    tasks = {"taskIds": [], "goalId": str(goal_id(1))}
    assert (
        await client.refuse(
            "mutation ($i: ReorderGoalTasksInput!) { reorderGoalTasks(input: $i) { goal { id } } }",
            i=tasks,
        )
        == "BAD_USER_INPUT"
    )


@pytest.mark.parametrize("name", ["goalType", "title", "information", "complete"])
async def test_null_does_not_clear_what_must_be_there(client: EngineClient, name: str) -> None:
    status, error = await client.fail(UPDATE % "id", input={"goalId": str(goal_id(1)), name: None})
    assert (status, error["path"]) == (200, ["updateGoal"])
    assert error["message"].startswith(f"input.{name}: expected a value, got null")
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": f"input.{name}"}


async def test_the_longest_text_is_counted_in_characters_after_composition(
    client: EngineClient,
) -> None:
    fits = "a\u0304" * 200
    created = await client.ask(CREATE % "title", input={"goalType": "SPORTS", "title": fits})
    assert created["createGoal"]["goal"]["title"] == "\u0101" * 200


@pytest.mark.parametrize(
    "wrong",
    [{}, {"title": None}, {"title": 1}, {"goalType": "sports"}, {"dueAt": "2026-02-30T00:00:00Z"},
     {"nope": 1}, {"dueAt": "99999-01-01T00:00:00Z"}, {"tasks": [None]}],
    ids=str,
)  # fmt: skip
async def test_a_variable_that_does_not_fit_is_a_request_that_does_not_run(
    client: EngineClient, wrong: dict[str, object]
) -> None:
    input = {"goalType": "SPORTS", **({"title": "Fine"} if wrong else {}), **wrong}
    status, error = await client.fail(CREATE % "id", input=input)
    assert status == 400
    assert "$input" in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# All or nothing.


@pytest.mark.parametrize("last", ["{goalId: $theirs}", "{goalId: $mine, expectedVersion: 9}"])
async def test_when_the_last_root_fails_nothing_has_happened(
    client: EngineClient, last: str
) -> None:
    before = await client.ask(ALL)
    _, error = await client.fail(
        f"""mutation ($mine: UUID!, $theirs: UUID!) {{
          a: createGoal(input: {{goalType: SPORTS, title: "New"}}) {{ goal {{ id }} }}
          b: updateGoal(input: {{goalId: $mine, title: "Changed"}}) {{ goal {{ id }} }}
          c: deleteGoal(input: {last}) {{ deletedGoalId }}
          d: deleteGoal(input: {{goalId: $theirs}}) {{ deletedGoalId }}
        }}""",
        mine=str(goal_id(1)),
        theirs=str(BENS_GOAL),
    )
    assert error["path"] == ["c"]
    assert await client.ask(ALL) == before


async def test_a_later_root_sees_what_an_earlier_one_wrote(client: EngineClient) -> None:
    answer = await client.ask(
        """mutation ($id: UUID!) {
          a: updateGoal(input: {goalId: $id, title: "One", expectedVersion: 3}) { goal { version } }
          b: updateGoal(input: {goalId: $id, color: null, expectedVersion: 4}) {
            goal { title version color }
          }
          c: deleteGoal(input: {goalId: $id, expectedVersion: 5}) { deletedGoalId }
        }""",
        id=str(goal_id(1)),
    )
    assert answer["b"]["goal"] == {"title": "One", "version": 5, "color": None}
    assert str(goal_id(1)) not in json.dumps(await client.ask(ALL))


async def test_a_fault_in_a_procedure_leaves_the_engine_and_undoes_the_rest(
    engine_database: Database, client: EngineClient
) -> None:
    async def break_down(
        context: ProcedureContext, input: ReorderGoalTasksInput
    ) -> ReorderGoalTasksPayload:
        delete = "delete from goal_task where goal_id = $1"
        await context.transaction.execute(delete, input.goal_id)
        raise RuntimeError("the secret of the procedure")

    procedures = {"reorder_goal_tasks": Procedure.of(break_down)}
    broken = EngineClient(engine_database, client.rendering, procedures)
    before = await client.ask(ALL)
    with pytest.raises(RuntimeError, match="the secret of the procedure"):
        await broken.send(
            """mutation ($id: UUID!) {
              a: createGoal(input: {goalType: SPORTS, title: "New"}) { goal { id } }
              b: reorderGoalTasks(input: {goalId: $id, taskIds: []}) { goal { id } }
            }""",
            id=str(goal_id(1)),
        )
    assert await client.ask(ALL) == before


# Who is asking.


async def test_a_person_who_is_gone_creates_nothing(client: EngineClient) -> None:
    gone = Viewer(uuid4())
    input = {"goalType": "SPORTS", "title": "New"}
    assert await client.refuse(CREATE % "id", gone, input=input) == "NOT_FOUND"
    assert await client.ask("{ goals { id } }", gone) == {"goals": []}


async def test_a_mutation_of_nothing_but_its_type_is_answered(client: EngineClient) -> None:
    assert await client.ask("mutation { __typename it: __typename }", ANA) == {
        "__typename": "Mutation",
        "it": "Mutation",
    }
    assert (await client.fail("mutation { __typename }", None))[0] == 401
