"""An importer of rosters into the sample people's organisation, as its admin.

`world` is everything that an import may change, without ids and times: what two ways of importing
must have in common.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from asyncpg import Record

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.features import load_features, load_model
from poutama.jobs.job import Query
from poutama.jobs.local_queue import LocalQueue
from poutama.permits import Permits
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore
from poutama.worker import Worker
from tests.db import sample_people
from tests.db.evidence_harness import EvidenceHarness
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import take_data
from tests.unit.features.rosters import Table, classes, enrolments, roster_of, user

ORGANISATION = id_of("organisation")
FIELDS = """
id state version name source noticeVersion managers schools uploadForm { url } rowsRead rowsRefused
groupsAdded groupsChanged groupsEnded peopleAdded peopleChanged peopleEnded
membershipsAdded membershipsChanged membershipsEnded membershipsBefore endingPercent
invitedOtherDomain invitedOwnDecision
changes(first: 200) { kind action line sourcedId sentence }
job { id state failure done resultUrl }
checkJob { id rowErrors(first: 200) { file line field code message } }
"""
PAYLOAD = f"{{ rosterImport {{ {FIELDS} }} }}"
START = f"mutation ($i: StartRosterImportInput!) {{ startRosterImport(input: $i) {PAYLOAD} }}"
CHECK = f"mutation ($i: CheckRosterImportInput!) {{ checkRosterImport(input: $i) {PAYLOAD} }}"
APPLY = f"mutation ($i: ApplyRosterImportInput!) {{ applyRosterImport(input: $i) {PAYLOAD} }}"
SEE = f"query ($id: UUID!) {{ rosterImport(importId: $id) {{ {FIELDS} }} }}"
VERIFY = "UPDATE organisation SET verified = $2::bool WHERE id = $1::uuid"
ADD_DOMAIN = """
INSERT INTO verified_domain (organisation_id, domain) VALUES ($1::uuid, 'school.example')
ON CONFLICT DO NOTHING
"""
STAGED = """
SELECT (SELECT count(*) FROM roster_staged_group) + (SELECT count(*) FROM roster_staged_person)
    + (SELECT count(*) FROM roster_staged_membership) AS count
"""
WORLD = (
    "SELECT name, version FROM learning_group WHERE organisation_id = $1::uuid",
    """
SELECT p.name, p.email, p.version FROM person AS p WHERE $1::uuid IS NOT NULL
""",
    """
SELECT p.email, g.name, m.role, m.source, m.accepted_at IS NOT NULL, m.ends_at IS NOT NULL,
    m.version, m.invited_email
FROM membership AS m JOIN person AS p ON p.id = m.person_id
    LEFT JOIN learning_group AS g ON g.id = m.group_id
WHERE m.organisation_id = $1::uuid
""",
    """
SELECT 'group', sourced_id, g.name, hash, ended FROM roster_group AS l
    JOIN learning_group AS g ON g.id = l.group_id WHERE l.organisation_id = $1::uuid
""",
    """
SELECT 'person', sourced_id, p.email, hash, ended, made FROM roster_person AS l
    JOIN person AS p ON p.id = l.person_id WHERE l.organisation_id = $1::uuid
""",
    """
SELECT 'membership', kind, sourced_id, m.role, hash, ended FROM roster_membership AS l
    JOIN membership AS m ON m.id = l.membership_id WHERE l.organisation_id = $1::uuid
""",
    """
SELECT 'consent', p.email, c.role, c.basis, c.withdrawn_at IS NOT NULL FROM consent AS c
    JOIN person AS p ON p.id = c.person_id WHERE c.organisation_id = $1::uuid
""",
    """
