"""What is done by the clock: tasks by name, each safe to run at any time and any number of times.

`edge.lambda_schedule` runs them for EventBridge's events, `local.workshop` every so often. A task
is one `async def task(shift: Shift) -> int` that says how much it did; write it where its subject
is, and name it here. It has one function's time: what it does not get done it does next time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from poutama.db.connection import Database
from poutama.db.keys import forget_expired_keys
from poutama.journeys.doomed import delete_doomed_objects
from poutama.journeys.evidence.sweep import forget_unfinished_uploads
from poutama.journeys.exports.sweep import forget_old_exports
from poutama.journeys.reminders import remind
from poutama.journeys.retention import forget_the_departed
from poutama.journeys.roster.sweep import forget_old_rosters
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What one run of a task has.

    Attributes:
        database, store, settings: as everywhere.
        sweep: wakes workers for jobs whose message was lost, by the given deadline.
        deadline: absolute `time.monotonic()` by which to return.
    """

    database: Database
    store: ObjectStore
    settings: Settings
    sweep: Callable[[float], Awaitable[int]]
    deadline: float


TaskFunction: TypeAlias = Callable[[Shift], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do every now and then.

    Attributes:
        run: does it; returns how much it did.
        every: seconds between two runs.
    """

    run: TaskFunction
    every: float


async def sweep_jobs(shift: Shift) -> int:
    """Wake workers for jobs that nobody was woken for."""
    return await shift.sweep(shift.deadline)


async def forget_keys(shift: Shift) -> int:
    """Forget idempotency keys whose time is over."""
    return await forget_expired_keys(shift.database, deadline=shift.deadline)


async def clear_uploads(shift: Shift) -> int:
    """Forget uploads that were never finished, and evidence whose goal is gone."""
    return await forget_unfinished_uploads(shift.database, deadline=shift.deadline)


async def clear_objects(shift: Shift) -> int:
    """Delete files that nobody needs any more."""
    return await delete_doomed_objects(shift.database, shift.store, deadline=shift.deadline)


async def clear_exports(shift: Shift) -> int:
    """Delete exports that are old enough, and what those left that came to no end."""
    return await forget_old_exports(
        shift.database, shift.store, shift.settings, deadline=shift.deadline
    )


async def clear_rosters(shift: Shift) -> int:
    """Forget imports of rosters that came to no end, and reports that are old enough."""
    return await forget_old_rosters(shift.database, deadline=shift.deadline)


async def make_reminders(shift: Shift) -> int:
    """Remind students of what is due soon, or was due lately."""
    return await remind(shift.database, deadline=shift.deadline)


async def end_keeping(shift: Shift) -> int:
    """Delete people who left longer ago than their organisations keep data."""
    return await forget_the_departed(shift.database, deadline=shift.deadline)


TASKS: Mapping[str, Task] = {
    "sweep": Task(sweep_jobs, MINUTE),
    "delete_doomed_objects": Task(clear_objects, MINUTE),
    "forget_expired_keys": Task(forget_keys, HOUR),
    "forget_unfinished_uploads": Task(clear_uploads, 10 * MINUTE),
    "forget_old_exports": Task(clear_exports, HOUR),
    "forget_old_rosters": Task(clear_rosters, HOUR),
    "remind": Task(make_reminders, DAY),
    "forget_the_departed": Task(end_keeping, DAY),
}
