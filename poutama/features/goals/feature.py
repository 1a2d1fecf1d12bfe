"""Goals with their tasks and notes."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.goals.export import GOALS, NOTES, TASKS
from poutama.features.goals.procedures import reorder_goal_tasks
from poutama.personal_data import Erasure, PersonalData

FEATURE = Feature(
    name="goals",
    package=__package__,
    procedures=(reorder_goal_tasks,),
    exports=(GOALS, TASKS, NOTES),
    personal_data=(
        PersonalData(table="goal", path="person_id", counted=False, note="goals", export="`goals`"),
        PersonalData(
            table="goal_task",
            path="goal_id.person_id",
            counted=False,
            note="tasks of goals",
            export="`tasks`",
        ),
        PersonalData(
            table="goal_note",
            path="goal_id.person_id",
            counted=False,
            note="notes on their goals",
            export="`notes`",
        ),
        PersonalData(
            table="goal_note",
            path="author_id",
            erasure=Erasure.ANONYMISE,
            counted=False,
            note="notes they wrote on others' goals",
            export="no: they are on the others' goals",
        ),
    ),
)
