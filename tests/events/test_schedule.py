"""EventBridge's events: which tasks they run, and what becomes of one that fails."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, cast

import pytest

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.edge.gateway import UnknownEventError
from poutama.edge.invocation import Environment
from poutama.edge.schedule_event import ScheduleFunction, TasksFailedError
from poutama.errors import UnavailableError
from poutama.features import load_features, load_model
from poutama.schedule import Task, TaskContext
from poutama.settings import Settings
from poutama.store.objects import ObjectStore

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
RECORDED = Path(__file__).parent / "recorded"
EVENT: dict[str, Any] = json.loads((RECORDED / "schedule.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class LambdaContext:
    seconds: float = 62.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class RecordingTasks:
    """Tasks that write down when they were run, and for how long they might."""

    errors: dict[str, Exception] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def tasks(self, *names: str) -> dict[str, Task]:
        def make(name: str) -> Task:
            async def run(shift: TaskContext) -> int:
                self.seconds[name] = shift.deadline - monotonic()
                if name in self.errors:
                    raise self.errors[name]
                return len(self.seconds)

            return Task(run, 60.0)

        return {name: make(name) for name in names}


async def no_sweep(deadline: float) -> int:
    return 0


def open_context(deadline: float) -> TaskContext:
    unused: Any = None
    return TaskContext(
        database=cast(Database, unused),
        store=cast(ObjectStore, unused),
        settings=Settings(),
        sweep=no_sweep,
        deadline=deadline,
        plans=ChangePlans(load_model()),
    )


Opener = Callable[[dict[str, Task]], ScheduleFunction]


@pytest.fixture
def open_function() -> Iterator[Opener]:
    environment = Environment()
    yield lambda tasks: ScheduleFunction(tasks, open_context, environment)
    environment.close()


@pytest.mark.parametrize("event", [EVENT, {"source": "aws.scheduler"}, {"tasks": ["a", "b"]}])
def test_an_event_runs_what_it_names_or_else_everything(event: Any, open_function: Opener) -> None:
    diary = RecordingTasks()

    assert open_function(diary.tasks("a", "b"))(event, LambdaContext()) == {"a": 1, "b": 2}
    assert list(diary.seconds.values()) == pytest.approx([30, 60], abs=5)


def test_an_event_may_name_one_of_them(open_function: Opener) -> None:
    diary = RecordingTasks()

    assert open_function(diary.tasks("a", "b"))({"tasks": ["b"]}, LambdaContext()) == {"b": 1}


def test_a_task_that_fails_keeps_no_other_from_running_and_is_not_passed_over(
    open_function: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    diary = RecordingTasks({"a": UnavailableError("no database"), "c": ValueError("a bug")})
    function = open_function(diary.tasks("a", "b", "c", "d"))

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(TasksFailedError, match=r"failed: a, c\."),
    ):
        function(EVENT, LambdaContext())

    assert list(diary.seconds) == ["a", "b", "c", "d"]
    assert "no database" in caplog.messages[0]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({}, 'Expected {"tasks": [...]}'),
        ({"tasks": ["a", "sweeep"]}, "got 'sweeep'"),
        ({"tasks": "a"}, "$.tasks"),
        ({"source": "aws.s3"}, 'Expected {"tasks": [...]}'),
        ([], "array"),
        (
            json.loads((RECORDED / "sqs_batch.json").read_text(encoding="utf-8")),
            'Expected {"tasks": [...]}',
        ),
    ],
)
def test_an_event_that_is_no_schedules_is_refused_and_logged(
    event: object, says: str, open_function: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    diary = RecordingTasks()

    with caplog.at_level(logging.ERROR), pytest.raises(UnknownEventError):
        open_function(diary.tasks("a"))(event, LambdaContext())

    assert diary.seconds == {}
    assert says in caplog.messages[0]


def test_the_page_lists_every_task_and_no_other() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert sorted(listed) == sorted(load_features().tasks)
    assert all(task.every >= 60 for task in load_features().tasks.values())
