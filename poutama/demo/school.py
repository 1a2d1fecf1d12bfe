"""The demo school, row by row: pure, deterministic, the same on every machine, always.

Called by `demo.loader`, which writes the rows. Student `n` depends on `n` alone, so the first
students of a large school are the students of a small one. Nothing here reads a clock, a database
or the environment; a test holds a digest of the first rows, because people's bookmarks, tests and
measurements refer to them.

Most students have about ten goals, some two, a few sixty and a few none; a goal has four or five
tasks and three notes, one note in eight by the student's mentor. Student 1 has exactly 12 goals
with 5 tasks and 3 notes each: the dashboard that measurements load. Rows are tuples in the order
of `COLUMNS`. Organisations, groups and memberships are written by `demo.demo_memberships`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1
from random import Random
from uuid import NAMESPACE_DNS, UUID, uuid5

from poutama.demo.calendar import (
    OPENED,
    YEAR,
    choose_creation,
    choose_due,
    choose_edits,
)
from poutama.demo.group_assignment import DAY, mentor_of
from poutama.demo.phrases import (
    INFORMATION,
    MENTOR_NOTES,
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
PRIVATE_GOAL = 10
"""The goal that the showcase keeps to themselves."""
SHOWCASE, SHOWCASE_GOALS, SHOWCASE_TASKS, SHOWCASE_NOTES = 1, 12, 5, 3

COLUMNS = {
    "person": ("id", "email", "name", "name_search", "version", "created_at", "updated_at"),
    "organisation": (
        *("id", "name", "name_search", "time_zone", "region", "retention_days"),
        *("version", "created_at", "updated_at"),
    ),
    "learning_group": (
        *("id", "organisation_id", "name", "name_search", "join_code", "join_code_expires_at"),
        *("ended_at", "version", "created_at", "updated_at"),
    ),
    "membership": (
        *("id", "organisation_id", "group_id", "person_id", "role", "child_id"),
        *("invited_name", "invited_email", "source", "begins_at", "ends_at", "accepted_at"),
        *("version", "created_at", "updated_at"),
    ),
    "goal": (
        *("id", "person_id", "goal_type", "title", "title_search", "information"),
        *(
            "information_search",
            "complete",
            "completed_at",
            "due_at",
            "color",
            "audience",
            "version",
        ),
        *("created_at", "updated_at"),
    ),
    "goal_task": (
        *("id", "goal_id", "information", "information_search", "complete", "completed_at"),
        *("position", "version", "created_at", "updated_at"),
    ),
    "goal_note": (
        *("id", "goal_id", "information", "information_search", "version"),
        *("created_at", "updated_at", "organisation_id", "author_id"),
    ),
}

TableRow = tuple[object, ...]


GOAL_TYPES = tuple(THINGS)
COLORS = (
    *("#e4572e", "#17bebb", "#ffc914", "#2e282a", "#76b041", "#5b5f97"),
    *("#b8b8ff", "#ff6b6c", "#ffc145", "#0b3954", "#087e8b", "#c81d25"),
)
# (cumulative share of students, fewest goals, most goals)
GOAL_COUNTS = ((0.04, 0, 0), (0.18, 2, 2), (0.88, 7, 13), (0.98, 14, 24), (1.0, 60, 60))
COMPLETE = 0.4
MAX_DAYS = 50
"""Between setting a goal and completing it, or its tasks."""
TASK_COUNTS = (0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6, 6, 7, 8, 9)
MENTORS_NOTES = 32  # of 256
NOTE_COUNTS = (0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 8)

_NAMESPACE = uuid5(NAMESPACE_DNS, DOMAIN).bytes


@dataclass(frozen=True, slots=True)
class DemoGoal:
    """What a goal's tasks and notes need to know of it."""

    name: str
    id: UUID
    owner: UUID
    thing: str
    complete: bool
    created: datetime


@dataclass(slots=True)
class SchoolRows:
    """Some of the school's rows, by table, parents first."""

    person: list[TableRow] = field(default_factory=list)
    organisation: list[TableRow] = field(default_factory=list)
    learning_group: list[TableRow] = field(default_factory=list)
    membership: list[TableRow] = field(default_factory=list)
    goal: list[TableRow] = field(default_factory=list)
    goal_task: list[TableRow] = field(default_factory=list)
    goal_note: list[TableRow] = field(default_factory=list)

    def tables(self) -> tuple[tuple[str, list[TableRow]], ...]:
        return (
            ("person", self.person),
            ("organisation", self.organisation),
            ("learning_group", self.learning_group),
            ("membership", self.membership),
            ("goal", self.goal),
            ("goal_task", self.goal_task),
            ("goal_note", self.goal_note),
        )


def student_email(number: int) -> str:
    return f"student-{number:04}@{DOMAIN}"


def mentor_email(number: int) -> str:
    return f"mentor-{number:02}@{DOMAIN}"


