"""The schedule's entry point as a function behind EventBridge: `handler(event, context)`.

Configured by `POUTAMA_*` variables alone; `docs/functions.md` lists the tasks.
"""

from __future__ import annotations

import os
from functools import partial

from poutama.edge.application import open_resources, ping_database
from poutama.edge.invocation import Environment, prepare_for_snapshots
from poutama.edge.schedule_event import ScheduleFunction
from poutama.edge.worker_resources import open_task_contexts
from poutama.features import load_features
from poutama.settings import Settings

_settings = Settings.from_environment(os.environ, pool_size=1)
_resources = open_resources(_settings, os.environ)
handler = ScheduleFunction(
    load_features().tasks,
    open_task_contexts(_resources),
    Environment(partial(ping_database, _resources.database)),
)
"""Runs what is due: the name that the function is configured with."""

prepare_for_snapshots()
