"""An exporter of journeys: the sample people, a store in a folder, and workers.

A worker's questions go to an engine over the same database, as in production.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

from asyncpg import Record
from pypdf import PdfReader

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.edge.worker_resources import EngineQuery
from poutama.engine import Engine
from poutama.features import load_features, load_model
from poutama.features.exports.job import EXPORT
from poutama.features.exports.request import make_input
from poutama.features.exports.steps import EXPORT_JOB, ExportProgress, ExportStep, export_step
from poutama.jobs.job import Finished
from poutama.jobs.local_queue import LocalQueue
from poutama.jobs.table import enqueue
from poutama.permits import Permits
from poutama.settings import Settings
from poutama.store.directory import DirectoryStore
from poutama.store.objects import ObjectStore
from poutama.text import fold
from poutama.worker import Worker
from tests.db.sample_people import fill
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of

AS_OF = datetime(2026, 9, 3, 21, 30, tzinfo=UTC)
SECRET = b"exporter"
STUDENT = id_of(Caller.STUDENT)
ADD_GOALS = """
INSERT INTO goal (id, person_id, goal_type, title, title_search, information, information_search,
    complete, created_at, updated_at)
SELECT gen_random_uuid(), $1::uuid, 'SPORTS', 'Goal ' || n, 'goal ' || n, '', '', n % 3 = 0,
    $3::text::timestamptz + n * interval '1 minute', $3::text::timestamptz + interval '9 days'
FROM generate_series(1, $2::int8) AS n
"""
ADD_TASKS = """
INSERT INTO goal_task (id, goal_id, information, information_search, complete, position)
SELECT gen_random_uuid(), g.id, 'Task ' || n, 'task ' || n, n = 1, n
FROM goal AS g CROSS JOIN generate_series(1, $2::int8) AS n WHERE g.person_id = $1::uuid
"""
ADD_EVIDENCE = """
INSERT INTO evidence (id, goal_id, note_id, uploader_id, title, title_search, alt_text, file_name,
    media_type, bytes, sha256, state, stem, object_key, thumbnail_key, thumbnail_type, added_to)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::text, '', 'x.jpg', 'image/jpeg',
    $7::int8, repeat('0', 64), 'READY', $8::text, $8::text, $9::text, 'image/webp',
    CASE WHEN $3::uuid IS NULL THEN 'GOAL' ELSE 'NOTE' END)
"""


def rows(zip_: ZipFile, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of an export."""
    text = zip_.read(f"csv/{name}").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def pdf_text(content: bytes) -> str:
    """All that can be read in a PDF."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def build_worker(
    database: Database,
    store: ObjectStore,
    step: Callable[[ExportStep], Awaitable[ExportProgress | Finished]] = export_step,
    **settings: Any,
) -> Worker:
    """A worker for exports alone, one that ends in good time."""
    # It yields to no other job, however slow the machine is.
    chosen = Settings(**{"job_margin_seconds": 1.0, "job_slice_seconds": 3600.0, **settings})
    kinds = {EXPORT: replace(EXPORT_JOB, step=step)}
    engine = Engine(load_model(), database, chosen, load_features().procedures)
    permits, plans = Permits(load_model(), database), ChangePlans(load_model())
    query = EngineQuery(engine, seconds=60.0)
    return Worker(database, store, LocalQueue(), kinds, query, chosen, permits, plans)


@dataclass(slots=True)
class JourneyExporter:
    """See above."""

    database: Database
    folder: Path
    store: DirectoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = DirectoryStore(self.folder, SECRET)

    async def set_up(self) -> None:
        await fill(self.database)
        await self.write("DELETE FROM export_folder")
        # What people see is not to depend on when the test was run.
        for table in ("goal", "goal_task", "goal_note"):
            statement = f"UPDATE {table} SET created_at = $1::timestamptz, updated_at = $1"
            await self.write(statement, AS_OF)

    async def write(self, statement: str, *values: object) -> list[Record]:
        return await self.database.write(statement, list(values), deadline=soon())

    async def read(self, statement: str, *values: object) -> list[Record]:
        return await self.database.read(statement, list(values), deadline=soon())

    async def add_goals(self, count: int, tasks: int = 0) -> None:
        await self.write(ADD_GOALS, STUDENT, count, AS_OF.isoformat())
        await self.write(ADD_TASKS, STUDENT, tasks)

    async def add_evidence(
        self, title: str, content: bytes, thumbnail: bytes | None, note: UUID | None = None
    ) -> UUID:
        identity = uuid4()
        key = f"people/{STUDENT}/evidence/{identity}"
        await self.store.put(key, content, media_type="image/jpeg")
        if thumbnail is not None:
            await self.store.put(f"{key}-small", thumbnail, media_type="image/webp")
        await self.write(
            ADD_EVIDENCE, identity, id_of("goal"), note, STUDENT, title, fold(title), len(content),
            key, f"{key}-small",
        )  # fmt: skip
        return identity

    async def wish(
        self, caller: str = Caller.STUDENT, *, notes_for_staff: bool = False, access: bool = False
    ) -> UUID:
        """Ask for the student's journey as of always the same moment, for any caller."""

        async def work(transaction: Transaction) -> UUID:
            return await enqueue(
                transaction,
                EXPORT,
                person_id=id_of(caller),
                subject_id=STUDENT,
                input=make_input(STUDENT, AS_OF, notes_for_staff=notes_for_staff, access=access),
            )

        return await run_transaction(self.database, work, deadline=soon())

    async def run(self, job: UUID, seconds: float = 60.0, **settings: Any) -> str | None:
        """One invocation of a worker."""
        worker = build_worker(self.database, self.store, **settings)
        return await worker.run(job, deadline=time.monotonic() + seconds)

    async def row(self, job: UUID) -> Record:
        (row,) = await self.read("SELECT * FROM job WHERE id = $1::uuid", job)
        return row

    async def keys(self) -> list[str]:
        """Everything that lies in folders of exports."""
        found = [each.key async for each in self.store.list("")]
        stored = load_features().stored_data
        assert all(any(each.covers(key) for each in stored) for key in found), found
        return [key for key in found if "/exports/" in key]

    async def result(self, job: UUID) -> bytes:
        key = (await self.row(job))["result_key"]
        info = await self.store.describe(key)
        assert info is not None
        assert info.media_type == "application/zip"
        return await self.store.read(key, length=info.size)

    async def exported(
        self, caller: str = Caller.STUDENT, *, notes_for_staff: bool = False, access: bool = False
    ) -> ZipFile:
        """The zip of an export from its beginning to its end."""
        job = await self.wish(caller, notes_for_staff=notes_for_staff, access=access)
        assert await self.run(job) == "SUCCEEDED"
        return ZipFile(io.BytesIO(await self.result(job)))