def caregiver_email(number: int) -> str:
    """The caregiver of the student with this number."""
    return f"caregiver-{number:04}@{DOMAIN}"


# Of the first organisation, of the second.
ADMIN_EMAILS = (f"admin@{DOMAIN}", f"admin-02@{DOMAIN}")
MANAGER_EMAILS = (f"manager-01@{DOMAIN}", f"manager-02@{DOMAIN}")


def person_id(email: str) -> UUID:
    """The id of one of the school's people, derived from their email."""
    return identify(email)


def derive_name(email: str) -> str:
    """The name of one of the school's people."""
    return write_name(_random(email))


def write_adult(rows: SchoolRows, email: str) -> None:
    """Add a person who is not a student and has no goals."""
    _write_person(rows, email, _random(email))


def write_student(rows: SchoolRows, number: int) -> None:
    """Add one student with all goals, tasks and notes."""
    email = student_email(number)
    random = _random(email)
    _write_person(rows, email, random)
    showcase = number == SHOWCASE
    mentor = mentor_of(number)
    mentor_id = None if mentor is None else person_id(mentor_email(mentor))
    for index in range(SHOWCASE_GOALS if showcase else _count_goals(random)):
        goal = _write_goal(rows, random, email, index)
        tasks = SHOWCASE_TASKS if showcase else pick(random, TASK_COUNTS)
        notes = SHOWCASE_NOTES if showcase else pick(random, NOTE_COUNTS)
        _write_tasks(rows, random, goal, tasks)
        _write_notes(rows, random, goal, notes, mentor_id)


def _random(email: str) -> Random:
    return Random(email)  # noqa: S311  the same every time is the point


def _write_person(rows: SchoolRows, email: str, random: Random) -> None:
    name = write_name(random)
    rows.person.append((person_id(email), email, name, fold(name), 1, OPENED, OPENED))


def _count_goals(random: Random) -> int:
    share = random.random()
    for limit, low, high in GOAL_COUNTS:
        if share < limit:
            return low + int(random.random() * (high - low + 1))
    raise AssertionError("the last limit is 1, and random() is below it")


def _write_goal(rows: SchoolRows, random: Random, email: str, number: int) -> DemoGoal:
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
    owner = person_id(email)
    completed = _choose_completion(name, created) if complete else None
    if completed is not None:
        version, updated = max(version, 2), max(updated, completed)
    goal = DemoGoal(name, identify(name), owner, thing, complete, created)
    rows.goal.append(
        (
            *(goal.id, owner, goal_type, title, fold(title)),
            *(information, fold(information), complete, completed, choose_due(random, term), color),
            *(_choose_audience(email, number, goal_type), version, created, updated),
        )
    )
    return goal


def _choose_completion(name: str, created: datetime) -> datetime:
    """When it was done; of chances of its own, so that the rest of the school stays as it was."""
    return created + timedelta(days=1 + _random(f"{name}/completed").random() * MAX_DAYS)


def _choose_audience(email: str, number: int, goal_type: str) -> str:
    """What a goal of the type is for by default; one goal is the student's alone."""
    if (email, number) == (student_email(SHOWCASE), PRIVATE_GOAL):
        return "ME"
    return "MENTORS" if goal_type == "WELLBEING" else "CAREGIVERS"


def _write_tasks(rows: SchoolRows, random: Random, goal: DemoGoal, count: int) -> None:
    share_done = 0.9 if goal.complete else 0.15
    for position in range(count):
        identity = identify(f"{goal.name}/task/{position}")
        text = write_phrase(random, TASKS, goal.thing)
        done = random.random() < share_done
        version, updated = choose_edits(random, goal.created)
        completed = _choose_completion(f"{goal.name}/{position}", goal.created) if done else None
        if completed is not None:
            version, updated = max(version, 2), max(updated, completed)
        rows.goal_task.append(
            (
                *(identity, goal.id, text, fold(text), done, completed),
                *(position, version, goal.created, updated),
            )
        )


def _write_notes(
    rows: SchoolRows, random: Random, goal: DemoGoal, count: int, mentor: UUID | None
) -> None:
    for number in range(count):
        name = f"{goal.name}/note/{number}"
        identity, author, place = identify(name), goal.owner, None
        text = write_phrase(random, NOTES, goal.thing, long=0.01)
        if mentor is not None and identity.bytes[-1] < MENTORS_NOTES:
            # Of chances of its own, so that what the student writes depends on no mentor.
            text, author = write_phrase(_random(name), MENTOR_NOTES, goal.thing), mentor
            place = identify(f"organisation/{DAY}")
        written = goal.created + timedelta(days=random.random() * 8)
        version, updated = choose_edits(random, written)
        rows.goal_note.append(
            (
                identity,
                goal.id,
                text,
                fold(text),
                version,
                written,
                updated,
                place,
                author,
            )
        )


def identify(name: str) -> UUID:
    """`uuid5` of the name in the school's namespace, at half the cost."""
    digest = bytearray(sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))
