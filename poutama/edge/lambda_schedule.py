"""The schedule's entry point as a function behind EventBridge: `handler(event, context)`.

Configured by `POUTAMA_*` variables alone; `docs/functions.md` lists the tasks.
"""

from __future__ import annotations

import os

from poutama.edge.clock import ScheduleFunction
from poutama.edge.invocation import Environment, prepare_for_snapshots
from poutama.edge.wire import open_rooms
from poutama.edge.work import open_shifts
from poutama.journeys.schedule import TASKS
from poutama.settings import Settings

_settings = Settings.from_environment(os.environ, pool_size=1)
handler = ScheduleFunction(TASKS, open_shifts(open_rooms(_settings, os.environ)), Environment())
"""Runs what is due: the name that the function is configured with."""

prepare_for_snapshots()
