"""One student, and everybody who is something to them: the rows behind the table of mutations.

The organisation has two groups. The student is in the first; into the second they were invited,
and have not accepted. Names are those of `Caller`, and of the things that mutations are about.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID, uuid5

from poutama.db.connection import Database
from poutama.reference.rights import Caller
from poutama.text import fold
from poutama.viewer import Viewer

Row: TypeAlias = Mapping[str, object]

NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
JOIN_CODE = "KAUR2345"
LONG_AGO = datetime.now(UTC) - timedelta(days=100)
LATELY = datetime.now(UTC) - timedelta(days=2)
TABLES = (
    "person", "organisation", "learning_group", "membership", "goal", "goal_task", "goal_note",
    "audit_entry", "job", "evidence", "evidence_usage", "roster_import", "reminder",
)  # fmt: skip


def id_of(name: str) -> UUID:
    """The id of a person, or of a thing, by its name."""
    return uuid5(NAMESPACE, name)


def viewer_for(caller: Caller) -> Viewer | None:
    return None if caller is Caller.ANONYMOUS else Viewer(id_of(caller))


@dataclass(frozen=True, slots=True)
class Role:
    """A membership to be."""

    person: str
    role: str
    organisation: str = "organisation"
    group: str | None = None
    child: str | None = None
    ended: bool = False
    accepted: bool = True


COLLEAGUE = "second admin"
MEMBERSHIPS = {
    "student's": Role(Caller.STUDENT, "STUDENT", group="group"),
    "student's, not accepted": Role(Caller.STUDENT, "STUDENT", group="other group", accepted=False),
    "classmate's": Role(Caller.CLASSMATE, "STUDENT", group="group"),
    "mentor's": Role(Caller.MENTOR, "MENTOR", group="group"),
    "other mentor's": Role(Caller.OTHER_MENTOR, "MENTOR", group="other group"),
    "ended mentor's": Role(Caller.ENDED_MENTOR, "MENTOR", group="group", ended=True),
    "manager's": Role(Caller.MANAGER, "MENTOR_MANAGER"),
    "admin's": Role(Caller.ADMIN, "ADMIN"),
    "second admin's": Role(COLLEAGUE, "ADMIN"),
    "other admin's": Role(Caller.OTHER_ADMIN, "ADMIN", organisation="other organisation"),
    "caregiver's": Role(Caller.CAREGIVER, "CAREGIVER", child=Caller.STUDENT),
}
NOTES = {"student": Caller.STUDENT, "mentor": Caller.MENTOR, "ended mentor": Caller.ENDED_MENTOR}


def rows() -> Iterator[tuple[str, Row]]:
    """Table and row, in an order they can be inserted in."""
    for person in (*Caller, COLLEAGUE):
        if person != Caller.ANONYMOUS:
            email = f"{person.replace(' ', '-')}@school.example"
            yield "person", {"id": id_of(person), "name": person, "email": email}
    for name in ("organisation", "other organisation"):
        where = {"time_zone": "Pacific/Auckland", "region": "here", "retention_days": 730}
        yield "organisation", {"id": id_of(name), **_text("name", name), **where}
    for name, organisation, code in (
        ("group", "organisation", JOIN_CODE),
        ("other group", "organisation", "RIMU2345"),
        ("far group", "other organisation", "TOTA2345"),
    ):
        inside = {"organisation_id": id_of(organisation), "join_code": code}
        yield "learning_group", {"id": id_of(name), **_text("name", name), **inside}
    for name, role in MEMBERSHIPS.items():
        yield "membership", _membership(name, role)
    yield from _goal()
    yield from _evidence()
    yield from _reminders()
    for name, of in (("job", None), ("job of the organisation", "organisation")):
        where = {"organisation_id": id_of(of) if of else None}
        job = {"id": id_of(name), "kind": "TEST", "input": "{}", **where}
        yield "job", {**job, "person_id": id_of(Caller.STUDENT)}
    yield from _rosters()


async def fill(database: Database) -> None:
    """Make these rows the only ones there are."""
    deadline = time.monotonic() + 60
    for table in ("evidence", "doomed_object", "organisation", "person", "audit_entry"):
        await database.write(f"delete from {table}", deadline=deadline)
    for table, row in rows():
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        statement = f"insert into {table} ({', '.join(row)}) values ({places})"
        await database.write(statement, list(row.values()), deadline=deadline)


async def snapshot(database: Database) -> list[str]:
    """All there is in the database, as text."""
    deadline = time.monotonic() + 60
    return [
        f"{table} {tuple(row)}"
        for table in TABLES
        for row in await database.read(f"select * from {table} order by id", deadline=deadline)
    ]


def _membership(name: str, role: Role) -> Row:
    return {
        "id": id_of(name),
        "organisation_id": id_of(role.organisation),
        "group_id": id_of(role.group) if role.group else None,
        "person_id": id_of(role.person),
        "role": role.role,
        "child_id": id_of(role.child) if role.child else None,
        "source": "INVITED",
        "begins_at": LONG_AGO,
        "ends_at": LATELY if role.ended else None,
        "accepted_at": LONG_AGO if role.accepted else None,
    }


def _goal() -> Iterator[tuple[str, Row]]:
    goal = {
        **_text("title", "Kōrero"), **_text("information", ""), "goal_type": "CULTURAL",
        "complete": False,
    }  # fmt: skip
    yield "goal", {"id": id_of("goal"), "person_id": id_of(Caller.STUDENT), **goal}
    # In another order than they are to be brought into.
    for name, position in (("task", 1), ("task 2", 0)):
        task = {"goal_id": id_of("goal"), "complete": False, "position": position}
        yield "goal_task", {"id": id_of(name), **_text("information", name), **task}
    for name, author in NOTES.items():
        text = _text("information", f"from the {name}")
        note = {"id": id_of(f"note of the {name}"), "author_id": id_of(author)}
        yield "goal_note", {**note, "goal_id": id_of("goal"), **text}


def _reminders() -> Iterator[tuple[str, Row]]:
    about = {"goal_id": id_of("goal"), "person_id": id_of(Caller.STUDENT)}
    yield "reminder", {"id": id_of("reminder"), **about, "kind": "OVERDUE", "due_at": LATELY}


def _evidence() -> Iterator[tuple[str, Row]]:
    student = id_of(Caller.STUDENT)
    yield "evidence_usage", {"id": student, "person_id": student, "bytes": 7, "files": 1}
    held = {"goal_id": id_of("goal"), "uploader_id": student}
    told = {"alt_text": "", "file_name": "mahi.jpg", "media_type": "image/jpeg"}
    file = {"bytes": 7, "sha256": "0" * 64, "stem": "stem", "upload_key": "stem/upload"}
    row = {"id": id_of("evidence"), **_text("title", "Mahi"), **held, **told, **file}
    yield "evidence", row


def _rosters() -> Iterator[tuple[str, Row]]:
    file = {"name": "roster.zip", "media_type": "application/zip", "bytes": 7, "sha256": "0" * 64}
    where = {"organisation_id": id_of("organisation"), "object_key": "key", "managers": False}
    yield "roster_import", {"id": id_of("import"), **where, **file}
    checked = {"state": "CHECKED", "checked_at": LATELY}
    yield "roster_import", {"id": id_of("checked import"), **where, **file, **checked}


def _text(column: str, text: str) -> Row:
    return {column: text, f"{column}_search": fold(text)}
