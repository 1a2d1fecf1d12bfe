"""Putting the reference's rows into a database's tables, and taking all rows out again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from poutama.db.connection import Database
from poutama.schema.directives import snake_case
from poutama.schema.model import Model
from poutama.text import fold
from tests.reference.policy import Row, World
from tests.reference.school import SEARCHED

COMPUTED = ("resultUrl", "downloadUrl", "thumbnailUrl", "uploadForm", "endingPercent")
"""Fields that Python makes of stored ones."""
BESIDES: dict[str, tuple[str, ...]] = {
    "Person": (),
    "Organisation": (),
    "Group": ("organisationId",),
    "Membership": ("personId", "organisationId", "groupId", "childId"),
    "Goal": ("personId",),
    "GoalTask": ("goalId",),
    "GoalNote": ("goalId", "authorId"),
    "Evidence": (
        "goalId", "noteId", "uploaderId", "organisationId", "jobId", "stem", "uploadKey",
        "objectKey", "thumbnailKey", "thumbnailType",
    ),
    "Job": ("personId", "organisationId", "subjectId", "input", "resultKey"),
    "JobRowError": ("jobId",),
    "Reminder": ("personId", "goalId", "dismissedAt"),
    "RosterImport": ("organisationId", "jobId", "checkJobId", "mediaType", "uploadKey"),
    "RosterChange": ("importId",),
    "AuditEntry": ("subjectId",),
    "OpenedRecord": ("personId", "openerId", "organisationId"),
    "PrivacyRequest": ("personId", "organisationId", "jobId"),
}  # fmt: skip
"""Type -> what its table has besides the type's fields."""
COUNTS = (
    "rowsRead", "rowsRefused", "groupsAdded", "groupsChanged", "groupsEnded", "peopleAdded",
    "peopleChanged", "peopleEnded", "membershipsAdded", "membershipsChanged", "membershipsEnded",
    "membershipsBefore",
)  # fmt: skip
"""What a roster import counts."""
ANNOUNCED = ("uploadKey", "mediaType", "bytes", "sha256")
"""What a form for uploading is made of."""
TABLES = {"RosterImport": "roster_import", "Reminder": "reminder"}
"""Tables of types that are read from a view."""
EMPTY = tuple(
    f"delete from {table}"
    for table in (
        "organisation",
        "person",
        "audit_entry",
        "evidence",
        "doomed_object",
        "privacy_request",
    )
)


async def delete_rows(database: Database) -> None:
    """Take out every row of people, groups and goals."""
    for statement in EMPTY:
        await database.write(statement, deadline=time.monotonic() + 60)


async def insert_rows(database: Database, model: Model, world: World) -> None:
    """Put in the world's rows."""
    for kind, rows in world.items():
        places: list[str] = []
        values: list[object] = []
        names: list[str] = []
        for row in rows:
            columns = as_stored(kind, row)
            names = list(columns)
            numbers = range(len(values) + 1, len(values) + len(columns) + 1)
            places.append("(" + ", ".join(f"${number}" for number in numbers) + ")")
            values.extend(columns.values())
        if rows:
            table = TABLES.get(kind, model.entities[kind].table)
            into = f"insert into {table} ({', '.join(names)})"
            await database.write(
                f"{into} values {', '.join(places)}", values, deadline=time.monotonic() + 60
            )


async def read_rows(database: Database, model: Model, kinds: Iterable[str]) -> World:
    """The rows there are of these types, as the world would have them."""
    found: dict[str, list[Row]] = {}
    for kind in kinds:
        fields = [column.field for column in model.entities[kind].columns] + [*BESIDES[kind]]
        searched = [f"{name}_search" for name in SEARCHED.get(kind, ())]
        names = [*(snake_case(name) for name in fields), *searched]
        # What no longer reminds of anything is still there.
        table = "reminder" if kind == "Reminder" else model.entities[kind].table
        rows = await database.read(
            f"select {', '.join(names)} from {table}",
            deadline=time.monotonic() + 60,
        )
        found[kind] = [dict(zip(fields, row, strict=False)) for row in rows]
        for row, stored in zip(found[kind], rows, strict=True):
            for name in SEARCHED.get(kind, ()):
                assert stored[f"{name}_search"] == fold(row[name]), (kind, row)
            row |= compute(kind, row)
    return found


def compute(kind: str, row: Row) -> Row:
    """What Python makes of the row's stored values, by the functions of `FILES`."""
    match kind:
        case "RosterImport":
            before, ended = row["membershipsBefore"], row["membershipsEnded"]
            return {
                "uploadForm": row["uploadKey"] and form_of(*(row[name] for name in ANNOUNCED)),
                "endingPercent": -(-100 * ended // before) if before else None,
            }
        case "Job":
            return {"resultUrl": row["resultKey"] and address_of(row["resultKey"])}
        case "Evidence":
            return {
                "downloadUrl": row["objectKey"] and address_of(row["objectKey"]),
                "thumbnailUrl": row["thumbnailKey"] and picture_of(row["thumbnailKey"]),
                "uploadForm": row["uploadKey"] and form_of(*(row[name] for name in ANNOUNCED)),
            }
    return {}


def address_of(*values: Any) -> str:
    """Stands for a signed address: what it is made of is all that is known of it."""
    return f"https://files.example/{values[0]}"


def picture_of(*values: Any) -> str:
    return f"https://pictures.example/{values[0]}"


def form_of(*values: Any) -> Row:
    return {"url": "https://files.example", "fields": {"made of": list(values)}}


FILES = {"download_url": address_of, "inline_url": picture_of, "upload_form": form_of}
"""What makes computed fields."""


def as_stored(kind: str, row: Row) -> dict[str, object]:
    """The row as its table has it."""
    found = {snake_case(name): value for name, value in row.items() if name not in COMPUTED}
    for name in SEARCHED.get(kind, ()):
        found[f"{name}_search"] = fold(row[name])
    if kind == "RosterImport":
        found["object_key"] = "roster"
    return found
