"""Putting the reference's rows into a database's tables, and taking all rows out again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from uuid import UUID

from poutama.db.connection import Database
from poutama.schema.directives import snake_case
from poutama.schema.model import Model
from poutama.text import fold
from tests.reference.computed import compute
from tests.reference.policy import Row, World
from tests.reference.school import SEARCHED

COMPUTED = (
    "resultUrl", "retryAfter", "downloadUrl", "thumbnailUrl", "uploadForm", "endingPercent",
)  # fmt: skip
"""Fields that Python makes of stored ones."""
BESIDES: dict[str, tuple[str, ...]] = {
    "Person": (),
    "Organisation": (),
    "Group": ("organisationId",),
    "Membership": (
        "personId", "organisationId", "groupId", "childId", "grantedById", "declinedAt",
        "confirmedById", "endedById", "enrolledById",
    ),
    "Consent": ("personId", "organisationId", "membershipId", "givenById", "withdrawnById"),
    "Goal": ("personId",),
    "GoalTask": ("goalId",),
    "GoalNote": ("goalId", "authorId", "organisationId"),
    "Evidence": (
        "goalId", "noteId", "uploaderId", "organisationId", "jobId", "stem", "uploadKey",
        "objectKey", "thumbnailKey", "thumbnailType",
    ),
    "Job": ("personId", "organisationId", "subjectId", "input", "resultKey"),
    "JobRowError": ("jobId",),
    "Reminder": ("personId", "goalId", "dismissedAt"),
    "RosterImport": ("organisationId", "jobId", "checkJobId", "mediaType", "uploadKey"),
    "RosterChange": ("importId",),
    "AddressConflict": ("organisationId", "personId", "proposedById", "decidedById"),
    "AuditEntry": ("subjectId",),
    "OpenedRecord": ("personId", "openerId", "organisationId"),
    "PrivacyRequest": ("personId", "organisationId", "jobId"),
}  # fmt: skip
"""Type -> what its table has besides the type's fields."""
TABLES = {
    "RosterImport": "roster_import",
    "Reminder": "reminder",
    "AddressConflict": "address_conflict",
}
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


ADD_DOMAIN = """
insert into verified_domain (organisation_id, domain)
select id, 'school.example' from organisation where verified
"""


ADD_SIGN_INS = """
insert into identity (issuer, subject, person_id)
select source, claimant, person_id from address_conflict
where kind = 'SIGN_IN' and decision = 'SAME_PERSON'
"""


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
        if kind == "Organisation":
            await database.write(ADD_DOMAIN, deadline=time.monotonic() + 60)
        if kind == "AddressConflict":
            await database.write(ADD_SIGN_INS, deadline=time.monotonic() + 60)


async def read_rows(database: Database, model: Model, kinds: Iterable[str]) -> World:
    """The rows there are of these types, as the world would have them."""
    found: dict[str, list[Row]] = {}
    for kind in kinds:
        fields = [column.field for column in model.entities[kind].columns] + [*BESIDES[kind]]
        searched = [f"{name}_search" for name in SEARCHED.get(kind, ())]
        names = [*map(column_of, fields), *searched]
        # What no longer reminds of anything is still there.
        table = "reminder" if kind == "Reminder" else model.entities[kind].table
        lists = [column.field for column in model.entities[kind].columns if column.is_list]
        rows = await database.read(
            f"select {', '.join(names)} from {table}",
            deadline=time.monotonic() + 60,
        )
        found[kind] = [dict(zip(fields, row, strict=False)) for row in rows]
        for row, stored in zip(found[kind], rows, strict=True):
            for name in SEARCHED.get(kind, ()):
                assert stored[f"{name}_search"] == fold(row[name]), (kind, row)
            row |= compute(kind, row)
            for name in lists:
                row[name] = row[name] and tuple(map(UUID, json.loads(row[name])))
    return found


def column_of(field: str) -> str:
    """The column of a field of a world's row."""
    return {"proposedById": "proposed_by", "decidedById": "decided_by"}.get(
        field, snake_case(field)
    )


def as_stored(kind: str, row: Row) -> dict[str, object]:
    """The row as its table has it."""
    found = {column_of(name): value for name, value in row.items() if name not in COMPUTED}
    if kind == "AddressConflict":
        # The view has them from the person, and from the rosters.
        del found["person_name"], found["person_sourced_id"]
    for name in SEARCHED.get(kind, ()):
        found[f"{name}_search"] = fold(row[name])
    for name, value in found.items():
        if isinstance(value, tuple):
            found[name] = json.dumps([str(each) for each in value])
    if kind == "RosterImport":
        found["object_key"] = "roster"
    return found
