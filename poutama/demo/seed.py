"""Makes the demo school in front of people: on the first `poutama up`, and by `poutama demo`.

What the school is, `demo.school` knows, and how it is written, `demo.loader`; this shows how far
it is. Leaves a database that has people of its own alone unless it is asked for.
"""

from __future__ import annotations

import asyncio
import time

from poutama.db.connection import Database
from poutama.demo.loader import make_demo
from poutama.progress import ProgressLines
from poutama.settings import Settings

STUDENTS = 100
READ_SECONDS = 30.0
STEP = "demo school"


def enrol_school(settings: Settings, url: str, students: int, steps: ProgressLines) -> None:
    """Make the demo school of that many students, or what is missing of it.

    Raises:
        BadUserInputError, ConfigurationError, ConflictError: as `demo.loader.make_demo`.
    """
    with steps.count(STEP, students) as (step, report):
        made = asyncio.run(make_demo(url, students=students, settings=settings, progress=report))
        added = f"{made.people:,} people and {made.goals:,} goals added" if made.rows else ""
        step.note = f"{students:,} students, {added or 'there already'}"


def enrol_if_empty(settings: Settings, url: str, steps: ProgressLines) -> None:
    """Make the demo school where the database has no people yet."""
    if asyncio.run(_has_people(settings, url)):
        with steps.step(STEP) as step:
            step.note = "there already"
    else:
        enrol_school(settings, url, STUDENTS, steps)


async def _has_people(settings: Settings, url: str) -> bool:
    database = Database(settings, url=url)
    try:
        deadline = time.monotonic() + READ_SECONDS
        return bool(await database.read("select 1 as n from person limit 1", deadline=deadline))
    finally:
        await database.close()
