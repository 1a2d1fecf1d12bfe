"""The kind of `docs/jobs.md` is one, and its procedure and its schema fit each other."""

from __future__ import annotations

import re
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from poutama.changes import Changes
from poutama.db.transaction import Transaction, run_transaction
from poutama.features import load_features
from poutama.function_signatures import check_procedures
from poutama.procedure import Procedure, ProcedureContext
from poutama.schema.load import build_model
from poutama.schema.source import Source
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.job_harness import PERSON, JobHarness
from tests.db.sessions import soon

TEXT = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")
FILES = ("inputs", "steps", "procedures", "feature")
"""The page's blocks of Python in order; it names each file."""
GOALS = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search,
    complete)
SELECT gen_random_uuid(), $1::uuid, 'SPORTS', '', '', '', '', n % 2 = 0
FROM generate_series(1, 500) AS n
"""
TASKS = """
INSERT INTO goal_task (id, goal_id, information, information_search, complete, position)
SELECT gen_random_uuid(), id, '', '', false, 0 FROM goal WHERE person_id = $1::uuid
"""
LEFT = """
SELECT g.complete AS finished, t.complete AS ticked, count(*) AS n
FROM goal AS g JOIN goal_task AS t ON t.goal_id = g.id WHERE g.person_id = $1::uuid
GROUP BY 1, 2 ORDER BY 1, 2
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's package, written down as a reader does it, and its declaration."""
    package = tmp_path / "tidying"
    package.mkdir()
    package.joinpath("__init__.py").touch()
    for name, block in zip(FILES, blocks("python"), strict=True):
        assert f"`tidying/{name}.py`" in TEXT
        package.joinpath(f"{name}.py").write_text(block, encoding="utf-8")
    for name in ("tidying", *(f"tidying.{each}" for each in FILES)):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return import_module("tidying.feature").FEATURE


async def test_the_example_does_what_it_says(shop: JobHarness, feature: Any) -> None:
    for kind, place in feature.jobs.items():
        module, _, name = place.partition(":")
        shop.kinds[kind] = getattr(import_module(module), name)
    for statement in (GOALS, TASKS):
        await shop.change(statement, PERSON)
    (tidy_goals,) = feature.procedures
    wanted = Procedure.of(tidy_goals).input(goal_type="SPORTS")

    async def call(transaction: Transaction) -> UUID:
        unused = cast(Changes, None)
        context = ProcedureContext(
            transaction=transaction, viewer=Viewer(PERSON), changes=unused, settings=Settings()
        )
        return UUID(str((await tidy_goals(context, wanted)).job))

    job = await run_transaction(shop.database, call, deadline=soon())
    assert await shop.worker().run(job, deadline=time.monotonic() + 20) == "SUCCEEDED"
    row = await shop.row(job)
    assert (row["done"], row["steps"]) == (250, 4)
    rows = await shop.database.read(LEFT, [PERSON], deadline=soon())
    assert [tuple(row) for row in rows] == [(False, False, 250), (True, True, 250)]


def test_the_schema_of_the_example_loads_and_fits_its_procedure(feature: Any) -> None:
    features = load_features()
    (sdl,) = (block for block in blocks("graphql") if "extend type Mutation" in block)
    model = build_model([*features.read_sources(), Source("tidying.graphql", sdl)])
    own = {each.name: each for each in map(Procedure.of, feature.procedures)}
    check_procedures(model, {**features.procedures, **own})
    assert model.mutations["tidyGoals"].procedure in own
