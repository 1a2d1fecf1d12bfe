"""What the clock runs: a task, what a run of it has, and the tasks that every system needs.

`edge.schedule_event` runs tasks for EventBridge's events, `server.worker_process` every so often. A
feature declares its own (`poutama.feature`). A task may run at any time and any number of times; it
has one function's time, and does next time what it did not get done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TypeAlias
from uuid import UUID

from poutama.changes import ChangePlans, Changes
from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from poutama.viewer import Viewer

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SYSTEM = Viewer(UUID(int=0))
"""The actor of what the clock does: an id that belongs to no person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskContext:
    """What one run of a task has.

    Attributes:
        database, store, settings: as everywhere.
        sweep: wakes workers for jobs whose message was lost, by the deadline.
        deadline: absolute `time.monotonic()` by which to return.
        plans: what `changes` renders.
    """

    database: Database
    store: ObjectStore
    settings: Settings
    sweep: Callable[[float], Awaitable[int]]
    deadline: float
    plans: ChangePlans

    def changes(self, transaction: Transaction) -> Changes:
        """What changes rows in the name of the system."""
        return Changes(self.plans, transaction, SYSTEM)


TaskFunction: TypeAlias = Callable[[TaskContext], Awaitable[int]]
"""Does the work; returns how much it did."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work that is repeated by the clock.

    Attributes:
        function: a `TaskFunction`, or where it is, as `package.module:name`; that is imported when
            the task first runs, for the API declares tasks and never runs one.
        every: seconds between two runs.
    """

    function: str | TaskFunction
    every: float

    def load(self) -> TaskFunction:
        """Import the function.

        Raises:
            ImportError, AttributeError, ValueError: there is none of that name.
        """
        if not isinstance(self.function, str):
            return self.function
        function: TaskFunction = resolve_name(self.function)
        return function


CORE_TASKS: Mapping[str, Task] = {
    "sweep": Task("poutama.core_tasks:sweep_jobs", MINUTE),
    "delete_scheduled_objects": Task("poutama.core_tasks:delete_objects", MINUTE),
    "purge_expired_keys": Task("poutama.core_tasks:purge_keys", HOUR),
}
"""What runs whatever the features are."""
