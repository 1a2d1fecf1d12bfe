"""Reminders of goals that are due."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.reminders.export import REMINDERS
from poutama.features.reminders.procedures import dismiss_reminder
from poutama.personal_data import PersonalData
from poutama.schedule import DAY, Task

FEATURE = Feature(
    name="reminders",
    package=__package__,
    procedures=(dismiss_reminder,),
    tasks={"remind": Task("poutama.features.reminders.tasks:make_reminders", DAY)},
    exports=(REMINDERS,),
    personal_data=(
        PersonalData(
            table="reminder",
            path="person_id",
            counted=False,
            note="reminders",
            export="`reminders`",
        ),
    ),
)