SELECT action, kind, p.email FROM audit_entry AS a LEFT JOIN person AS p ON p.id = a.subject_id
WHERE $1::uuid IS NOT NULL AND a.kind <> 'RosterImport'
""",
)


@dataclass(slots=True)
class Importer:
    """See above."""

    database: Database
    folder: Path
    # It yields to no other job, however slow the machine is.
    settings: Settings = field(
        default_factory=lambda: Settings(job_margin_seconds=1.0, job_slice_seconds=3600.0)
    )
    harness: EvidenceHarness = field(init=False)

    def __post_init__(self) -> None:
        self.harness = EvidenceHarness(self.database, self.folder, self.settings)

    @property
    def store(self) -> DirectoryStore:
        return self.harness.store

    async def set_up(self, *, verified: bool = True) -> None:
        """The sample people, whose organisation is the school that it says."""
        await sample_people.fill(self.database)
        for statement in ("DELETE FROM roster_import", "DELETE FROM job"):
            await self.database.write(statement, deadline=soon())
        if verified:
            await self.verify(ORGANISATION)
        else:
            await self.write(VERIFY, ORGANISATION, False)

    async def verify(self, organisation: UUID) -> None:
        """Make the organisation the school that it says, with a mail domain."""
        await self.write(VERIFY, organisation, True)
        await self.write(ADD_DOMAIN, organisation)

    async def ask(self, document: str, caller: Caller = Caller.ADMIN, /, **variables: Any) -> Any:
        """The value of the one root field: null where it is not found, and no other error."""
        (value,) = take_data(await self.send(document, caller, **variables)).values()
        return value["rosterImport"] if "rosterImport" in (value or {}) else value

    async def refuse(
        self, document: str, caller: Caller = Caller.ADMIN, /, **variables: Any
    ) -> tuple[str, str]:
        """Code and message of the one error."""
        (error,) = (await self.send(document, caller, **variables))["errors"]
        return error["extensions"]["code"], error["message"]

    async def send(self, document: str, caller: Caller, /, **variables: Any) -> Mapping[str, Any]:
        return await self.harness.send(document, caller, **variables)

    async def start(self, content: bytes, **more: Any) -> str:
        """Announce and upload; returns the import's id."""
        input = {
            "organisationId": str(ORGANISATION),
            "name": "roster.zip",
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            **more,
        }
        started = await self.ask(START, i=input)
        row = (await self.rows("SELECT * FROM roster_import WHERE id = $1", UUID(started["id"])))[0]
        await self.store.put(row["upload_key"], content, media_type=row["media_type"])
        return str(started["id"])

    async def check(self, content: bytes, **more: Any) -> Any:
        """Announce, upload and check; returns the import then."""
        id_ = await self.start(content, **more)
        await self.ask(CHECK, i={"importId": id_})
        await self.work(id_)
        return await self.see(id_)

    async def apply(self, checked: Any, percent: int = 20) -> Any:
        """Apply what was checked; returns the import then."""
        input = {"importId": checked["id"], "expectedVersion": checked["version"]}
        await self.ask(APPLY, i={**input, "allowEndingPercent": percent})
        await self.work(checked["id"])
        return await self.see(checked["id"])

    async def import_(self, content: bytes, percent: int = 100, **more: Any) -> Any:
        """All of it; returns the import then, and asserts that it was applied."""
        checked = await self.check(content, **more)
        assert checked["state"] == "CHECKED", checked
        applied = await self.apply(checked, percent)
        assert applied["state"] == "APPLIED", applied
        return applied

    async def see(self, id_: str) -> Any:
        return await self.ask(SEE, id=id_)

    async def work(self, id_: str, *, seconds: float = 28.0) -> str | None:
        """One invocation of a worker for the import's job."""
        rows = await self.rows("SELECT job_id FROM roster_import WHERE id = $1::uuid", UUID(id_))
        return await self.run(rows[0]["job_id"], seconds=seconds)

    async def run(
        self, job: UUID, store: ObjectStore | None = None, *, seconds: float = 28.0
    ) -> str | None:
        worker = Worker(
            database=self.database,
            store=store or self.store,
            queue=LocalQueue(),
            kinds=load_features().load_jobs(),
            query=cast(Query, None),
            permits=Permits(load_model(), self.database),
            plans=ChangePlans(load_model()),
            settings=self.settings,
        )
        return await worker.run(job, deadline=soon(seconds))

    async def rows(self, statement: str, *values: object) -> list[Record]:
        return await self.database.read(statement, values, deadline=soon())

    async def write(self, statement: str, *values: object) -> None:
        await self.database.write(statement, values, deadline=soon())

    async def world(self) -> list[str]:
        """See above."""
        found = [await self.rows(statement, ORGANISATION) for statement in WORLD]
        return [line for rows in found for line in sorted(json.dumps([*row]) for row in rows)]

    async def keys(self) -> set[str]:
        """Of everything in the store."""
        return {info.key async for info in self.store.list("")}

    async def staged(self) -> int:
        return int((await self.rows(STAGED))[0]["count"])

    async def members(self, group: str) -> list[tuple[str, str]]:
        """Email and role of those that are in the group now and have accepted."""
        rows = await self.rows(
            """
SELECT p.email, m.role FROM membership AS m JOIN person AS p ON p.id = m.person_id
    JOIN learning_group AS g ON g.id = m.group_id
WHERE g.name = $1 AND m.accepted_at IS NOT NULL AND (m.ends_at IS NULL OR m.ends_at > now())
ORDER BY p.email
""",
            group,
        )
        return [(row["email"], row["role"]) for row in rows]


def counts(seen: Mapping[str, Any]) -> dict[str, int]:
    """The counts that are not zero."""
    names = [name for name in seen if name.endswith(("Added", "Changed", "Ended"))]
    return {name: seen[name] for name in names if seen[name]}


def errors(seen: Mapping[str, Any]) -> list[tuple[str, int, str, str]]:
    """What the check could not use: file, line, field and code."""
    return [
        (error["file"], error["line"], error["field"], error["code"])
        for error in seen["checkJob"]["rowErrors"]
    ]


def small(mode: str = "bulk", **changes: Table) -> bytes:
    """A class with a teacher and two students, and whatever is otherwise."""
    tables: dict[str, Table] = {
        "classes": classes(("c1", "Art")),
        "users": [user("t1", "Hana M", "teacher"), user("u1", "Ana T"), user("u2", "Bea S")],
        "enrollments": enrolments(
            ("c1", "t1", "teacher"), ("c1", "u1", "student"), ("c1", "u2", "student")
        ),
    }
    return roster_of({**tables, **changes}, mode)
