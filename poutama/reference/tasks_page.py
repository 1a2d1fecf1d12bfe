"""The page docs/tasks.md: what the clock runs, as the features declare it.

Called by `commands.pages`; imports the tasks for their docstrings, and runs none.
"""

from __future__ import annotations

from poutama.feature import FeatureSet
from poutama.schedule import CORE_TASKS, DAY, HOUR, MINUTE, Task

OPENING = """\
# Scheduled tasks

What the clock runs, in the name of the system: every so often under `make up` and `poutama worker`,
and by a schedule's event as a function ([functions.md](functions.md#the-schedule)). A task may run
at any time and any number of times, two at once. A feature declares its own:
[extend.md](extend.md#a-job-and-a-scheduled-task).

This page is generated from the declarations: `make docs`.

| task | of | every | what it does |
|---|---|---|---|
"""
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1.0, "second"))


def render_tasks_page(features: FeatureSet) -> str:
    """The text of `docs/tasks.md`."""
    rows = [_row(name, "every system", task) for name, task in CORE_TASKS.items()]
    for feature in features.features:
        rows += [_row(name, f"`{feature.name}`", task) for name, task in feature.tasks.items()]
    return OPENING + "".join(rows)


def _row(name: str, owner: str, task: Task) -> str:
    doc = " ".join((task.load().__doc__ or "").split("\n\n")[0].split())
    return f"| `{name}` | {owner} | {_period(task.every)} | {doc} |\n"


def _period(seconds: float) -> str:
    for length, word in _UNITS:
        if seconds >= length and seconds % length == 0:
            count = int(seconds / length)
            return word if count == 1 else f"{count} {word}s"
    return f"{seconds:g} seconds"
