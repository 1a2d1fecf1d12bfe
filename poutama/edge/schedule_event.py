"""EventBridge's events as a function: they say which tasks of `features.schedule` are due.

`edge.lambda_schedule` opens it. An event may be `{"tasks": ["sweep"]}`, as a schedule's input; one
that names no tasks, such as a rule's own, means all of them. A task that fails keeps no other from
running, and fails the invocation in the end, so that AWS counts it and tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import msgspec

from poutama.edge.gateway import UnknownEventError, describe_event
from poutama.edge.invocation import Context, Environment, find_deadline
from poutama.errors import PoutamaError
from poutama.schedule import Task, TaskContext

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 2.0
"""Kept of an invocation's time."""


class TasksFailedError(PoutamaError):
    """Scheduled tasks failed."""

    code = "TASKS_FAILED"


class ScheduleEvent(msgspec.Struct):
    """A schedule's input, or a rule's event, as far as we look at it."""

    tasks: list[str] | None = None
    source: str = ""


class ScheduleFunction:
    """Runs tasks, event by event."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        open_context: Callable[[float], TaskContext],
        environment: Environment,
    ) -> None:
        """Keep what is needed.

        Args:
            tasks: by name.
            open_context: gives a task what it needs, until the deadline.
            environment: of this process.
        """
        self._tasks = tasks
        self._open_context = open_context
        self._environment = environment

    def __call__(self, event: object, context: Context) -> dict[str, int]:
        """Run what is due; returns how much each task did.

        Raises:
            UnknownEventError: the event is not of a schedule, or names an unknown task.
            TasksFailedError: one or more failed; the message has their names.
        """
        names = self._read(event)
        deadline = find_deadline(context, MARGIN_SECONDS)
        return self._environment.run(run_tasks(self._tasks, names, self._open_context, deadline))

    def _read(self, event: object) -> Sequence[str]:
        try:
            known = msgspec.convert(event, ScheduleEvent)
            if known.tasks is None and known.source not in ("aws.events", "aws.scheduler"):
                raise UnknownEventError('Expected {"tasks": [...]} or an event of EventBridge.')
            names = known.tasks or tuple(self._tasks)
            known_tasks = ", ".join(sorted(self._tasks))
            if unknown := [name for name in names if name not in self._tasks]:
                raise UnknownEventError(
                    f"tasks: expected some of {known_tasks}, got {unknown[0][:50]!r}."
                )
        except (msgspec.ValidationError, UnknownEventError) as error:
            logger.error("%s Got %s.", error, describe_event(event))
            raise UnknownEventError(f"Not an event of a schedule: {error}") from error
        return names


async def run_tasks(
    tasks: Mapping[str, Task],
    names: Sequence[str],
    open_context: Callable[[float], TaskContext],
    deadline: float,
) -> dict[str, int]:
    """Run tasks in turn, each with its share of the time that is left.

    Raises:
        TasksFailedError: one or more failed; the others have run.
    """
    done: dict[str, int] = {}
    for place, name in enumerate(names):
        now = monotonic()
        share = (deadline - now) / (len(names) - place)
        try:
            done[name] = await tasks[name].load()(open_context(now + share))
        except PoutamaError as error:
            logger.warning("task %s: %s", name, error.message)
        except Exception:
            logger.exception("task %s: unexpected error", name)
    if failed := [name for name in names if name not in done]:
        raise TasksFailedError(f"Scheduled tasks failed: {', '.join(failed)}.")
    return done
