"""Imports of schools' rosters."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.roster import procedures
from poutama.features.roster.inputs import APPLY, CHECK
from poutama.schedule import HOUR, Task

FEATURE = Feature(
    name="roster",
    package=__package__,
    procedures=(
        procedures.apply_roster_import,
        procedures.check_roster_import,
        procedures.start_roster_import,
    ),
    jobs={
        CHECK: "poutama.features.roster.steps:CHECK_JOB",
        APPLY: "poutama.features.roster.steps:APPLY_JOB",
    },
    tasks={"forget_old_rosters": Task("poutama.features.roster.tasks:clear_rosters", HOUR)},
)
