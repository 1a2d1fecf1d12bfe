"""The end of keeping data of people who left."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.schedule import DAY, Task

FEATURE = Feature(
    name="retention",
    package=__package__,
    tasks={"purge_departed_people": Task("poutama.features.retention.tasks:end_keeping", DAY)},
)
