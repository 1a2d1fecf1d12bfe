"""What an export has of goals: themselves, their tasks and their notes. Pure."""

from __future__ import annotations

from poutama.export_section import (
    ExportColumn,
    ExportParent,
    ExportRow,
    ExportSection,
    JsonObject,
)


def _name_authors(goal: JsonObject) -> None:
    """A note's author is a name, and null where the viewer may not know it."""
    for note in goal["notes"]:
        note["author"] = note["author"]["name"] if note["author"] else None


def _count_evidence(row: ExportRow) -> int:
    """How much evidence there is of a goal and its notes, if a feature of that name exports it."""
    return sum(len(owner.get("evidence", ())) for owner in (row.node, *row.node["notes"]))


def _count_complete(row: ExportRow) -> int:
    return sum(task["complete"] for task in row.node["tasks"])


_GOAL_ID = ExportColumn("goalId", lambda row: row.owner["id"])
_GOAL_TITLE = ExportColumn("goalTitle", lambda row: row.owner["title"])
_DATES = (ExportColumn("createdAt", "createdAt"), ExportColumn("updatedAt", "updatedAt"))

GOALS = ExportSection(
    name="goals",
    title="Goals",
    parent=ExportParent.JOURNEY,
    fields="id goalType title information complete dueAt color createdAt updatedAt",
    columns=(
        ExportColumn("goalId", "id"),
        ExportColumn("goalType", "goalType"),
        ExportColumn("title", "title"),
        ExportColumn("information", "information"),
        ExportColumn("complete", "complete"),
        ExportColumn("dueAt", "dueAt"),
        ExportColumn("color", "color"),
        ExportColumn("tasks", lambda row: len(row.node["tasks"])),
        ExportColumn("tasksComplete", _count_complete),
        ExportColumn("notes", lambda row: len(row.node["notes"])),
        ExportColumn("evidence", _count_evidence),
        *_DATES,
    ),
    place=0,
)
TASKS = ExportSection(
    name="tasks",
    title="Tasks",
    parent=ExportParent.GOAL,
    fields="id information complete createdAt updatedAt",
    columns=(
        ExportColumn("taskId", "id"),
        _GOAL_ID,
        _GOAL_TITLE,
        ExportColumn("place", lambda row: row.place),
        ExportColumn("information", "information"),
        ExportColumn("complete", "complete"),
        *_DATES,
    ),
    place=1,
)
NOTES = ExportSection(
    name="notes",
    title="Notes",
    parent=ExportParent.GOAL,
    fields="id information author { name } createdAt updatedAt",
    columns=(
        ExportColumn("noteId", "id"),
        _GOAL_ID,
        _GOAL_TITLE,
        ExportColumn("author", "author"),
        ExportColumn("information", "information"),
        *_DATES,
    ),
    arrange=_name_authors,
    place=2,
)
