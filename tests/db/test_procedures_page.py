"""The procedure of `docs/procedures.md` is one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from poutama.changes import Changes
from poutama.db.connection import Database
from poutama.engine import Engine
from poutama.features import load_features
from poutama.function_signatures import check_procedures
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure
from poutama.schema.load import build_model
from poutama.schema.source import Source
from poutama.settings import Settings
from tests.golden.compiled import RENDERINGS
from tests.golden.rows import ANA, BEN, fill, goal_id

PAGE = Path(__file__).parents[2] / "docs" / "procedures.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMPLETE = """mutation ($input: CompleteGoalInput!) { completeGoal(input: $input) {
  tasksCompleted note { information author { name } } goal { complete version tasks { complete } }
} }"""


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(params=RENDERINGS)
def engine(request: pytest.FixtureRequest, engine_database: Database) -> Engine:
    names: dict[str, Any] = {}
    exec(compile(block("python"), PAGE, "exec", dont_inherit=True), names)
    example = Procedure.of(names["complete_goal"])
    features = load_features()
    model = build_model([*features.read_sources(), Source("own.graphql", block("graphql"))])
    procedures = {**features.procedures, example.name: example}
    check_procedures(model, procedures)
    return Engine(model, engine_database, Settings(rendering=request.param), procedures)


async def test_the_example_does_what_it_says(engine: Engine, engine_database: Database) -> None:
    await fill(engine_database)

    async def complete(viewer: Any, **input: Any) -> Any:
        request = GraphQLRequest(
            COMPLETE, variables={"input": {"goalId": str(goal_id(1)), **input}}
        )
        answer = await engine.execute(request, viewer, deadline=time.monotonic() + 60)
        return json.loads(answer.body)

    def code(body: Any) -> Any:
        return body["errors"][0]["extensions"]["code"]

    assert code(await complete(BEN)) == "NOT_FOUND"
    assert code(await complete(ANA, feeling="")) == "BAD_USER_INPUT"
    assert code(await complete(ANA, expectedVersion=1)) == "CONFLICT"
    done = (await complete(ANA, feeling="Ka pai!", expectedVersion=3))["data"]["completeGoal"]
    assert done["note"] == {"information": "Ka pai!", "author": {"name": "Ana"}}
    assert done["tasksCompleted"] == len(done["goal"]["tasks"]) - 1
    assert (done["goal"]["complete"], done["goal"]["version"]) == (True, 4)
    assert all(task["complete"] for task in done["goal"]["tasks"])


def test_every_way_to_change_is_in_the_table() -> None:
    ways = [name for name in vars(Changes) if not name.startswith("_")]
    assert len(ways) == 6
    assert [name for name in ways if f"`{name}(" not in TEXT] == []
