"""The kind of `docs/jobs.md` is one."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from poutama.db.transaction import Transaction, run_transaction
from poutama.feature import Feature
from poutama.jobs.job import Empty, Finished, JobKind, Progress, Step
from poutama.jobs.table import enqueue
from poutama.viewer import Viewer
from tests.db.job_harness import PERSON, JobHarness
from tests.db.sessions import soon

PAGE = Path(__file__).parents[2] / "docs" / "jobs.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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


async def test_the_example_does_what_it_says(shop: JobHarness) -> None:
    names: dict[str, Any] = {
        "Step": Step,
        "Progress": Progress,
        "Finished": Finished,
        "JobKind": JobKind,
        "Empty": Empty,
        "Feature": Feature,
        "msgspec": msgspec,
        "UUID": UUID,
        "Transaction": Transaction,
        "Viewer": Viewer,
        "enqueue": enqueue,
        "Mapping": Mapping,
        "Any": Any,
    }
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(block, PAGE, "exec", dont_inherit=True), names)
    shop.kinds.update(dict.fromkeys(names["FEATURE"].jobs, names["TIDY_JOB"]))
    for statement in (GOALS, TASKS):
        await shop.change(statement, PERSON)

    async def ask(transaction: Transaction) -> UUID:
        payload = await names["tidy_goals"](transaction, Viewer(PERSON), {})
        return UUID(str(payload["job"]))

    job = await run_transaction(shop.database, ask, deadline=soon())
    assert await shop.worker().run(job, deadline=time.monotonic() + 20) == "SUCCEEDED"
    row = await shop.row(job)
    assert (row["done"], row["steps"]) == (250, 4)
    rows = await shop.database.read(LEFT, [PERSON], deadline=soon())
    assert [tuple(row) for row in rows] == [(False, False, 250), (True, True, 250)]
