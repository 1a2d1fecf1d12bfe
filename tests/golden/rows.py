"""The rows that golden documents and the engine's tests ask for: two students and their goals.

Ana is who asks. Ben is who must never be seen. Ids say what they name: `60a1` a goal, `7a54` a
task, `207e` a note, `9e45` a person.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from poutama.db.connection import Database
from poutama.text import fold
from poutama.viewer import Viewer


def person_id(number: int) -> UUID:
    return UUID(f"9e450000-0000-4000-8000-{number:012}")


def goal_id(number: int) -> UUID:
    return UUID(f"60a10000-0000-4000-8000-{number:012}")


def task_id(number: int) -> UUID:
    return UUID(f"7a540000-0000-4000-8000-{number:012}")


def note_id(number: int) -> UUID:
    return UUID(f"207e0000-0000-4000-8000-{number:012}")


ANA, BEN = Viewer(person_id(1)), Viewer(person_id(2))
BENS_GOAL, BENS_TASK, BENS_NOTE = goal_id(6), task_id(6), note_id(4)
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")


def moment(day: int, minute: int = 0) -> datetime:
    return datetime(2026, 2, day, 9, minute, tzinfo=UTC)


DUE = datetime(2026, 4, 10, 3, 0, 0, 500_000, tzinfo=UTC)

PEOPLE = [
    (person_id(1), "ana@school.example", "Ana", 1, moment(1), moment(1)),
    (person_id(2), "ben@school.example", "Ben", 1, moment(1), moment(1)),
]
# id, person, type, title, information, complete, due, colour, version, created, updated
GOALS = [
    (goal_id(1), 1, "CULTURAL", "Kōrero Māori", "Speak it at home.", False, DUE, "#3366cc", 3, 2),
    (goal_id(2), 1, "SPORTS", "Run 5 km", "", False, None, None, 1, 3),
    (goal_id(3), 1, "ACADEMIC", "Science project", '"Why?" \\ 🌱', True, DUE, None, 2, 4),
    (goal_id(4), 1, "CULTURAL", "Carve a koauau", "A Māori flute.", False, None, "#aa5500", 1, 5),
    (goal_id(5), 1, "PERSONAL", "Read every week", "", False, moment(20), None, 1, 6),
    (goal_id(6), 2, "PERSONAL", "Ben's own goal", "Māori, also.", False, DUE, None, 1, 2),
]
# id, goal, information, complete, position, version, created
TASKS = [
    (task_id(1), 1, "Learn ten kupu", True, 0, 2, 2),
    (task_id(2), 1, "Ask Nan about her marae", False, 1, 1, 3),
    (task_id(3), 1, "Karakia by heart", False, 2, 1, 4),
    (task_id(4), 2, "Run 1 km", True, 0, 1, 3),
    (task_id(5), 2, "Run 3 km", False, 1, 1, 3),
    (task_id(6), 6, "Ben's own task", False, 0, 1, 3),
    (task_id(7), 3, "Plant the seeds", True, 0, 1, 4),
]
# id, goal, information, created
NOTES = [
    (note_id(1), 1, "Nan laughed.\nA good day.", 3),
    (note_id(2), 1, "Ten kupu today: āporo, ngeru…", 4),
    (note_id(3), 3, "They grow!", 5),
    (note_id(4), 6, "Ben's own note", 3),
]
COLUMNS = {
    "person": "id, email, name, name_search, version, created_at, updated_at",
    "goal": "id, person_id, goal_type, title, title_search, information, information_search,"
    " complete, completed_at, due_at, color, version, created_at, updated_at",
    "goal_task": "id, goal_id, information, information_search, complete, completed_at,"
    " position, version, created_at, updated_at",
    "goal_note": "id, goal_id, author_id, information, information_search, version, created_at,"
    " updated_at",
}


def table_rows() -> dict[str, list[tuple[object, ...]]]:
    """Every row as its table has it; notes are their goals' owners'."""
    owner_of = {number: owner for number, (_, owner, *_) in enumerate(GOALS, start=1)}
    return {
        "person": [(*row[:3], fold(str(row[2])), *row[3:]) for row in PEOPLE],
        "goal": [
            (key, person_id(owner), kind, title, fold(title), text, fold(text), complete,
             _completed(complete, day), due, color, version, moment(day),
             moment(day, version))
            for key, owner, kind, title, text, complete, due, color, version, day in GOALS
        ],
        "goal_task": [
            (key, goal_id(goal), text, fold(text), complete, _completed(complete, day), place,
             version, moment(day), moment(day, version))
            for key, goal, text, complete, place, version, day in TASKS
        ],
        "goal_note": [
            (key, goal_id(goal), person_id(owner_of[goal]), text, fold(text), 1, moment(day),
             moment(day))
            for key, goal, text, day in NOTES
        ],
    }  # fmt: skip


def _completed(complete: bool, day: int) -> datetime | None:
    return moment(day + 1) if complete else None


async def fill(database: Database) -> None:
    """Make these rows the only ones there are."""
    deadline = time.monotonic() + 60
    await database.write("delete from person", deadline=deadline)
    for table, rows in table_rows().items():
        places: list[str] = []
        values: list[object] = []
        for row in rows:
            numbers = range(len(values) + 1, len(values) + len(row) + 1)
            places.append("(" + ", ".join(f"${number}" for number in numbers) + ")")
            values.extend(row)
        statement = f"insert into {table} ({COLUMNS[table]}) values {', '.join(places)}"
        await database.write(statement, values, deadline=deadline)
