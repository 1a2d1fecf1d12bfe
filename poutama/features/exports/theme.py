"""Colours and names of the types of goals, on paper.

The colours are dark enough for white letters on them, 4.5:1 (WCAG 2.2, 1.4.3), and each goes with
its name: colour is never the only signal.
"""

from __future__ import annotations

from typing import NamedTuple

from poutama.features.exports.journey import GOAL_TYPES

SOFT = "#5c6770"
DONE = "#1b7546"
LATE = "#a63e0a"


class GoalLabel(NamedTuple):
    """A type of goal, as people call it; its colour is `#rrggbb`."""

    name: str
    color: str


_KINDS = {
    "ACADEMIC": GoalLabel("Academic", "#1f5f99"),
    "PERSONAL": GoalLabel("Personal", "#6a3d9a"),
    "CAREER": GoalLabel("Career", "#8a4b08"),
    "WELLBEING": GoalLabel("Wellbeing", DONE),
    "CULTURAL": GoalLabel("Cultural", "#a3243b"),
    "SPORTS": GoalLabel("Sports", "#006d75"),
}
STEPS = [_KINDS[goal_type].color for goal_type in GOAL_TYPES]
"""The colours of the cover's steps."""


def label_goal_type(goal_type: str) -> GoalLabel:
    """How goals of a type are shown; one that is new here is shown by its own name."""
    return _KINDS.get(goal_type) or GoalLabel(goal_type.replace("_", " ").capitalize(), SOFT)
