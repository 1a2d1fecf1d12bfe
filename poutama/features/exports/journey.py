"""A learning journey as plain data: what `reading` reads and every form of an export is made from.

Pure. A part, some goals in a row, travels through the store as JSON (`write_part`, `read_part`);
that form is nobody's but the export's own and may change with any version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

GOAL_TYPES = ("ACADEMIC", "PERSONAL", "CAREER", "WELLBEING", "CULTURAL", "SPORTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that shows something; of a goal, or of one of its notes.

    Attributes:
        size: bytes.
        key: where the file lies in the store; empty where there is none to give.
        thumbnail: where a small picture of it lies; empty where there is none.
        file: its path in the zip; empty where it is not in there.
    """

    id: UUID
    title: str
    alt_text: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    key: str = ""
    thumbnail: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A step towards a goal."""

    id: UUID
    information: str
    complete: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A thought on the way; `author` is the name of whoever wrote it, as far as it is known."""

    id: UUID
    information: str
    author: str
    created_at: datetime
    updated_at: datetime
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal with all that hangs on it."""

    id: UUID
    goal_type: str
    title: str
    information: str
    complete: bool
    due_at: datetime | None
    color: str | None
    created_at: datetime
    updated_at: datetime
    tasks: tuple[Task, ...] = ()
    notes: tuple[Note, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def tasks_done(self) -> int:
        return sum(task.complete for task in self.tasks)

    @property
    def all_evidence(self) -> tuple[Evidence, ...]:
        """The goal's own, then that of its notes."""
        return self.evidence + tuple(each for note in self.notes for each in note.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Whose journey it is, and when it was so.

    Attributes:
        as_of: when the export was asked for, in UTC.
        time_zone: IANA name of the zone that dates are printed in.
    """

    person_id: UUID
    name: str
    as_of: datetime
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How much there is in a journey, or in some of it."""

    goals: int = 0
    complete: int = 0
    tasks: int = 0
    tasks_done: int = 0
    notes: int = 0
    evidence: int = 0


def count_goals(goals: Sequence[Goal]) -> Totals:
    """Count what hangs on these goals."""
    return Totals(
        goals=len(goals),
        complete=sum(goal.complete for goal in goals),
        tasks=sum(len(goal.tasks) for goal in goals),
        tasks_done=sum(goal.tasks_done for goal in goals),
        notes=sum(len(goal.notes) for goal in goals),
        evidence=sum(len(goal.all_evidence) for goal in goals),
    )


def write_part(goals: Sequence[Goal]) -> bytes:
    """Some goals as bytes that `read_part` reads."""
    return msgspec.json.encode(goals)


def read_part(content: bytes) -> list[Goal]:
    """What `write_part` wrote."""
    return msgspec.json.decode(content, type=list[Goal])
