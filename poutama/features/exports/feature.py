"""A student's learning journey as a file."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.exports.request import JOB_KIND, export_journey
from poutama.schedule import HOUR, Task

FEATURE = Feature(
    name="exports",
    package=__package__,
    procedures=(export_journey,),
    jobs={JOB_KIND: "poutama.features.exports.steps:export_step"},
    tasks={"forget_old_exports": Task("poutama.features.exports.tasks:clear_exports", HOUR)},
)
