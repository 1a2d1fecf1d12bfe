"""The journey as CSV files for spreadsheets: goals, tasks, notes, evidence.

Pure; `poutama.spreadsheet` says how a row is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from poutama.features.exports.journey import Evidence, Goal, Note
from poutama.schema.scalars import print_date_time
from poutama.spreadsheet import BYTE_ORDER_MARK, Cell, format_row

Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A file: its columns, and the rows that a goal adds to it."""

    columns: tuple[str, ...]
    rows: Callable[[Goal], Iterator[Row]]


def write_table(table: Table, goals: Iterable[Goal]) -> Iterator[str]:
    """The file's text in pieces, one for each goal."""
    yield BYTE_ORDER_MARK + format_row(table.columns)
    for goal in goals:
        yield "".join(format_row(row) for row in table.rows(goal))


def _goal_rows(goal: Goal) -> Iterator[Row]:
    yield (
        *(str(goal.id), goal.goal_type, goal.title, goal.information, goal.complete),
        *("" if goal.due_at is None else print_date_time(goal.due_at), goal.color or ""),
        *(len(goal.tasks), goal.tasks_done, len(goal.notes), len(goal.all_evidence)),
        *(print_date_time(goal.created_at), print_date_time(goal.updated_at)),
    )


def _task_rows(goal: Goal) -> Iterator[Row]:
    for place, task in enumerate(goal.tasks, 1):
        yield (
            *(str(task.id), str(goal.id), goal.title, place, task.information, task.complete),
            *(print_date_time(task.created_at), print_date_time(task.updated_at)),
        )


def _note_rows(goal: Goal) -> Iterator[Row]:
    for note in goal.notes:
        yield (
            *(str(note.id), str(goal.id), goal.title, note.author, note.information),
            *(print_date_time(note.created_at), print_date_time(note.updated_at)),
        )


def _evidence_rows(goal: Goal) -> Iterator[Row]:
    owned: list[tuple[Note | None, Evidence]] = [(None, each) for each in goal.evidence]
    owned += [(note, each) for note in goal.notes for each in note.evidence]
    for note, each in owned:
        yield (
            *(str(each.id), str(goal.id), "" if note is None else str(note.id), goal.title),
            *(each.title, each.alt_text, each.media_type, each.size, each.sha256),
            *(print_date_time(each.created_at), each.file),
        )


TABLES: Mapping[str, Table] = {
    "goals.csv": Table(
        (
            *("goalId", "goalType", "title", "information", "complete", "dueAt", "color"),
            *("tasks", "tasksComplete", "notes", "evidence", "createdAt", "updatedAt"),
        ),
        _goal_rows,
    ),
    "tasks.csv": Table(
        (
            *("taskId", "goalId", "goalTitle", "place", "information", "complete"),
            *("createdAt", "updatedAt"),
        ),
        _task_rows,
    ),
    "notes.csv": Table(
        (
            *("noteId", "goalId", "goalTitle", "author", "information"),
            *("createdAt", "updatedAt"),
        ),
        _note_rows,
    ),
    "evidence.csv": Table(
        (
            *("evidenceId", "goalId", "noteId", "goalTitle", "title", "altText", "mediaType"),
            *("bytes", "sha256", "createdAt", "file"),
        ),
        _evidence_rows,
    ),
}
"""File name -> table."""
