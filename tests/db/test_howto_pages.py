"""What pages show that nothing else runs works as it stands, on a real database."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, cast

import pytest

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.db.identity import SignIn, find_person
from poutama.db.trace import StatementTrace
from poutama.db.transaction import Transaction, run_transaction
from poutama.edge.issuers import parse_issuers
from poutama.errors import NotFoundError
from poutama.feature import FeatureSet
from poutama.features import load_model
from poutama.schedule import TaskContext
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from poutama.text import normalize_email
from tests.db.sessions import soon
from tests.golden.rows import NOWHERE, fill, goal_id

DOCS = Path(__file__).parents[2] / "docs"
FINISHED = """
SELECT goal.id, goal.complete, goal.version FROM goal
JOIN goal_task ON goal_task.goal_id = goal.id
GROUP BY goal.id, goal.complete, goal.version HAVING bool_and(goal_task.complete)
ORDER BY goal.id
"""


def blocks(page: str, language: str = "python") -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)


async def test_the_task_completes_goals_whose_tasks_are_done(engine_database: Database) -> None:
    await fill(engine_database)
    names: dict[str, Any] = {}
    for block in blocks("add-a-task.md"):
        exec(block, names)
    await engine_database.write("UPDATE goal_task SET complete = true", deadline=soon())
    before = await engine_database.read(FINISHED, deadline=soon())
    open_goals = [row["id"] for row in before if not row["complete"]]
    none: Any = None
    context = TaskContext(
        database=engine_database,
        store=cast(ObjectStore, none),
        settings=Settings(),
        sweep=none,
        deadline=soon(),
        plans=ChangePlans(load_model()),
    )
    # WHEN the task runs twice
    assert await names["complete_goals"](context) == len(open_goals) > 0
    assert await names["complete_goals"](context) == 0
    # THEN each goal is complete, and its version has grown once
    after = await engine_database.read(FINISHED, deadline=soon())
    assert [row["complete"] for row in after] == [True] * len(before)
    grown = {
        new["id"] for new, old in zip(after, before, strict=True) if new["version"] > old["version"]
    }
    assert grown == set(open_goals)
    # AND the declaration is one
    declared = FeatureSet([names["FEATURE"]]).tasks["complete_goals"]
    assert (declared.function, declared.every) == ("tidying.tasks:complete_goals", 86_400)


async def test_a_test_can_collect_traces(engine_database: Database) -> None:
    (block,) = blocks("read-traces.md")
    lines = [
        "async def collect():",
        *(f"    {line}" for line in block.splitlines()),
        "    return seen",
    ]
    names: dict[str, Any] = {
        "database": engine_database,
        "deadline": soon(),
        "StatementTrace": StatementTrace,
    }
    exec("\n".join(lines), names)
    [trace] = await names["collect"]()
    assert (trace.name, trace.rows, trace.outcome) == ("one", 1, "ok")


def test_every_issuer_of_the_page_is_one() -> None:
    shown = [block.strip() for block in blocks("sign-in.md", "sh")]
    values = [line.removeprefix("POUTAMA_ISSUERS='").removesuffix("'") for line in shown]
    found = [parse_issuers(value) for value in values]
    assert [len(issuers) for issuers in found] == [1, 1, 1, 2]
    assert [issuers[0].is_microsoft for issuers in found] == [False, True, False, False]


async def test_the_first_person_can_sign_in(engine_database: Database) -> None:
    (statement,) = blocks("sign-in.md", "sql")
    await engine_database.write(statement, deadline=soon())
    signed_in = SignIn("https://id.school.example", "1", normalize_email("Head@school.example"))
    found = await find_person(engine_database, signed_in)
    rows = await engine_database.read(
        "SELECT id FROM person WHERE name LIKE 'Head%'", deadline=soon()
    )
    assert [row["id"] for row in rows] == [found]


async def test_the_closure_of_the_page_on_transactions_completes_a_goal(
    engine_database: Database,
) -> None:
    await fill(engine_database)
    (block,) = blocks("transactions.md")
    names: dict[str, Any] = {
        "Transaction": Transaction,
        "NotFoundError": NotFoundError,
        "run_transaction": run_transaction,
        "database": engine_database,
        "deadline": soon(),
        "goal_id": goal_id(1),
    }
    code = compile(block, "transactions.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for changed in (True, False):
        await eval(code, names)
        assert names["changed"] is changed
    with pytest.raises(NotFoundError):
        await eval(code, {**names, "goal_id": NOWHERE})


async def test_erased_people_are_found_as_the_page_on_keeping_shows(
    engine_database: Database,
) -> None:
    (statement,) = blocks("keeping.md", "sql")
    await engine_database.read(statement, deadline=soon())
    entry = (
        "INSERT INTO audit_entry (id, at, actor_id, actor_name, action, kind, row_id)"
        " VALUES (gen_random_uuid(), now(), $1::uuid, 'retention', 'DELETE', 'Person', $1::uuid)"
    )
    await engine_database.write(entry, [NOWHERE], deadline=soon())
    rows = await engine_database.read(statement, deadline=soon())
    assert [row["row_id"] for row in rows] == [NOWHERE]
