"""Fields that Python computes: marked by the statement, filled afterwards, in both renderings."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from graphql import GraphQLEnumType, GraphQLInputObjectType

from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.errors import ConfigurationError, NotFoundError, SchemaError, UnavailableError
from poutama.features import load_features
from poutama.features.goals.procedures import (
    ReorderGoalTasksInput,
    ReorderGoalTasksPayload,
)
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure, ProcedureContext
from poutama.schema.load import build_model
from poutama.schema.model import Model
from poutama.schema.source import Source
from poutama.settings import Settings
from poutama.sql.computed import fill_marks
from poutama.viewer import Viewer
from tests.golden.compiled import RENDERINGS
from tests.golden.rows import ANA, BEN, fill

FIELDS = """
  link: String @computed(name: "link", columns: ["title", "id"])
  due: UploadForm @computed(name: "form", columns: ["due_at", "complete", "color"])
  secret: String
    @computed(name: "link", columns: ["id"]) @restricted(person: "person_id", to: [ADMIN])
"""
INSERT_JOB = "INSERT INTO job (id, kind, person_id, input) VALUES ($1, 'TEST', $2, '{}')"
JOB = UUID("00000000-0000-4000-8000-00000000000b")


def model_with(fields: str) -> Model:
    found, added = "  goalType: GoalType!\n  title", f"{fields}\n  goalType: GoalType!\n  title"
    return build_model(
        [
            Source(source.name, source.text.replace(found, added, 1))
            for source in load_features().read_sources()
        ]
    )


def link(*values: Any) -> str:
    return f'signed "{values[0]}" of {len(values)} é'


async def enqueue_a_job(
    context: ProcedureContext, input: ReorderGoalTasksInput
) -> ReorderGoalTasksPayload:
    await context.transaction.execute(INSERT_JOB, JOB, context.viewer.person_id)
    context.transaction.enqueued.append(JOB)
    if context.viewer != ANA:
        raise NotFoundError
    return ReorderGoalTasksPayload(input.goal_id)


class ComputedEngine:
    """An engine with computed fields, and whom it woke."""

    def __init__(self, database: Database, rendering: str) -> None:
        self.woken: list[UUID] = []
        self.failing = False
        self.engine = Engine(
            model_with(FIELDS),
            database,
            Settings(rendering=rendering),
            {"reorder_goal_tasks": Procedure.of(enqueue_a_job)},
            computed=lambda _: {
                "link": link,
                "form": lambda due, complete, color: {
                    "url": due,
                    "fields": [{"name": "c", "value": color}] * 2,
                },
            },
            wake=self.wake,
        )

    async def wake(self, job: UUID) -> None:
        if self.failing:
            raise UnavailableError("the queue is away")
        self.woken.append(job)

    async def ask(
        self, document: str, viewer: Viewer = ANA, key: str | None = None, **variables: Any
    ) -> Any:
        answer = await self.engine.execute(
            GraphQLRequest(document, None, variables),
            viewer,
            deadline=time.monotonic() + 20,
            idempotency_key=key,
        )
        return json.loads(answer.body)


@pytest_asyncio.fixture(params=RENDERINGS)
async def computed(
    request: pytest.FixtureRequest, engine_database: Database
) -> AsyncIterator[ComputedEngine]:
    await fill(engine_database)
    yield ComputedEngine(engine_database, request.param)


async def test_marks_are_filled_wherever_a_row_is_shown(computed: ComputedEngine) -> None:
    found = await computed.ask(
        """{ goals { title l: link dueAt color
             due { __typename f: fields { v: value name } fields { __typename } url }
             tasks { goal { link } } }
             goalsConnection(first: 2) { edges { node { link } } } }"""
    )
    for goal in found["data"]["goals"]:
        assert goal["l"] == link(goal["title"], "")
        assert all(task["goal"]["link"] == goal["l"] for task in goal["tasks"])
        if goal["dueAt"] is None:
            assert goal["due"] is None
        else:
            assert goal["due"]["f"] == [{"v": goal["color"], "name": "c"}] * 2
            assert goal["due"]["fields"] == [{"__typename": "FormField"}] * 2
            assert list(goal["due"]) == ["__typename", "f", "fields", "url"]
            assert goal["due"]["__typename"] == "UploadForm"
    assert any(goal["due"] for goal in found["data"]["goals"])
    assert not all(goal["due"] for goal in found["data"]["goals"])
    assert [edge["node"]["link"] for edge in found["data"]["goalsConnection"]["edges"]]


async def test_what_is_restricted_is_not_computed(computed: ComputedEngine) -> None:
    found = await computed.ask("{ goals { secret } }")
    assert {goal["secret"] for goal in found["data"]["goals"]} == {None}


@pytest.mark.parametrize(
    "title",
    [
        '"\\u0000link:5b5d"',
        "\\u0000link:5b5d",
        '"\\\\u0000link:5b5d"',
        'x"\\u0000link:5b5d"y',
        '\\"\\u0000link:5b5d"',
    ],
)
async def test_no_text_can_forge_a_mark(computed: ComputedEngine, title: str) -> None:
    made = await computed.ask(
        """mutation ($t: String!) { createGoal(input: {goalType: PERSONAL, title: $t}) {
             goal { title link notes { information } } } }""",
        t=title,
    )
    goal = made["data"]["createGoal"]["goal"]
    assert goal["title"] == title
    assert goal["link"] == link(title, "")


async def test_a_repeated_write_is_filled_as_the_first_was(computed: ComputedEngine) -> None:
    document = (
        'mutation { createGoal(input: {goalType: PERSONAL, title: "a"}) { goal { id link } } }'
    )
    key = str(uuid4())
    first = await computed.ask(document, key=key)
    assert first["data"]["createGoal"]["goal"]["link"] == link("a", "")
    assert await computed.ask(document, key=key) == first


REORDER = """mutation ($g: UUID!) {
  reorderGoalTasks(input: {goalId: $g, taskIds: []}) { goal { id link } } }"""


async def test_a_worker_is_woken_once_the_job_is_committed(computed: ComputedEngine) -> None:
    goal = (await computed.ask("{ goals(first: 1) { id } }"))["data"]["goals"][0]["id"]
    key = str(uuid4())
    assert "errors" not in await computed.ask(REORDER, key=key, g=goal)
    assert computed.woken == [JOB]
    await computed.ask(REORDER, key=key, g=goal)
    assert computed.woken == [JOB], "it was not done again"
    await computed.ask(REORDER, BEN, g=goal)
    assert computed.woken == [JOB], "it was refused, and so undone"


async def test_a_queue_that_is_away_does_not_undo_what_is_committed(
    computed: ComputedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    goal = (await computed.ask("{ goals(first: 1) { id } }"))["data"]["goals"][0]["id"]
    computed.failing = True
    assert "errors" not in await computed.ask(REORDER, g=goal)
    assert str(JOB) in caplog.text


def test_a_function_that_is_missing_is_told() -> None:
    with pytest.raises(ConfigurationError, match="nothing"):
        fill_marks(b'{"a":"\\u0000nothing:5b5d"}', {})


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ('link: String! @computed(name: "x", columns: ["id"])', "nullable"),
        ('link: String @computed(name: "x", columns: [])', "needs a column"),
    ],
)
def test_a_computed_field_that_cannot_be_is_refused(field: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        model_with(field)


def test_a_computed_field_is_no_way_to_filter_or_sort() -> None:
    types = model_with(FIELDS).schema.type_map
    filter_, order = types["GoalFilter"], types["GoalOrder"]
    assert isinstance(filter_, GraphQLInputObjectType)
    assert isinstance(order, GraphQLEnumType)
    assert not {"link", "due", "secret"} & set(filter_.fields)
    assert not [name for name in order.values if "LINK" in name]
