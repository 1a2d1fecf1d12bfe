"""A learning journey as plain data: parts as they are exported, and goals as they are printed.

Pure. `journey_reader` makes parts, some goals in a row, which travel through the store as JSON
(`write_part`, `read_part`); that form is the export's own and may change with any version. The
layout of the printed journey needs more than names and values: `read_goal` gives it goals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from poutama.errors import NotFoundError
from poutama.export_section import ExportSection, JsonObject

GOAL_TYPES = ("ACADEMIC", "PERSONAL", "CAREER", "WELLBEING", "CULTURAL", "SPORTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A file that shows something; of a goal, or of one of its notes.

    Attributes:
        seconds: how long sound or video lasts; None for other files.
        size: bytes.
    """

    id: UUID
    title: str
    alt_text: str
    media_type: str
    seconds: int | None
    size: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalTask:
    """A step towards a goal."""

    id: UUID
    information: str
    complete: bool
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A thought on the way.

    Attributes:
        author: the name of its author, as far as it is known.
        audience: who reads it, of those who see the goal.
        organisation: the name of the one whose staff wrote it; empty for the student's own.
    """

    id: UUID
    information: str
    author: str
    audience: str
    organisation: str
    created_at: datetime
    updated_at: datetime
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainSection:
    """A section that is printed without a layout of its own: its rows, as labels and values."""

    title: str
    rows: tuple[tuple[tuple[str, object], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyGoal:
    """A goal with its tasks, notes and evidence.

    Attributes:
        audience: who sees it.
        is_confined: whether the student chose the organisations that see it; known in the
            student's own export alone.
    """

    id: UUID
    goal_type: str
    title: str
    information: str
    complete: bool
    completed_at: datetime | None
    due_at: datetime | None
    color: str | None
    audience: str
    is_confined: bool
    created_at: datetime
    updated_at: datetime
    tasks: tuple[GoalTask, ...] = ()
    notes: tuple[Note, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    sections: tuple[PlainSection, ...] = ()

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
    """How much there is in a journey, or in some of it.

    Attributes:
        types: type of goal -> how many there are.
    """

    goals: int = 0
    complete: int = 0
    tasks: int = 0
    tasks_done: int = 0
    notes: int = 0
    evidence: int = 0
    types: Mapping[str, int] = field(default_factory=dict)

    def add(self, other: Totals) -> Totals:
        """How much there is in both."""
        kinds = sorted(self.types.keys() | other.types.keys())
        return Totals(
            goals=self.goals + other.goals,
            complete=self.complete + other.complete,
            tasks=self.tasks + other.tasks,
            tasks_done=self.tasks_done + other.tasks_done,
            notes=self.notes + other.notes,
            evidence=self.evidence + other.evidence,
            types={kind: self.types.get(kind, 0) + other.types.get(kind, 0) for kind in kinds},
        )


def has_notes_for_staff(goals: Iterable[JourneyGoal]) -> bool:
    """Whether any note of these goals is for staff alone."""
    return any(note.audience == "STAFF" for goal in goals for note in goal.notes)


def count_goals(goals: Sequence[JourneyGoal]) -> Totals:
    """Count the tasks, notes and files of these goals."""
    return Totals(
        goals=len(goals),
        complete=sum(goal.complete for goal in goals),
        tasks=sum(len(goal.tasks) for goal in goals),
        tasks_done=sum(goal.tasks_done for goal in goals),
        notes=sum(len(goal.notes) for goal in goals),
        evidence=sum(len(goal.all_evidence) for goal in goals),
        types=dict(Counter(goal.goal_type for goal in goals)),
    )


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a row.

    Attributes:
        id: the row's.
        key: where the file lies in the store.
        thumbnail: where a small picture of it lies; empty where there is none.
        path: its name in the zip.
    """

    id: str
    key: str
    thumbnail: str
    path: str


class JourneyPart(msgspec.Struct, frozen=True):
    """Some goals in a row, as they stand in `journey.json`, and where their files are.

    `form` is that of the goals: a part of an earlier release, which does not say who a goal is for
    and may have notes for staff, is not read.
    """

    goals: list[JsonObject]
    files: list[StoredFile]
    form: Literal[2]


def write_part(part: JourneyPart) -> bytes:
    """A part as bytes that `read_part` reads."""
    return msgspec.json.encode(part)


def read_part(content: bytes) -> JourneyPart:
    """What `write_part` wrote.

    Raises:
        NotFoundError: another release wrote it, in another form.
    """
    try:
        return msgspec.json.decode(content, type=JourneyPart)
    except msgspec.DecodeError as error:
        raise NotFoundError from error


def read_goal(goal: JsonObject, sections: Iterable[ExportSection]) -> JourneyGoal:
    """A goal of a part, for the layout; `sections` are those without a layout of their own."""
    plain = tuple(read_section(section, goal) for section in sections)
    return JourneyGoal(
        id=UUID(goal["id"]),
        goal_type=goal["goalType"],
        title=goal["title"],
        information=goal["information"],
        complete=goal["complete"],
        completed_at=_find_time(goal, "completedAt"),
        due_at=_find_time(goal, "dueAt"),
        color=goal["color"],
        audience=goal["audience"],
        is_confined=goal["organisationIds"] is not None,
        created_at=_read_time(goal["createdAt"]),
        updated_at=_read_time(goal["updatedAt"]),
        tasks=tuple(map(_read_task, goal["tasks"])),
        notes=tuple(map(_read_note, goal["notes"])),
        evidence=tuple(map(_read_evidence, goal.get("evidence", ()))),
        sections=tuple(section for section in plain if section.rows),
    )


def read_section(section: ExportSection, owner: JsonObject) -> PlainSection:
    """The rows that a goal or a person has of a section, as the layout prints them."""
    columns = [column for column in section.columns if column.label]
    return PlainSection(
        section.title,
        tuple(
            tuple((column.label, column.read(row)) for column in columns)
            for row in section.find_rows(owner)
        ),
    )


def _read_task(task: JsonObject) -> GoalTask:
    return GoalTask(
        id=UUID(task["id"]),
        information=task["information"],
        complete=task["complete"],
        completed_at=_find_time(task, "completedAt"),
        created_at=_read_time(task["createdAt"]),
        updated_at=_read_time(task["updatedAt"]),
    )


def _read_note(note: JsonObject) -> Note:
    return Note(
        id=UUID(note["id"]),
        information=note["information"],
        author=note["author"] or "",
        audience=note["audience"],
        organisation=note["organisation"] or "",
        created_at=_read_time(note["createdAt"]),
        updated_at=_read_time(note["updatedAt"]),
        evidence=tuple(map(_read_evidence, note.get("evidence", ()))),
    )


def _read_evidence(evidence: JsonObject) -> Evidence:
    return Evidence(
        id=UUID(evidence["id"]),
        title=evidence["title"],
        alt_text=evidence["altText"],
        media_type=evidence["mediaType"],
        seconds=evidence.get("seconds"),
        size=evidence["bytes"],
        sha256=evidence["sha256"],
        created_at=_read_time(evidence["createdAt"]),
    )


def _find_time(row: JsonObject, name: str) -> datetime | None:
    """The moment; None where there is none, as in a part that an earlier release wrote."""
    text = row.get(name)
    return None if text is None else _read_time(text)


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text)
