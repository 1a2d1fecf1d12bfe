"""`journey.json`: the whole journey as one JSON document, written goal by goal.

Pure. The shape is a promise to whoever reads these files years later: `docs/exports.md` describes
it, `VERSION` grows when something in it is renamed or removed, and additions leave it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from json import dumps
from typing import Any

from poutama.features.exports.journey import Evidence, Goal, Heading, Note, Task
from poutama.schema.scalars import print_date_time

FORMAT = "poutama.journey"
VERSION = 1


def write_document(heading: Heading, goals: Iterable[Goal]) -> Iterator[str]:
    """The document's text in pieces, one for each goal; joined they are indented JSON."""
    opening = dumps(_opening(heading), ensure_ascii=False, indent=2)
    yield opening.removesuffix("\n}") + ',\n  "goals": ['
    separator = "\n"
    for goal in goals:
        text = dumps(describe_goal(goal), ensure_ascii=False, indent=2)
        # No string holds a raw line break, so every line is one of the document's own.
        yield separator + "\n".join(f"    {line}" for line in text.split("\n"))
        separator = ",\n"
    yield "]\n}\n" if separator == "\n" else "\n  ]\n}\n"


def _opening(heading: Heading) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "asOf": print_date_time(heading.as_of),
        "timeZone": heading.time_zone,
        "person": {"id": str(heading.person_id), "name": heading.name},
    }


def describe_goal(goal: Goal) -> dict[str, Any]:
    """A goal as it stands in the document; names are the API's."""
    return {
        "id": str(goal.id),
        "goalType": goal.goal_type,
        "title": goal.title,
        "information": goal.information,
        "complete": goal.complete,
        "dueAt": None if goal.due_at is None else print_date_time(goal.due_at),
        "color": goal.color,
        "createdAt": print_date_time(goal.created_at),
        "updatedAt": print_date_time(goal.updated_at),
        "tasks": [_task(task) for task in goal.tasks],
        "notes": [_note(note) for note in goal.notes],
        "evidence": [_evidence(each) for each in goal.evidence],
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": str(task.id),
        "information": task.information,
        "complete": task.complete,
        "createdAt": print_date_time(task.created_at),
        "updatedAt": print_date_time(task.updated_at),
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "id": str(note.id),
        "information": note.information,
        "author": note.author or None,
        "createdAt": print_date_time(note.created_at),
        "updatedAt": print_date_time(note.updated_at),
        "evidence": [_evidence(each) for each in note.evidence],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "id": str(evidence.id),
        "title": evidence.title,
        "altText": evidence.alt_text,
        "mediaType": evidence.media_type,
        "bytes": evidence.size,
        "sha256": evidence.sha256,
        "createdAt": print_date_time(evidence.created_at),
        "file": evidence.file or None,
    }
