"""Procedures: their input obeys the SDL, `@permit` is asked in their transaction, and what they
return becomes the payload, in both renderings.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.engine import Engine
from poutama.features import load_features
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure, ProcedureContext
from poutama.schema.load import build_model
from poutama.schema.source import Source
from poutama.settings import Settings
from tests.db.sessions import soon
from tests.golden.compiled import RENDERINGS
from tests.golden.engine_client import EngineClient
from tests.golden.rows import ANA, BEN, BENS_GOAL, NOWHERE, fill, goal_id, note_id

SDL = """
extend type Mutation {
  weigh(input: WeighInput!): WeighPayload!
    @procedure(name: "weigh")
    @permit(input: "goalId", type: "Goal", as: UPDATE, row: [{field: "goalType", in: ["CULTURAL"]}])
    @permit(
      input: "goalId", type: "Goal", as: UPDATE, given: [{input: "scale", in: ["KITCHEN"]}]
    )
    @permit(input: "noteId", type: "GoalNote", as: SEE)
}
enum Scale { KITCHEN LABORATORY }
input WeighInput {
  goalId: UUID!
  noteId: UUID
  scale: Scale! = LABORATORY
  parts: [WeighPart!]!
  count: Int! = 2 @range(min: 1, max: 5)
  colour: String @pattern(regex: "#[0-9a-f]{6}", expected: "a colour such as #3366cc")
}
input WeighPart { text: String! @length(min: 1, max: 5) }
type WeighPayload {
  goal: Goal!
  note: GoalNote
  grams: Int!
  label: String
  heavy: Boolean!
  id: UUID!
  scale: Scale!
}
"""
DOCUMENT = """mutation ($input: WeighInput!) { w: weigh(input: $input) {
  s: scale label goal { title tasks { position } } grams note { information } heavy id again: grams
} }"""


class Part(msgspec.Struct, frozen=True):
    text: str


class WeighInput(msgspec.Struct, frozen=True, rename="camel"):
    goal_id: UUID
    scale: str
    parts: list[Part]
    count: int
    note_id: UUID | None = None
    colour: str | None = None


class WeighPayload(msgspec.Struct, frozen=True):
    goal: UUID
    note: UUID | None
    grams: int
    label: str | None
    heavy: bool
    id: UUID
    scale: str


class WeighingEngine:
    """An engine with the mutation `weigh`, and what it was called with."""

    def __init__(self, database: Database, rendering: str) -> None:
        self.called: list[WeighInput] = []
        self.returned: dict[str, Any] = {}
        model = build_model([*load_features().read_sources(), Source("weigh.graphql", SDL)])
        self.client = EngineClient(database, rendering)
        procedures = {**self.client.procedures, "weigh": Procedure.of(self.procedure())}
        self.client.engine = Engine(model, database, Settings(rendering=rendering), procedures)

    def procedure(self) -> Any:
        async def weigh(context: ProcedureContext, input: WeighInput) -> WeighPayload:
            await context.transaction.execute("SELECT 1")
            self.called.append(input)
            payload = WeighPayload(
                goal=input.goal_id,
                note=input.note_id,
                grams=len(input.parts) * input.count,
                label=input.colour,
                heavy=False,
                id=NOWHERE,
                scale=input.scale,
            )
            return msgspec.structs.replace(payload, **self.returned)

        return weigh

    def input(self, **input: Any) -> dict[str, Any]:
        return {"goalId": str(goal_id(1)), "parts": [{"text": "one"}], **input}


@pytest_asyncio.fixture(params=RENDERINGS)
async def scales(
    request: pytest.FixtureRequest, engine_database: Database
) -> AsyncIterator[WeighingEngine]:
    await fill(engine_database)
    yield WeighingEngine(engine_database, request.param)


async def test_a_payload_has_rows_and_values_in_the_order_of_the_selection(
    scales: WeighingEngine,
) -> None:
    input = scales.input(noteId=str(note_id(1)), parts=[{"text": "a"}, {"text": "b"}])
    answer = await scales.client.ask(DOCUMENT, input=input)
    assert list(answer["w"]) == ["s", "label", "goal", "grams", "note", "heavy", "id", "again"]
    assert answer["w"]["goal"]["title"] == "Kōrero Māori"
    assert answer["w"]["note"] is not None
    found = {name: answer["w"][name] for name in ("s", "label", "grams", "heavy", "id", "again")}
    assert found == {
        "s": "LABORATORY", "label": None, "grams": 4, "heavy": False, "id": str(NOWHERE),
        "again": 4,
    }  # fmt: skip


async def test_a_row_that_is_missing_or_hidden_is_null_or_not_found(scales: WeighingEngine) -> None:
    assert (await scales.client.ask(DOCUMENT, input=scales.input()))["w"]["note"] is None
    for goal in (NOWHERE, BENS_GOAL):
        scales.returned = {"goal": goal}
        assert await scales.client.refuse(DOCUMENT, input=scales.input()) == "NOT_FOUND"
    scales.returned = {"note": note_id(4)}
    assert (await scales.client.ask(DOCUMENT, input=scales.input()))["w"]["note"] is None


async def test_a_payload_without_rows_takes_no_statement(
    scales: WeighingEngine, engine_database: Database
) -> None:
    traces: list[StatementTrace] = []
    document = "mutation ($input: WeighInput!) { weigh(input: $input) { grams label } }"
    with engine_database.observe(traces.append):
        answer = await scales.client.ask(document, input=scales.input(colour="#00ff00"))
    assert answer == {"weigh": {"grams": 2, "label": "#00ff00"}}
    begin, permit, own, commit = [trace.statement for trace in traces]
    assert "BEGIN" in begin
    assert permit.startswith("SELECT EXISTS")
    assert own == "SELECT 1"
    assert commit.endswith("COMMIT")


@pytest.mark.parametrize("returned", [{"grams": None}, {"goal": None}, {"heavy": "yes"}])
async def test_what_it_returns_is_what_it_promises(
    scales: WeighingEngine, returned: dict[str, Any]
) -> None:
    scales.returned = returned
    with pytest.raises(TypeError, match="weigh returned a payload of other types"):
        await scales.client.send(DOCUMENT, input=scales.input())


async def test_what_it_returns_cannot_pass_for_more_than_a_value(scales: WeighingEngine) -> None:
    scales.returned = {"label": '"\\u0000=grams" \x00'}
    answer = await scales.client.ask(DOCUMENT, input=scales.input())
    assert answer["w"]["label"] == '"\\u0000=grams" \x00'


async def test_texts_are_normalised_before_they_reach_it(scales: WeighingEngine) -> None:
    await scales.client.ask(DOCUMENT, input=scales.input(parts=[{"text": "to\u0304"}]))
    assert scales.called[-1].parts == [Part("tō")]


@pytest.mark.parametrize(
    ("input", "message"),
    [
        ({"count": 0}, "input.count: expected 1 to 5, got 0."),
        ({"count": 6}, "input.count: expected 1 to 5, got 6."),
        ({"colour": "red"}, 'input.colour: expected a colour such as #3366cc, got "red".'),
        ({"parts": [{"text": "a"}, {"text": ""}]}, "input.parts[1].text: expected 1 to 5 charact"),
        ({"parts": [{"text": "sixsix"}]}, "input.parts[0].text: expected 1 to 5 characters, got 6"),
        ({"parts": [{"text": "   "}]}, "input.parts[0].text: expected more than white space."),
    ],
)
async def test_its_input_obeys_the_sdl(
    scales: WeighingEngine, input: dict[str, Any], message: str
) -> None:
    _, error = await scales.client.fail(DOCUMENT, input=scales.input(**input))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"].startswith(message)
    assert error["path"] == ["w"]
    literal = ", ".join(f"{name}: {_literal(value)}" for name, value in input.items())
    parts = "" if "parts" in input else 'parts: [{text: "a"}], '
    document = f'mutation {{ weigh(input: {{goalId: "{goal_id(1)}", {parts}{literal}}}) {{ id }} }}'
    _, error = await scales.client.fail(document)
    assert error["message"].startswith(message)
    assert scales.called == []


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(f"{{text: {json.dumps(each['text'])}}}" for each in value) + "]"
    return json.dumps(value)


@pytest.mark.parametrize(
    ("goal", "scale", "allowed"),
    [
        (goal_id(1), "LABORATORY", True),  # CULTURAL
        (goal_id(2), "LABORATORY", False),  # SPORTS
        (goal_id(2), "KITCHEN", True),
        (BENS_GOAL, "KITCHEN", False),
        (NOWHERE, "KITCHEN", False),
    ],
)
async def test_a_grant_holds_for_its_rows_and_inputs_only(
    scales: WeighingEngine, goal: UUID, scale: str, allowed: bool
) -> None:
    input = scales.input(goalId=str(goal), scale=scale)
    if allowed:
        await scales.client.ask(DOCUMENT, input=input)
        return
    _, error = await scales.client.fail(DOCUMENT, input=input)
    assert error["message"] == "weigh: Goal not found, or you may not change it."
    assert scales.called == []


async def test_every_input_that_is_given_must_be_permitted(scales: WeighingEngine) -> None:
    _, error = await scales.client.fail(DOCUMENT, input=scales.input(noteId=str(note_id(4))))
    assert error["message"] == "weigh: GoalNote not found, or you may not change it."
    _, error = await scales.client.fail(DOCUMENT, BEN, input=scales.input(noteId=str(note_id(4))))
    assert error["message"] == "weigh: Goal not found, or you may not change it."
    assert scales.called == []


async def test_what_an_earlier_root_changes_decides_what_a_later_one_may(
    scales: WeighingEngine,
) -> None:
    answer = await scales.client.engine.execute(scales_request(goal_id(1)), ANA, deadline=soon())
    (error,) = json.loads(answer.body)["errors"]
    assert error["message"] == "weigh: Goal not found, or you may not change it."
    assert error["path"] == ["b"]


def scales_request(goal: UUID) -> GraphQLRequest:
    from_input = f'goalId: "{goal}"'
    document = f"""mutation {{
      a: updateGoal(input: {{{from_input}, goalType: SPORTS}}) {{ goal {{ id }} }}
      b: weigh(input: {{{from_input}, parts: []}}) {{ id }}
    }}"""
    return GraphQLRequest(document)
