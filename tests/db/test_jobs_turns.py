"""Which job is next: interactive kinds before bulk, and organisations in turn; counted in steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from poutama.db.transaction import Transaction, run_transaction
from poutama.jobs.job import JobClass
from poutama.jobs.queue import write_body
from poutama.jobs.table import enqueue
from poutama.server.worker_loop import work_off
from poutama.worker import Worker
from tests.db.job_harness import CountStep, JobHarness, Returned, Units, count, counting
from tests.db.sessions import soon

PHOTO, CHECK, APPLY = "EVIDENCE", "ROSTER_CHECK", "ROSTER_APPLY"
AT_ONCE = {"job_slice_seconds": 0.0, "job_margin_seconds": 0.0}
ADD_PERSON = "INSERT INTO person (id, email, name) VALUES ($1::uuid, $2::text, 'Ana')"
ADD_ORGANISATION = """
INSERT INTO organisation (id, name, name_search, time_zone, region, retention_days)
VALUES ($1::uuid, 'School', 'school', 'Pacific/Auckland', 'here', 730)
"""
STATES = "SELECT kind, state, count(*)::int8 AS jobs FROM job GROUP BY kind, state"
BEGIN = """
UPDATE job SET state = 'RUNNING', lease_id = gen_random_uuid(), lease_until = now() + interval '1 h'
WHERE id = $1::uuid
"""
END = """
UPDATE job SET state = 'SUCCEEDED', lease_id = NULL, lease_until = NULL WHERE id = $1::uuid
"""
AGE = "UPDATE job SET not_before = now() - interval '61 s', sent_at = now() WHERE id = $1::uuid"


class Turns:
    """Interactive kinds and bulk kinds, and the steps in the order they were taken."""

    def __init__(self, shop: JobHarness) -> None:
        self.shop = shop
        self.steps: list[tuple[str, UUID]] = []
        bulk = counting(self.take, JobClass.BULK)
        shop.kinds = {PHOTO: counting(self.take), CHECK: bulk, APPLY: bulk}

    async def take(self, step: CountStep) -> Returned:
        self.steps.append((step.job.kind, step.job.id))
        return await count(step)

    async def ask(
        self, kind: str, *, units: int = 50, organisation: UUID | None = None, wake: bool = True
    ) -> UUID:
        """A job of a person of its own; of the organisation, if one is given."""
        database, person = self.shop.database, uuid4()
        await database.write(ADD_PERSON, [person, f"{person}@school.example"], deadline=soon())

        async def work(transaction: Transaction) -> UUID:
            return await enqueue(
                transaction,
                kind,
                person_id=person,
                organisation_id=organisation,
                input=Units(units),
            )

        job = await run_transaction(database, work, deadline=soon())
        if wake:
            await self.shop.queue.send(write_body(job))
        return job

    async def found(self) -> UUID:
        organisation = uuid4()
        await self.shop.database.write(ADD_ORGANISATION, [organisation], deadline=soon())
        return organisation

    async def write(self, statement: str, *values: object) -> None:
        await self.shop.database.write(statement, list(values), deadline=soon())

    def worker(self, **settings: Any) -> Worker:
        return self.shop.worker(**{**AT_ONCE, **settings})

    async def handle_one(self, worker: Worker, seconds: float = 30.0) -> None:
        """Handle the oldest message, as a function does."""
        (message,) = await self.shop.queue.receive(limit=1)
        await worker.handle(message.body, deadline=time.monotonic() + seconds)
        await self.shop.queue.delete(message)

    def before(self, kind: str) -> int:
        """Steps that were taken before the first of that kind."""
        return [taken for taken, _ in self.steps].index(kind)


@pytest.fixture
async def turns(shop: JobHarness) -> AsyncIterator[Turns]:
    await shop.database.write("DELETE FROM job WHERE true", [], deadline=soon())
    yield Turns(shop)
    await shop.database.write("DELETE FROM job WHERE true", [], deadline=soon())


async def test_a_photo_waits_for_one_step_of_each_worker_beside_six_checks_and_an_import(
    turns: Turns,
) -> None:
    schools = [await turns.found() for _ in range(7)]
    for school in schools[:6]:
        await turns.ask(CHECK, organisation=school)
    await turns.ask(APPLY, organisation=schools[6])
    worker = turns.worker()
    # One worker, which the import has kept for a while when the photo comes.
    await turns.handle_one(worker)
    assert len(turns.steps) == 1, "it yields at once to the others"
    taken = len(turns.steps)
    photo = await turns.ask(PHOTO, units=1)
    while await turns.shop.state(photo) != "SUCCEEDED":
        await turns.handle_one(worker)
    assert turns.before(PHOTO) - taken <= 1, turns.steps


async def test_bulk_jobs_leave_a_worker_free_and_wake_the_next_when_they_end(turns: Turns) -> None:
    running = [await turns.ask(CHECK, units=1, wake=False) for _ in range(3)]
    for job in running:
        await turns.write(BEGIN, job)
    held = await turns.ask(CHECK, units=1)
    worker = turns.worker(job_bulk_running=3)
    await turns.handle_one(worker)
    assert (await turns.shop.state(held), len(turns.shop.queue)) == ("QUEUED", 0)
    await turns.ask(PHOTO, units=1)
    await turns.handle_one(worker)
    assert [kind for kind, _ in turns.steps] == [PHOTO]

    # One of the three is expired: another worker takes it, ends it, and wakes the one held back.
    await turns.write(
        "UPDATE job SET lease_until = now() - interval '1 s' WHERE id = $1", running[0]
    )
    await turns.shop.queue.send(write_body(running[0]))
    await turns.handle_one(worker)
    assert turns.steps[-1] == (CHECK, running[0])
    await turns.handle_one(worker)
    assert turns.steps[-1] == (CHECK, held)


async def test_the_organisation_that_has_fewest_is_next(turns: Turns) -> None:
    large, small = await turns.found(), await turns.found()
    jobs = [await turns.ask(CHECK, units=1, organisation=large) for _ in range(4)]
    await turns.write(BEGIN, jobs[0])
    other = await turns.ask(CHECK, units=1, organisation=small)
    worker = turns.worker(job_bulk_running=9, job_bulk_running_each=2)
    await turns.handle_one(worker)
    assert turns.steps == [(CHECK, other)]
    await turns.write(BEGIN, jobs[1])
    for _ in range(3):
        await turns.handle_one(worker)
    assert len(turns.steps) == 1, "two of an organisation at once"
    await turns.write(END, jobs[0])
    await turns.shop.queue.close()  # empties it
    await turns.shop.queue.send(write_body(jobs[3]))
    await turns.handle_one(worker)
    assert turns.steps[1:] == [(CHECK, jobs[3])], "the one that the message names, of equals"


async def test_bulk_jobs_take_turns_and_one_alone_keeps_its_worker(turns: Turns) -> None:
    one, two = [await turns.ask(CHECK, units=3, organisation=await turns.found()) for _ in range(2)]
    worker = turns.worker()
    while len(turns.shop.queue):
        await turns.handle_one(worker)
    taken = [job for _, job in turns.steps]
    assert set(taken[:2]) == {one, two}
    assert (taken.count(one), taken.count(two)) == (3, 3)
    assert [await turns.shop.state(job) for job in (one, two)] == ["SUCCEEDED"] * 2
    alone = await turns.ask(CHECK, units=5)
    await worker.handle(write_body(alone), deadline=soon())
    assert await turns.shop.state(alone) == "SUCCEEDED"


async def test_a_bulk_job_that_a_limit_kept_waiting_takes_turns_with_the_one_that_runs(
    turns: Turns,
) -> None:
    """It has no message: the one that yields sends it, and not one to itself."""
    one = await turns.ask(CHECK, units=3, organisation=await turns.found())
    two = await turns.ask(CHECK, units=3, organisation=await turns.found(), wake=False)
    worker = turns.worker(job_bulk_running=1)
    while len(turns.shop.queue):
        assert len(turns.shop.queue) == 1
        await turns.handle_one(worker)
    assert [job for _, job in turns.steps] == [one, two] * 3


async def test_a_bulk_job_that_has_waited_a_minute_comes_before_a_photo(turns: Turns) -> None:
    bulk = await turns.ask(CHECK, units=1, wake=False)
    await turns.ask(PHOTO, units=1)
    await turns.write(AGE, bulk)
    await turns.shop.queue.send(write_body(bulk))
    await turns.shop.queue.receive(limit=1)
    await turns.handle_one(turns.worker())
    assert turns.steps == [(CHECK, bulk)]


async def test_workers_at_once_never_run_more_bulk_jobs_than_may(turns: Turns) -> None:
    begun, peak, full, gate = 0, 0, asyncio.Event(), asyncio.Event()

    async def wait(step: CountStep) -> Returned:
        nonlocal begun, peak
        begun += 1
        peak = max(peak, begun)
        if begun == 3:
            full.set()
        if step.job.kind == PHOTO:
            gate.set()
        await gate.wait()
        begun -= 1
        return await count(step)

    bulk = counting(wait, JobClass.BULK)
    turns.shop.kinds = {PHOTO: counting(wait), CHECK: bulk}
    jobs = [await turns.ask(CHECK, units=1) for _ in range(8)]
    worker = turns.worker(job_bulk_running=3)
    loop = asyncio.create_task(work_off(worker, several=4))
    try:
        async with asyncio.timeout(30):
            await full.wait()
            photo = await turns.ask(PHOTO, units=1)
            await gate.wait()
            while {await turns.shop.state(job) for job in (*jobs, photo)} != {"SUCCEEDED"}:
                continue
    finally:
        loop.cancel()
        await asyncio.wait([loop])
    assert peak == 4, "three bulk jobs, and the photo beside them"
