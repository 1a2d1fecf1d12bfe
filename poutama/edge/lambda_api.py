"""The API's entry point as a function behind API Gateway: `handler(event, context)`.

The runtime imports this module once an environment, which is when everything that can be is made
ready, and calls `handler` for each event. Configured by `POUTAMA_*` variables alone; what is wrong
with them ends the import, so that a broken deployment never takes traffic. `docs/functions.md`.
"""

from __future__ import annotations

import os

from poutama.edge.application import open_api, open_resources
from poutama.edge.function import ApiFunction
from poutama.edge.invocation import Environment, prepare_for_snapshots
from poutama.settings import Settings

# An environment gets one event at a time.
_settings = Settings.from_environment(os.environ, pool_size=1)
handler = ApiFunction(open_api(open_resources(_settings, os.environ)), Environment(), _settings)
"""Answers one event: the name that the function is configured with."""

prepare_for_snapshots()
