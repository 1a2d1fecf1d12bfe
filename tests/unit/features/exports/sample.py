"""A small journey with everything in it that is hard to write down."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from poutama.export_section import JsonObject
from poutama.features.exports.journey import Evidence, GoalTask, Heading, JourneyGoal, Note
from poutama.schema.scalars import print_date_time

EMOJI, ARABIC, HEBREW, CHINESE = "🎉🎉 👩🏽‍🎓", "مرحبا بالعالم", "שלום", "你好，世界"
LONG_WORD = "whakawhanaungatanga" * 40


def moment(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 21, 30, tzinfo=UTC)


def identity(number: int) -> UUID:
    return UUID(int=0x4000_8000_0000_0000_0000 + number)


SCHOOL = identity(2)
HEADING = Heading(
    person_id=identity(1), name="Mereana Tūī", as_of=moment(9, 3), time_zone="Pacific/Auckland"
)

PHOTO = Evidence(
    id=identity(40), title="Māra kai", alt_text="Five kūmara plants", media_type="image/jpeg",
    seconds=None, size=1_234_567, sha256="ab" * 32, created_at=moment(3, 4),
)  # fmt: skip
PAPER = Evidence(
    id=identity(41), title="Certificate", alt_text="", media_type="application/pdf",
    seconds=None, size=900,
    sha256="cd" * 32, created_at=moment(3, 5),
)  # fmt: skip

FILES = {
    PHOTO.id: "evidence/0001-01-mara-kai.jpg",
    PAPER.id: "evidence/0001-02-certificate.pdf",
}

FILE_NAMES = {PHOTO.id: "IMG 2041 Māra kai.JPG", PAPER.id: "=cmd|' /C calc'!A0.pdf"}

GARDEN = JourneyGoal(
    id=identity(10), goal_type="WELLBEING", title="Grow kūmara with my whānau",
    information='First line, "quoted"\nsecond line \\ done', complete=True,
    completed_at=moment(3, 2), due_at=moment(4, 1),
    color="#76b041", audience="CAREGIVERS", is_confined=False,
    created_at=moment(2, 3), updated_at=moment(3, 28),
    tasks=(
        GoalTask(
            id=identity(20), information="Ask Nana about kōpura", complete=True,
            completed_at=moment(2, 9), created_at=moment(2, 3), updated_at=moment(2, 9),
        ),
        GoalTask(
            id=identity(21), information="=HYPERLINK(\"http://example.invalid\")", complete=False,
            completed_at=None, created_at=moment(2, 3), updated_at=moment(2, 3),
        ),
    ),
    notes=(
        Note(
            id=identity(30), information=f"Ka pai! {EMOJI}", author="Hēmi Kea",
            audience="STUDENT", organisation="Te Kura",
            created_at=moment(2, 10), updated_at=moment(2, 10), evidence=(PAPER,),
        ),
    ),
    evidence=(PHOTO,),
)  # fmt: skip
LANGUAGES = JourneyGoal(
    id=identity(11), goal_type="CULTURAL", title=f"{ARABIC}, {HEBREW}, {CHINESE}",
    information=LONG_WORD, complete=False, completed_at=None, due_at=None, color=None,
    audience="MENTORS", is_confined=True,
    created_at=moment(5, 1), updated_at=moment(5, 1),
)  # fmt: skip
GOALS = (GARDEN, LANGUAGES)


def describe_goal(goal: JourneyGoal) -> JsonObject:
    """A goal as it stands in a part, and in the document; names are the API's."""
    return {
        "id": str(goal.id),
        "goalType": goal.goal_type,
        "title": goal.title,
        "information": goal.information,
        "complete": goal.complete,
        "completedAt": _moment(goal.completed_at),
        "dueAt": _moment(goal.due_at),
        "color": goal.color,
        "audience": goal.audience,
        "organisationIds": [str(SCHOOL)] if goal.is_confined else None,
        "createdAt": print_date_time(goal.created_at),
        "updatedAt": print_date_time(goal.updated_at),
        "tasks": [_task(task) for task in goal.tasks],
        "notes": [_note(note) for note in goal.notes],
        "evidence": [_evidence(each) for each in goal.evidence],
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else print_date_time(moment)


def _task(task: GoalTask) -> JsonObject:
    return {
        "id": str(task.id),
        "information": task.information,
        "complete": task.complete,
        "completedAt": _moment(task.completed_at),
        "createdAt": print_date_time(task.created_at),
        "updatedAt": print_date_time(task.updated_at),
    }


def _note(note: Note) -> JsonObject:
    return {
        "id": str(note.id),
        "information": note.information,
        "author": note.author or None,
        "audience": note.audience,
        "organisation": note.organisation or None,
        "createdAt": print_date_time(note.created_at),
        "updatedAt": print_date_time(note.updated_at),
        "evidence": [_evidence(each) for each in note.evidence],
    }


def _evidence(evidence: Evidence) -> JsonObject:
    return {
        "id": str(evidence.id),
        "title": evidence.title,
        "altText": evidence.alt_text,
        "fileName": FILE_NAMES[evidence.id],
        "mediaType": evidence.media_type,
        "seconds": evidence.seconds,
        "bytes": evidence.size,
        "sha256": evidence.sha256,
        "createdAt": print_date_time(evidence.created_at),
        "file": FILES.get(evidence.id),
    }


NODES = tuple(map(describe_goal, GOALS))
