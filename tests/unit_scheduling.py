"""How the suite is shared out when `pytest -n` runs it in several processes, as `make test` does.

A worker takes a whole unit: a test module, whose tests share a database, or a folder, whose modules
share what is dear to make (packages, a running server). Each worker has servers, databases and
temporary folders of its own. Units that last longest start first, so that none is left for the end.
`tests.conftest` hands these functions to pytest; without `-n` they change nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

MAX_WORKERS = 4
"""Each runs a PostgreSQL server; the longest unit lasts as long as the rest of four workers."""

TOGETHER = ("tests/e2e/", "tests/events/")
"""Folders that are one unit each."""

LONGEST = (*TOGETHER, "tests/db/")
"""What starts first, in this order."""


def count_workers(config: pytest.Config) -> int:
    """How many workers `-n auto` starts: one for each processor that this process may use.

    None for a single module, which is one unit: it would only wait for them to start.
    """
    modules = {Path(argument.partition("::")[0]) for argument in config.args}
    if len(modules) == 1 and next(iter(modules)).is_file():
        return 0
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MAX_WORKERS)


def is_controller(config: pytest.Config) -> bool:
    """Whether this process only hands out the tests that its workers run."""
    return not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no"


def unit_of(nodeid: str) -> str:
    """Return the name of the unit that a test belongs to."""
    module, _, _ = nodeid.partition("::")
    return next((folder for folder in TOGETHER if module.startswith(folder)), module)


def rank(nodeid: str) -> int:
    """Return the place of a test's unit in the order in which units start."""
    places = (place for place, path in enumerate(LONGEST) if nodeid.startswith(path))
    return next(places, len(LONGEST))


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out units, in the order of their first tests."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
