"""A harness for evidence: the sample people, a folder's store, an engine and a worker.

`audit` holds after whatever has happened: nothing is in the store that no row knows of, and what
is counted is what there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from asyncpg import Record

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.edge.application import describe_form
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.features.evidence.inputs import EVIDENCE
from poutama.features.evidence.job import EVIDENCE_JOB
from poutama.features.evidence.keys import every_key
from poutama.jobs.job import AnyJobKind, Query
from poutama.jobs.local_queue import LocalQueue
from poutama.permits import Permits
from poutama.plan.operation import GraphQLRequest
from poutama.procedure import Procedure
from poutama.settings import Settings
from poutama.sql.computed import Compute
from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore
from poutama.worker import Worker
from tests.db import sample_people
from tests.db.sample_people import viewer_for
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import take_data

FIELDS = """
id title altText fileName mediaType seconds bytes sha256 state rejection version
downloadUrl thumbnailUrl goal { id } note { id }
uploadForm { url method expiresAt maxBytes fields { name value } }
"""
ADD = f"mutation ($i: AddEvidenceInput!) {{ addEvidence(input: $i) {{ evidence {{ {FIELDS} }} }} }}"
FINISH = f"""
mutation ($i: FinishEvidenceInput!) {{ finishEvidence(input: $i) {{ evidence {{ {FIELDS} }} }} }}
"""
DELETE = "mutation ($i: DeleteEvidenceInput!) { deleteEvidence(input: $i) { goal { id } } }"
SEE = f"query ($id: UUID!) {{ evidence(evidenceId: $id) {{ {FIELDS} }} }}"
EXPIRE = """
UPDATE job SET lease_until = now() - interval '1 second' WHERE lease_id IS NOT NULL
"""
PASS = "UPDATE doomed_object SET due_at = now() WHERE due_at > now()"


@dataclass(slots=True)
class EvidenceHarness:
    """See above."""

    database: Database
    folder: Path
    settings: Settings = field(default_factory=lambda: Settings(job_margin_seconds=1.0))
    kinds: dict[str, AnyJobKind] = field(default_factory=lambda: {EVIDENCE: EVIDENCE_JOB})
    store: DirectoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = DirectoryStore(self.folder, b"secret", "http://files.example")

    async def set_up(self) -> None:
        """The sample people, without the evidence that it has of its own."""
        await sample_people.fill(self.database)
        for statement in ("DELETE FROM evidence", "DELETE FROM evidence_usage", "DELETE FROM job"):
            await self.database.write(statement, deadline=soon())

    def engine(self, procedures: Mapping[str, Procedure] | None = None) -> Engine:
        def download(person: UUID, key: str, name: str, media_type: str) -> str:
            return self.store.sign_download(
                key, person=person, name=name, media_type=media_type, seconds=60
            )

        def form(key: str, media_type: str, size: int, digest: str) -> Any:
            signed = self.store.sign_upload(
                key, media_type=media_type, size=size, sha256=digest, seconds=60
            )
            return describe_form(signed, datetime.now(UTC) + timedelta(seconds=60), size)

        def compute_for(person: UUID) -> dict[str, Compute]:
            sign = partial(download, person)
            return {"download_url": sign, "inline_url": sign, "upload_form": form}

        procedures = procedures or load_features().procedures
        return Engine(load_model(), self.database, self.settings, procedures, computed=compute_for)

    async def send(
        self, document: str, caller: Caller = Caller.STUDENT, /, **variables: Any
    ) -> dict[str, Any]:
        """The response."""
        request = GraphQLRequest(document, variables=variables)
        answer = await self.engine().execute(request, viewer_for(caller), deadline=soon())
        response: dict[str, Any] = json.loads(answer.body)
        return response

    async def ask(self, document: str, caller: Caller = Caller.STUDENT, /, **variables: Any) -> Any:
        """The value of the one root field: null where it is not found, and no other error."""
        (value,) = take_data(await self.send(document, caller, **variables)).values()
        return value

    async def refuse(self, document: str, /, **variables: Any) -> Any:
        """The one error."""
        (error,) = (await self.send(document, **variables))["errors"]
        return error

    async def add(self, data: bytes, media_type: str, **more: Any) -> Any:
        """Announce the file."""
        return (await self.ask(ADD, i=announcement(data, media_type, **more)))["evidence"]

    async def upload(self, evidence: str, data: bytes) -> None:
        """As the form lets one do; and whatever else a store might let through."""
        row = await self.row(evidence)
        await self.store.put(row["upload_key"], data, media_type=row["media_type"])

    async def finish(self, evidence: str) -> Any:
        return (await self.ask(FINISH, i={"evidenceId": evidence}))["evidence"]

    async def hand_in(self, data: bytes, media_type: str, **more: Any) -> Any:
        """Announce, upload, finish and have it looked at; returns the evidence then."""
        evidence = (await self.add(data, media_type, **more))["id"]
        await self.upload(evidence, data)
        await self.finish(evidence)
        await self.work(evidence)
        return await self.see(evidence)

    async def see(self, evidence: str, caller: Caller = Caller.STUDENT) -> Any:
        return await self.ask(SEE, caller, id=evidence)

    async def work(self, evidence: str) -> str | None:
        """One invocation of a worker for the evidence's job."""
        return await self.run((await self.row(evidence))["job_id"])

    async def run(self, job: UUID, store: ObjectStore | None = None) -> str | None:
        worker = Worker(
            database=self.database,
            store=store or self.store,
            queue=LocalQueue(),
            kinds=self.kinds,
            query=cast(Query, None),
            permits=Permits(load_model(), self.database),
            plans=ChangePlans(load_model()),
            settings=self.settings,
        )
        return await worker.run(job, deadline=soon())

    async def sweep(self) -> int:
        """Run what the schedule runs; returns how many rows were forgotten or refused."""
        input = (self.database, self.store, self.settings)
        changed = await run_task("purge_unfinished_uploads", *input)
        await run_task("delete_scheduled_objects", *input)
        return changed

    async def row(self, evidence: str) -> Record:
        rows = await self.read("SELECT * FROM evidence WHERE id = $1::uuid", UUID(evidence))
        assert rows, "it is gone"
        return rows[0]

    async def read(self, statement: str, *values: object) -> list[Record]:
        return await self.database.read(statement, values, deadline=soon())

    async def write(self, statement: str, *values: object) -> None:
        await self.database.write(statement, values, deadline=soon())

    async def content(self, key: str) -> bytes:
        return await self.store.read(key, length=100_000_000)

    async def objects(self) -> set[str]:
        """What the keys of all objects end with, and whether their evidence has them."""
        return {
            info.key.rpartition("/")[2] for info in [each async for each in self.store.list("")]
        }

    async def audit(self) -> None:
        """See above."""
        keys = {info.key async for info in self.store.list("")}
        known = {row["key"] for row in await self.read("SELECT key FROM doomed_object")}
        held: dict[UUID, tuple[int, int]] = {}
        for row in await self.read("SELECT * FROM evidence"):
            known |= set(every_key(row["stem"])) if row["state"] == "PENDING" else set()
            known |= {row["object_key"], row["thumbnail_key"]}
            for holder in (row["uploader_id"], row["organisation_id"]):
                if holder is not None and row["state"] != "REJECTED":
                    bytes_, files = held.get(holder, (0, 0))
                    held[holder] = (bytes_ + row["bytes"], files + 1)
        assert keys <= known, f"no row names {keys - known}"
        stored = load_features().stored_data
        assert all(any(each.covers(key) for each in stored) for key in keys), keys
        counted = {
            row["id"]: (row["bytes"], row["files"])
            for row in await self.read("SELECT * FROM evidence_usage WHERE files > 0 OR bytes <> 0")
        }
        assert counted == held


def announcement(data: bytes, media_type: str, **more: Any) -> Mapping[str, Any]:
    """What the browser says of a file."""
    return {
        "goalId": str(id_of("goal")),
        "title": "Ngā mahi",
        "fileName": "IMG_0001.jpg",
        "mediaType": media_type,
        "bytes": len(data),
        "sha256": sha256(data).hexdigest(),
        **more,
    }
