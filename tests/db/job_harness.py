"""A harness for jobs: people, a queue, kinds that count, and workers over one database.

COUNT works off `input.units`, one in each step, and writes a row for each into `job_effect`,
which has no key: whatever happened twice would show.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

import msgspec
from asyncpg import Record

from poutama.changes import ChangePlans
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.features import load_model
from poutama.jobs.job import (
    AnyJobKind,
    Finished,
    JobClass,
    JobKind,
    Progress,
    Query,
    RowError,
    Step,
)
from poutama.jobs.local_queue import LocalQueue
from poutama.jobs.table import cancel, enqueue
from poutama.permits import Permits
from poutama.settings import Settings
from poutama.store.objects import ObjectStore
from poutama.worker import Worker
from tests.db.sessions import soon

PERSON = UUID("0b4f0c1e-0000-4000-8000-000000000001")
SETUP = (
    "CREATE TABLE IF NOT EXISTS job_effect (job_id uuid NOT NULL, unit int8 NOT NULL)",
    "DELETE FROM job_effect",
    "DELETE FROM job",
    f"INSERT INTO person (id, email, name) VALUES ('{PERSON}', 'ana@school.example', 'Ana')"
    " ON CONFLICT (id) DO NOTHING",
)
ADD_EFFECT = "INSERT INTO job_effect (job_id, unit) VALUES ($1::uuid, $2::int8)"
# As if the time had passed since: the message is older than the lease.
EXPIRE = """
UPDATE job SET lease_until = now() - interval '1 second', sent_at = now() - interval '2 seconds'
WHERE id = $1::uuid AND lease_id IS NOT NULL
"""
MAKE_DUE = "UPDATE job SET not_before = now() - interval '1 second' WHERE id = $1::uuid"
AGE = """
UPDATE job SET sent_at = now() - interval '1 hour', not_before = now() - interval '1 hour'
WHERE id = $1::uuid
"""


class Units(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input of COUNT: how many."""

    units: int = 3


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its checkpoint: which was counted last."""

    unit: int = 0


CountStep: TypeAlias = Step[Units, Counted]
Returned: TypeAlias = Progress[Counted] | Finished


def counting(
    step: Callable[[CountStep], Awaitable[Returned]], job_class: JobClass = JobClass.INTERACTIVE
) -> AnyJobKind:
    """A kind with what COUNT has, and this step."""
    return JobKind(input=Units, checkpoint=Counted, step=step, job_class=job_class)


async def count(step: CountStep) -> Returned:
    """The kind COUNT."""
    unit, units = step.checkpoint.unit + 1, step.input.units

    async def effects(transaction: Transaction) -> None:
        await transaction.execute(ADD_EFFECT, step.job.id, unit)

    errors = [RowError(file="a.csv", line=unit, field="f", code="ODD", message="?")] * (unit % 2)
    if unit < units:
        return Progress(
            checkpoint=Counted(unit), done=unit, total=units, effects=effects, errors=errors
        )
    return Finished(
        result_key="key", result_name="count.zip", done=unit, effects=effects, errors=errors
    )


@dataclass(slots=True)
class JobHarness:
    """See above."""

    database: Database
    queue: LocalQueue = field(default_factory=LocalQueue)
    kinds: dict[str, AnyJobKind] = field(default_factory=lambda: {"COUNT": counting(count)})

    async def set_up(self) -> None:
        for statement in SETUP:
            await self.database.write(statement, deadline=soon())

    def worker(self, database: Database | None = None, **settings: Any) -> Worker:
        """One that begins no step in the last second of its time."""
        return Worker(
            database=database or self.database,
            # These kinds need neither; what does has tests of its own.
            store=cast(ObjectStore, None),
            query=cast(Query, None),
            permits=Permits(load_model(), database or self.database),
            plans=ChangePlans(load_model()),
            queue=self.queue,
            kinds=self.kinds,
            settings=Settings(**{"job_margin_seconds": 1.0, **settings}),
        )

    async def ask(self, kind: str = "COUNT", units: int = 3) -> UUID:
        """Ask for a job, and wake no worker."""

        async def work(transaction: Transaction) -> UUID:
            return await enqueue(transaction, kind, person_id=PERSON, input=Units(units))

        return await run_transaction(self.database, work, deadline=soon())

    async def run(self, job: UUID, seconds: float = 20.0, **settings: Any) -> str | None:
        """One invocation of a worker."""
        return await self.worker(**settings).run(job, deadline=time.monotonic() + seconds)

    async def cancel(self, job: UUID) -> bool:
        async def work(transaction: Transaction) -> bool:
            return await cancel(transaction, job)

        return await run_transaction(self.database, work, deadline=soon())

    async def row(self, job: UUID) -> Record:
        (row,) = await self._read("SELECT * FROM job WHERE id = $1::uuid", job)
        return row

    async def state(self, job: UUID) -> str:
        return str((await self.row(job))["state"])

    async def effects(self, job: UUID) -> list[int]:
        """The units that were counted, however often."""
        text = "SELECT unit FROM job_effect WHERE job_id = $1::uuid ORDER BY unit"
        return [row["unit"] for row in await self._read(text, job)]

    async def errors(self, job: UUID) -> list[tuple[int, int]]:
        """Place and line of each row error."""
        text = "SELECT position, line FROM job_row_error WHERE job_id = $1::uuid ORDER BY position"
        return [tuple(row) for row in await self._read(text, job)]

    async def change(self, statement: str, job: UUID) -> None:
        await self.database.write(statement, [job], deadline=soon())

    async def messages(self) -> list[str]:
        """The bodies that can be received now."""
        return [message.body for message in await self.queue.receive(limit=1_000)]

    async def _read(self, statement: str, job: UUID) -> list[Record]:
        return await self.database.read(statement, [job], deadline=soon())


def once(hook: Callable[[], Awaitable[None]]) -> AnyJobKind:
    """COUNT, with something that happens within its first call."""
    calls: list[UUID] = [uuid4()]

    async def step(step: CountStep) -> Returned:
        if calls:
            calls.clear()
            await hook()
        return await count(step)

    return counting(step)
