"""One student, and all who have a relationship to them: the rows that mutations are tried on.

The organisation has two groups. The student is in the first; into the second they were invited,
and have not accepted. Names are those of `Caller`, and of the things that mutations are about. What
the student has in each feature is in the records of `tests.features`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from poutama.db.connection import Database
from poutama.viewer import Viewer
from tests.features import sample_rows
from tests.features.record import Caller, SampleRow
from tests.features.sample import JOIN_CODE, LATELY, LONG_AGO, Row, id_of, searched


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
    confirmed: bool = True
    granted_by: str | None = None


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
    "caregiver's, not confirmed": Role(
        Caller.OTHER_MENTOR,
        "CAREGIVER",
        child=Caller.STUDENT,
        confirmed=False,
        granted_by=Caller.MANAGER,
    ),
    "classmate's, not confirmed": Role(
        Caller.CLASSMATE, "STUDENT", group="other group", confirmed=False
    ),
}


def rows() -> Iterator[SampleRow]:
    """Table and row, in an order they can be inserted in."""
    for person in (*Caller, COLLEAGUE):
        if person != Caller.ANONYMOUS:
            email = f"{person.replace(' ', '-')}@school.example"
            yield "person", {"id": id_of(person), **searched("name", person), "email": email}
    for name in ("organisation", "other organisation"):
        where = {"time_zone": "Pacific/Auckland", "region": "here", "retention_days": 730}
        known = {"verified": name == "organisation"}
        yield "organisation", {"id": id_of(name), **searched("name", name), **where, **known}
    for name, organisation, code in (
        ("group", "organisation", JOIN_CODE),
        ("other group", "organisation", "RIMU2345"),
        ("far group", "other organisation", "TOTA2345"),
    ):
        inside = {"organisation_id": id_of(organisation), "join_code": code}
        yield "learning_group", {"id": id_of(name), **searched("name", name), **inside}
    for name, role in MEMBERSHIPS.items():
        yield "membership", _membership(name, role)
    yield from sample_rows()


def tables() -> list[str]:
    """The tables that have sample rows, and the log of what is done to them."""
    return [*dict.fromkeys(table for table, _ in rows()), "audit_entry"]


async def fill(database: Database) -> None:
    """Make these rows the only ones there are."""
    deadline = time.monotonic() + 60
    for table in (
        *("evidence", "doomed_object", "privacy_request", "organisation", "person"),
        "audit_entry",
    ):
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
        for table in tables()
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
        "confirmed": role.confirmed,
        "granted_by_id": id_of(role.granted_by) if role.granted_by else None,
    }
