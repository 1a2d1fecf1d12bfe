"""The worker's entry point as a function behind SQS: `handler(event, context)`.

The event source must have `ReportBatchItemFailures`, and the queue a visibility time of six times
the function's. Configured by `POUTAMA_*` variables alone. `docs/functions.md`.
"""

from __future__ import annotations

import os
from functools import partial

from poutama.edge.application import open_resources, ping_database
from poutama.edge.invocation import Environment, prepare_for_snapshots
from poutama.edge.sqs_batch import BatchFunction
from poutama.edge.worker_resources import open_worker
from poutama.features import load_features
from poutama.settings import Settings

# One job at a time; its sign of life must not wait for what it reads.
_settings = Settings.from_environment(os.environ, pool_size=2)
_resources = open_resources(_settings, os.environ)
handler = BatchFunction(
    open_worker(_resources, load_features().load_jobs()),
    _settings,
    Environment(partial(ping_database, _resources.database)),
)
"""Handles one batch: the name that the function is configured with."""

prepare_for_snapshots()
