"""One goal on paper, in words: its dates, state and audience, its tasks, notes and evidence.

`pdf_document` calls `describe_goal` for each; the template lays it out. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from poutama.export_section import JsonObject
from poutama.features.exports.audience_words import (
    describe_file_audience,
    describe_goal_audience,
    describe_note_audience,
)
from poutama.features.exports.dates import print_day
from poutama.features.exports.journey import Evidence, GoalTask, Heading, JourneyGoal, Note
from poutama.features.exports.pdf_section import describe_section
from poutama.features.exports.theme import DONE, LATE, SOFT, label_goal_type
from poutama.media_types import EXTENSIONS, describe_length, extension_of


def describe_goal(
    number: int, goal: JourneyGoal, heading: Heading, pictures: Collection[UUID]
) -> JsonObject:
    """The goal with that number, and all it has; `pictures` are the evidence that has one."""
    kind = label_goal_type(goal.goal_type)
    state, color = _describe_state(goal, heading)
    return {
        "number": f"Goal {number}",
        "type": kind.name.upper(),
        "color": kind.color,
        "own": goal.color,
        "state": state,
        "stateColor": color,
        "complete": goal.complete,
        "title": goal.title,
        "dates": _describe_dates(goal, heading),
        "audience": describe_goal_audience(goal),
        "information": _list_lines(goal.information),
        "tasksDone": f"{goal.tasks_done} of {len(goal.tasks)} done",
        "tasks": [
            {"text": _list_lines(_describe_task(task, heading)), "done": task.complete}
            for task in goal.tasks
        ],
        "notes": [_describe_note(note, goal, heading) for note in goal.notes],
        "evidence": [
            _describe_evidence(each, audience, pictures) for each, audience in _list_evidence(goal)
        ],
        "sections": [describe_section(each, heading.time_zone) for each in goal.sections],
    }


def _list_lines(text: str) -> list[str]:
    """The text's own lines; none of a blank text."""
    return text.splitlines() if text.strip() else []


def _describe_state(goal: JourneyGoal, heading: Heading) -> tuple[str, str]:
    if goal.complete:
        return "Complete", DONE
    if goal.due_at is None:
        return "Under way", SOFT
    day = print_day(goal.due_at, heading.time_zone)
    if goal.due_at < heading.as_of:
        return f"Under way, was due {day}", LATE
    return f"Under way, due {day}", SOFT


def _describe_dates(goal: JourneyGoal, heading: Heading) -> str:
    dates = [f"Set {print_day(goal.created_at, heading.time_zone)}"]
    if goal.complete and goal.due_at is not None:
        dates.append(f"due {print_day(goal.due_at, heading.time_zone)}")
    if goal.completed_at is not None:
        dates.append(f"completed {print_day(goal.completed_at, heading.time_zone)}")
    if goal.updated_at != goal.created_at:
        dates.append(f"last changed {print_day(goal.updated_at, heading.time_zone)}")
    return " · ".join(dates)


def _describe_task(task: GoalTask, heading: Heading) -> str:
    if not task.complete:
        return task.information
    if task.completed_at is None:
        return f"{task.information} (done)"
    return f"{task.information} (done {print_day(task.completed_at, heading.time_zone)})"


def _describe_note(note: Note, goal: JourneyGoal, heading: Heading) -> JsonObject:
    return {
        "author": note.author or "Unknown",
        "day": print_day(note.created_at, heading.time_zone),
        "audience": describe_note_audience(note, goal),
        "forStaff": note.audience == "STAFF",
        "text": _list_lines(note.information),
    }


def _list_evidence(goal: JourneyGoal) -> list[tuple[Evidence, str]]:
    """The goal's own, then that of its notes, each with who it is for if that is fewer people."""
    of_notes = [
        (each, describe_file_audience(note)) for note in goal.notes for each in note.evidence
    ]
    return [*((each, "") for each in goal.evidence), *of_notes]


def _describe_evidence(evidence: Evidence, audience: str, pictures: Collection[UUID]) -> JsonObject:
    kind = _describe_kind(evidence)
    return {
        "picture": f"{evidence.id}.jpg" if evidence.id in pictures else None,
        "words": evidence.alt_text or evidence.title or "A picture",
        "kind": kind,
        "title": evidence.title or "Untitled",
        "about": ", ".join((kind, *_describe_seconds(evidence), _describe_size(evidence.size))),
        "audience": audience,
    }


def _describe_kind(evidence: Evidence) -> str:
    """What sort of file it is, such as `JPG`."""
    known = evidence.media_type in EXTENSIONS
    return extension_of(evidence.media_type).upper() if known else "FILE"


def _describe_seconds(evidence: Evidence) -> list[str]:
    return [] if evidence.seconds is None else [describe_length(evidence.seconds)]


def _describe_size(size: int) -> str:
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1_000_000:.1f} MB"
