"""Who a goal, a note or a file is for, in words, so that paper is not handed to another reader.

`pdf_goal` prints them. The rules themselves are beside the types (`docs/audiences.md`). Pure.
"""

from __future__ import annotations

from poutama.features.exports.journey import JourneyGoal, Note

_GOALS = {
    "ME": "For the student alone.",
    "MENTORS": "For the student and mentors, not for caregivers.",
    "CAREGIVERS": "For the student, mentors and caregivers.",
}
_CONFINED = " Of mentors, those of the organisations that the student chose."


def describe_goal_audience(goal: JourneyGoal) -> str:
    """Who the goal is for; an audience that is new here is shown by its own name."""
    words = _GOALS.get(goal.audience, f"For {goal.audience}.")
    return words + _CONFINED if goal.is_confined and goal.audience != "ME" else words


def describe_note_audience(note: Note, goal: JourneyGoal) -> str:
    """Who the note is for: no more than those whom its goal is for."""
    staff = f"staff of {note.organisation}" if note.organisation else "mentors"
    if note.audience == "STAFF":
        return f"Only for {staff}: not for the student, not for caregivers."
    if goal.audience == "ME":
        return _GOALS["ME"]
    if note.audience == "STUDENT" or goal.audience == "MENTORS":
        return f"For the student and {staff}, not for caregivers."
    if note.audience == "CAREGIVERS":
        return f"For the student, {staff} and caregivers."
    return f"For {note.audience}."


def describe_file_audience(note: Note) -> str:
    """Who the evidence of a note is for, in a few words; empty if for all whom its goal is for."""
    return {"STAFF": "Only for staff", "STUDENT": "Not for caregivers"}.get(note.audience, "")
