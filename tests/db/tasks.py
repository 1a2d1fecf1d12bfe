"""Runs a scheduled task as the clock does, over a test's database and store."""

from __future__ import annotations

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.features import load_features, load_model
from poutama.schedule import TaskContext
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from tests.db.sessions import soon


async def run_task(
    name: str, database: Database, store: ObjectStore, settings: Settings | None = None
) -> int:
    """Run the task once; returns how much it did."""
    context = TaskContext(
        database=database,
        store=store,
        settings=settings or Settings(),
        sweep=_no_jobs,
        deadline=soon(),
        plans=ChangePlans(load_model()),
    )
    return await load_features().tasks[name].load()(context)


async def _no_jobs(deadline: float) -> int:
    raise AssertionError(f"no job is to be swept by {deadline}")
