"""Imports of schools' rosters."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.roster import procedures
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
        procedures.CHECK: "poutama.features.roster.steps:check_roster",
        procedures.APPLY: "poutama.features.roster.steps:apply_roster",
    },
    tasks={"forget_old_rosters": Task("poutama.features.roster.tasks:clear_rosters", HOUR)},
)
