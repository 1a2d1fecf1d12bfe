"""The demo school, row by row: pure, deterministic, the same for everybody, always.

Called by `local.demo`, which writes the rows. Student `n` depends on `n` alone, so the first
students of a large school are the students of a small one. Nothing here reads a clock, a database
or the environment; a test holds a digest of the first rows, because people's bookmarks, tests and
measurements refer to them.

Most students have about ten goals, some two, a few sixty and a few none; a goal has four or five
tasks and three notes. Student 1 has exactly 12 goals with 5 tasks and 3 notes each: the dashboard
that measurements load. Rows are tuples in the order of `COLUMNS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1
from random import Random
from uuid import NAMESPACE_DNS, UUID, uuid5

from poutama.local.calendar import (
    OPENED,
    YEAR,
    choose_creation,
    choose_due,
    choose_edits,
)
from poutama.local.phrases import (
    INFORMATION,
    NOTES,
    TASKS,
    THINGS,
    TITLES,
    pick,
    write_name,
    write_phrase,
)
from poutama.text import fold

DOMAIN = "demo.example"
LARGEST = 1_000_000
STUDENTS_A_MENTOR = 25
SHOWCASE, SHOWCASE_GOALS, SHOWCASE_TASKS, SHOWCASE_NOTES = 1, 12, 5, 3

COLUMNS = {
    "person": ("id", "email", "name", "version", "created_at", "updated_at"),
    "goal": (
        *("id", "person_id", "goal_type", "title", "title_search", "information"),
        *("information_search", "complete", "due_at", "color", "version"),
        *("created_at", "updated_at"),
    ),
    "goal_task": (
        *("id", "goal_id", "information", "information_search", "complete", "position"),
        *("version", "created_at", "updated_at"),
    ),
    "goal_note": (
        *("id", "goal_id", "information", "information_search", "version"),
        *("created_at", "updated_at"),
    ),
}

Row = tuple[object, ...]


GOAL_TYPES = tuple(THINGS)
COLORS = (
    *("#e4572e", "#17bebb", "#ffc914", "#2e282a", "#76b041", "#5b5f97"),
    *("#b8b8ff", "#ff6b6c", "#ffc145", "#0b3954", "#087e8b", "#c81d25"),
)
# (cumulative share of students, fewest goals, most goals)
GOAL_COUNTS = ((0.04, 0, 0), (0.18, 2, 2), (0.88, 7, 13), (0.98, 14, 24), (1.0, 60, 60))
COMPLETE = 0.4
TASK_COUNTS = (0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9)
NOTE_COUNTS = (0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 8)

_NAMESPACE = uuid5(NAMESPACE_DNS, DOMAIN).bytes


@dataclass(frozen=True, slots=True)
class Goal:
    """What a goal's tasks and notes need to know of it."""

    name: str
    id: UUID
    thing: str
    complete: bool
    created: datetime


@dataclass(slots=True)
class SchoolRows:
    """Some of the school's rows, by table, parents first."""

    person: list[Row] = field(default_factory=list)
    goal: list[Row] = field(default_factory=list)
    goal_task: list[Row] = field(default_factory=list)
    goal_note: list[Row] = field(default_factory=list)

    def tables(self) -> tuple[tuple[str, list[Row]], ...]:
        return (
            ("person", self.person),
            ("goal", self.goal),
            ("goal_task", self.goal_task),
            ("goal_note", self.goal_note),
        )


def student_email(number: int) -> str:
    return f"student-{number:04}@{DOMAIN}"


def mentor_email(number: int) -> str:
    return f"mentor-{number:02}@{DOMAIN}"


ADMIN_EMAIL = f"admin@{DOMAIN}"


def person_id(email: str) -> UUID:
    """The id of one of the school's people, who are told apart by their email."""
    return _identify(email)


def mentors_of(first: int, last: int) -> range:
    """The mentors whose first student is among the students `first` to `last`."""
    return range(
        (first + STUDENTS_A_MENTOR - 2) // STUDENTS_A_MENTOR + 1,
        (last + STUDENTS_A_MENTOR - 1) // STUDENTS_A_MENTOR + 1,
    )


def write_adult(rows: SchoolRows, email: str) -> None:
    """Add a mentor or the administrator: a person without goals."""
    _write_person(rows, email, _random(email))


def write_student(rows: SchoolRows, number: int) -> None:
    """Add one student with all goals, tasks and notes."""
    email = student_email(number)
    random = _random(email)
    _write_person(rows, email, random)
    showcase = number == SHOWCASE
    for index in range(SHOWCASE_GOALS if showcase else _count_goals(random)):
        goal = _write_goal(rows, random, email, index)
        tasks = SHOWCASE_TASKS if showcase else pick(random, TASK_COUNTS)
        notes = SHOWCASE_NOTES if showcase else pick(random, NOTE_COUNTS)
        _write_tasks(rows, random, goal, tasks)
        _write_notes(rows, random, goal, notes)


def _random(email: str) -> Random:
    return Random(email)  # noqa: S311  the same every time is the point


def _write_person(rows: SchoolRows, email: str, random: Random) -> None:
    rows.person.append((person_id(email), email, write_name(random), 1, OPENED, OPENED))


def _count_goals(random: Random) -> int:
    share = random.random()
    for limit, fewest, most in GOAL_COUNTS:
        if share < limit:
            return fewest + int(random.random() * (most - fewest + 1))
    raise AssertionError("the last limit is 1, and random() is below it")


def _write_goal(rows: SchoolRows, random: Random, email: str, number: int) -> Goal:
    goal_type = pick(random, GOAL_TYPES)
    thing = pick(random, THINGS[goal_type])
    complete = random.random() < COMPLETE
    term = int(random.random() * YEAR)
    created = choose_creation(random, term)
    version, updated = choose_edits(random, created)
    title = write_phrase(random, TITLES, thing)
    information = write_phrase(random, INFORMATION, thing, long=0.02)
    color = pick(random, COLORS) if random.random() < 0.7 else None
    name = f"{email}/goal/{number}"
    goal = Goal(name, _identify(name), thing, complete, created)
    rows.goal.append(
        (
            *(goal.id, person_id(email), goal_type, title, fold(title)),
            *(information, fold(information), complete, choose_due(random, term), color),
            *(version, created, updated),
        )
    )
    return goal


def _write_tasks(rows: SchoolRows, random: Random, goal: Goal, count: int) -> None:
    share_done = 0.9 if goal.complete else 0.15
    for position in range(count):
        identity = _identify(f"{goal.name}/task/{position}")
        text = write_phrase(random, TASKS, goal.thing)
        done = random.random() < share_done
        version, updated = choose_edits(random, goal.created)
        rows.goal_task.append(
            (
                *(identity, goal.id, text, fold(text), done, position),
                *(version, goal.created, updated),
            )
        )


def _write_notes(rows: SchoolRows, random: Random, goal: Goal, count: int) -> None:
    for number in range(count):
        identity = _identify(f"{goal.name}/note/{number}")
        text = write_phrase(random, NOTES, goal.thing, long=0.01)
        written = goal.created + timedelta(days=random.random() * 8)
        version, updated = choose_edits(random, written)
        rows.goal_note.append((identity, goal.id, text, fold(text), version, written, updated))


def _identify(name: str) -> UUID:
    """`uuid5` of the name in the school's namespace, at half the cost."""
    digest = bytearray(sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))
