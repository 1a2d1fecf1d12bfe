"""What the printed journey looks like: a colour and a name for every type of goal, text styles.

The colours are dark enough for white letters on them, 4.5:1 (WCAG 2.2, 1.4.3), and each goes with
its name: colour is never the only signal.
"""

from __future__ import annotations

from typing import NamedTuple

from poutama.features.exports.pdf_canvas import INK, SOFT, WHITE, Color, Face, TextStyle

NIGHT: Color = (16, 42, 54)
DONE: Color = (27, 117, 70)
LATE: Color = (166, 62, 10)


class GoalLabel(NamedTuple):
    """A type of goal, as people call it."""

    name: str
    color: Color


_KINDS = {
    "ACADEMIC": GoalLabel("Academic", (31, 95, 153)),
    "PERSONAL": GoalLabel("Personal", (106, 61, 154)),
    "CAREER": GoalLabel("Career", (138, 75, 8)),
    "WELLBEING": GoalLabel("Wellbeing", (27, 117, 70)),
    "CULTURAL": GoalLabel("Cultural", (163, 36, 59)),
    "SPORTS": GoalLabel("Sports", (0, 109, 117)),
}

NAME = TextStyle(27, 32, face=Face.BOLD, color=WHITE)
OVERLINE = TextStyle(9, 13, face=Face.MEDIUM, color=(166, 208, 212))
UNDER_NAME = TextStyle(9.5, 14, color=(205, 224, 228))
SECTION = TextStyle(16, 22, face=Face.BOLD)
TITLE = TextStyle(13.5, 18, face=Face.BOLD)
PART = TextStyle(9, 13, face=Face.BOLD, color=SOFT)
BODY = TextStyle(10, 14.5)
ASIDE = TextStyle(8.5, 12, color=SOFT)
FOR_STAFF = TextStyle(8.5, 12, face=Face.BOLD, color=LATE)
QUIET = TextStyle(10, 14.5, face=Face.ITALIC, color=SOFT)
FIGURE = TextStyle(22, 26, face=Face.BOLD, color=INK)
PILL = TextStyle(7.5, 10, face=Face.BOLD, color=WHITE)


def label_goal_type(goal_type: str) -> GoalLabel:
    """How goals of a type are shown; one that is new here is shown by its own name."""
    return _KINDS.get(goal_type) or GoalLabel(goal_type.replace("_", " ").capitalize(), SOFT)


def tint(color: Color, share: float) -> Color:
    """The colour with that share of white in it."""
    red, green, blue = (round(part + (255 - part) * share) for part in color)
    return red, green, blue
