"""Goals with their tasks and notes."""

from __future__ import annotations

from poutama.feature import Feature
from poutama.features.goals.procedures import reorder_goal_tasks

FEATURE = Feature(
    name="goals",
    package=__package__,
    procedures=(reorder_goal_tasks,),
)
