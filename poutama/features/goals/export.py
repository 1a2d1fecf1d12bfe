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
    """A note's author and organisation are names, and null where the viewer may not know them."""
    for note in goal["notes"]:
        for key in ("author", "organisation"):
            note[key] = note[key]["name"] if note[key] else None


def _is_for_staff(note: JsonObject) -> bool:
    return bool(note["audience"] == "STAFF")


def _count_evidence(row: ExportRow) -> int:
    """How much evidence there is of a goal and its notes, if a feature of that name exports it."""
    return sum(len(owner.get("evidence", ())) for owner in (row.node, *row.node["notes"]))


def _count_complete(row: ExportRow) -> int:
    return sum(task["complete"] for task in row.node["tasks"])


_GOAL_ID = ExportColumn("goalId", lambda row: row.owner["id"])
_GOAL_TITLE = ExportColumn("goalTitle", lambda row: row.owner["title"])
_GOAL_AUDIENCE = ExportColumn("goalAudience", lambda row: row.owner["audience"])
_DATES = (ExportColumn("createdAt", "createdAt"), ExportColumn("updatedAt", "updatedAt"))

GOALS = ExportSection(
    name="goals",
    title="Goals",
    parent=ExportParent.JOURNEY,
    fields="id goalType title information complete completedAt dueAt color audience organisationIds"
    " createdAt updatedAt",
    columns=(
        ExportColumn("goalId", "id"),
        ExportColumn("goalType", "goalType"),
        ExportColumn("title", "title"),
        ExportColumn("information", "information"),
        ExportColumn("complete", "complete"),
        ExportColumn("completedAt", "completedAt"),
        ExportColumn("dueAt", "dueAt"),
        ExportColumn("color", "color"),
        ExportColumn("audience", "audience"),
        ExportColumn("organisationIds", "organisationIds"),
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
    fields="id information complete completedAt createdAt updatedAt",
    columns=(
        ExportColumn("taskId", "id"),
        _GOAL_ID,
        _GOAL_TITLE,
        ExportColumn("place", lambda row: row.place),
        ExportColumn("information", "information"),
        ExportColumn("complete", "complete"),
        ExportColumn("completedAt", "completedAt"),
        _GOAL_AUDIENCE,
        *_DATES,
    ),
    place=1,
)
NOTES = ExportSection(
    name="notes",
    title="Notes",
    parent=ExportParent.GOAL,
    fields="id information author { name } audience organisation { name } createdAt updatedAt",
    columns=(
        ExportColumn("noteId", "id"),
        _GOAL_ID,
        _GOAL_TITLE,
        ExportColumn("author", "author"),
        ExportColumn("information", "information"),
        ExportColumn("audience", "audience"),
        ExportColumn("organisation", "organisation"),
        _GOAL_AUDIENCE,
        *_DATES,
    ),
    arrange=_name_authors,
    is_for_staff=_is_for_staff,
    place=2,
)
