"""Two workers and one job; and people who stop it at every moment there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from poutama.db.connection import Database
from poutama.db.transaction import Transaction
from poutama.errors import DatabaseError
from poutama.jobs.job import JobFailedError, Progress
from poutama.settings import Settings
from tests.db.idempotent_mutations import waiting
from tests.db.job_harness import (
    EXPIRE,
    MAKE_DUE,
    Counted,
    CountStep,
    JobHarness,
    Returned,
    count,
    counting,
)
from tests.db.sessions import soon, until

BEAT = 1.0
"""A lease short enough for its heartbeats to be met."""
LONG_BEFORE_THE_DEADLINE = 10.0


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The database of another worker, somewhere else."""
    database = Database(Settings(), url=database_url)
    yield database
    await database.close()


class Pause:
    """COUNT, whose first call waits half-way, in the step or within its effects."""

    def __init__(self, shop: JobHarness, *, in_effects: bool = False) -> None:
        self.reached, self.over = asyncio.Event(), asyncio.Event()
        self._first = True
        self._in_effects = in_effects
        self.cancelled = False
        shop.kinds["COUNT"] = counting(self)

    async def __call__(self, step: CountStep) -> Returned:
        first, self._first = self._first, False
        if first and not self._in_effects:
            await self._wait()
        returned = await count(step)
        if not first or not self._in_effects:
            return returned

        async def effects(transaction: Transaction) -> None:
            assert returned.effects is not None
            await returned.effects(transaction)
            await self._wait()

        return Progress(checkpoint=Counted(1), effects=effects)

    async def _wait(self) -> None:
        self.reached.set()
        try:
            await self.over.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_of_many_workers_one_gets_the_job(shop: JobHarness, other: Database) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    workers = [shop.worker(database) for database in [shop.database, other] * 4]
    running = [asyncio.create_task(worker.run(job, deadline=soon())) for worker in workers]
    while len(done := [task for task in running if task.done()]) < len(running) - 1:
        await asyncio.wait(
            [task for task in running if not task.done()], return_when="FIRST_COMPLETED"
        )
    assert [task.result() for task in done] == [None] * 7
    assert pause.reached.is_set()
    pause.over.set()
    assert {await task for task in running} == {None, "SUCCEEDED"}
    assert await shop.effects(job) == [1, 2, 3]


async def test_a_worker_that_lost_its_lease_commits_nothing(
    shop: JobHarness, other: Database
) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    late = asyncio.create_task(shop.run(job))
    await pause.reached.wait()
    await shop.change(EXPIRE, job)
    assert await shop.worker(other).run(job, deadline=soon()) == "SUCCEEDED"
    ended = await shop.row(job)
    pause.over.set()
    assert await late is None
    assert await shop.row(job) == ended
    assert await shop.effects(job) == [1, 2, 3]
    assert await shop.errors(job) == [(1, 1), (2, 3)]


async def test_nor_does_it_spoil_what_another_is_at(shop: JobHarness, other: Database) -> None:
    first = Pause(shop)
    job = await shop.ask()
    late = asyncio.create_task(shop.run(job))
    await first.reached.wait()
    await shop.change(EXPIRE, job)
    second = Pause(shop)
    running = asyncio.create_task(shop.worker(other).run(job, deadline=soon()))
    await second.reached.wait()
    held = await shop.row(job)
    first.over.set()
    assert await late is None
    assert await shop.row(job) == held
    second.over.set()
    assert await running == "SUCCEEDED"
    assert await shop.effects(job) == [1, 2, 3]


async def test_a_failure_of_a_worker_that_lost_its_lease_changes_nothing(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        await shop.change(EXPIRE, step.job.id)
        shop.kinds["COUNT"] = counting(count)
        assert await shop.run(step.job.id) == "SUCCEEDED"
        raise JobFailedError

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) is None
    assert await shop.state(job) == "SUCCEEDED"
    assert not shop.queue.dead_letters


async def test_a_worker_that_commits_is_not_overtaken(
    shop: JobHarness, other: Database, database_url: str
) -> None:
    """The lease runs out within the transaction of a step: its row is locked, and that decides."""
    pause = Pause(shop, in_effects=True)
    job = await shop.ask(units=2)
    looking = await asyncpg.connect(database_url)
    late = asyncio.create_task(shop.run(job, job_lease_seconds=0.1))
    await pause.reached.wait()

    async def expired() -> bool:
        return bool(
            await looking.fetchval("SELECT lease_until < now() FROM job WHERE id = $1", job)
        )

    async def held_up() -> bool:
        return await waiting(looking, 1)

    await until(expired)
    early = asyncio.create_task(shop.worker(other).run(job, deadline=soon()))
    await until(held_up)
    pause.over.set()
    assert sorted([str(await late), str(await early)]) == ["None", "SUCCEEDED"]
    assert await shop.effects(job) == [1, 2]
    await looking.close()


async def test_a_lease_lasts_as_long_as_the_step(shop: JobHarness, other: Database) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job, job_lease_seconds=BEAT))
    await pause.reached.wait()
    begun = (await shop.row(job))["lease_until"]

    async def extended_often() -> bool:
        return bool((await shop.row(job))["lease_until"] > begun + timedelta(seconds=BEAT))

    await until(extended_often)
    assert await shop.worker(other).run(job, deadline=soon()) is None
    pause.over.set()
    assert await running == "SUCCEEDED"


async def test_a_worker_that_learns_of_its_loss_stops(shop: JobHarness, other: Database) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job, job_lease_seconds=BEAT))
    await pause.reached.wait()
    shop.kinds["COUNT"] = counting(count)
    # By the time it looks, another worker has the job.
    await shop.change("UPDATE job SET lease_id = gen_random_uuid() WHERE id = $1::uuid", job)
    async with asyncio.timeout(LONG_BEFORE_THE_DEADLINE):
        assert await running is None
    assert pause.cancelled


async def test_a_worker_that_cannot_keep_its_lease_stops(
    shop: JobHarness, other: Database, database_url: str
) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job, job_lease_seconds=BEAT))
    await pause.reached.wait()
    locking = await asyncpg.connect(database_url)
    async with locking.transaction():
        # Its heartbeats hang: no other worker can be sure that it still works.
        await locking.execute("SELECT 1 FROM job WHERE id = $1 FOR UPDATE", job)
        async with asyncio.timeout(LONG_BEFORE_THE_DEADLINE):
            assert await running is None
    assert pause.cancelled
    await locking.close()


# People who stop it


async def test_a_job_that_waits_is_stopped_at_once(shop: JobHarness) -> None:
    job = await shop.ask()
    assert await shop.cancel(job)
    row = await shop.row(job)
    assert (row["state"], row["cancel_requested"]) == ("CANCELLED", True)
    assert row["finished_at"] is not None
    assert await shop.run(job) is None
    assert await shop.effects(job) == []
    assert not await shop.cancel(job)


async def test_a_job_that_waits_to_be_tried_again_is_stopped_at_once(shop: JobHarness) -> None:
    job = await shop.ask("BROKEN")
    assert await shop.run(job) == "QUEUED"
    assert await shop.cancel(job)
    await shop.change(MAKE_DUE, job)
    assert await shop.run(job) is None
    assert await shop.state(job) == "CANCELLED"


async def test_a_heartbeat_notices_and_stops_the_step(shop: JobHarness) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job, job_lease_seconds=BEAT))
    await pause.reached.wait()
    assert await shop.cancel(job)
    async with asyncio.timeout(LONG_BEFORE_THE_DEADLINE):
        assert await running == "CANCELLED"
    assert pause.cancelled
    assert (await shop.row(job))["finished_at"] is not None
    assert await shop.effects(job) == []


@pytest.mark.parametrize("units", [1, 2], ids=["the last step", "one before"])
async def test_what_was_to_stop_before_a_commit_is_not_committed(
    shop: JobHarness, units: int
) -> None:
    pause = Pause(shop)
    job = await shop.ask(units=units)
    running = asyncio.create_task(shop.run(job))
    await pause.reached.wait()
    assert await shop.cancel(job)
    assert not await shop.cancel(job)
    assert await shop.state(job) == "RUNNING"
    pause.over.set()
    assert await running == "CANCELLED"
    assert (await shop.effects(job), await shop.errors(job)) == ([], [])
    assert await shop.messages() == []


async def test_a_step_that_fails_when_it_is_to_stop_is_not_tried_again(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        await shop.cancel(step.job.id)
        raise JobFailedError

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "CANCELLED"
    row = await shop.row(job)
    assert (row["state"], row["failure"]) == ("CANCELLED", None)
    assert not shop.queue.dead_letters


async def test_a_job_whose_worker_is_gone_is_stopped_at_once(shop: JobHarness) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    gone = asyncio.create_task(shop.run(job))
    await pause.reached.wait()
    await shop.change(EXPIRE, job)
    assert await shop.cancel(job)
    assert await shop.state(job) == "CANCELLED"
    pause.over.set()
    assert await gone is None
    assert await shop.effects(job) == []


async def test_a_job_to_be_stopped_whose_worker_dies_is_stopped_by_the_next(
    shop: JobHarness,
) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    gone = asyncio.create_task(shop.run(job))
    await pause.reached.wait()
    assert await shop.cancel(job)
    await shop.change(EXPIRE, job)
    assert await shop.run(job) == "CANCELLED"
    pause.over.set()
    assert await gone is None


@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED"])
async def test_what_has_ended_stays_as_it_is(shop: JobHarness, end: str) -> None:
    job = await shop.ask("COUNT" if end == "SUCCEEDED" else "BROKEN")
    await shop.run(job, job_attempts=1)
    before = await shop.row(job)
    assert before["state"] == end
    assert not await shop.cancel(job)
    assert await shop.row(job) == before


async def test_a_job_that_is_deleted_under_its_worker_is_nothing(shop: JobHarness) -> None:
    pause = Pause(shop)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job))
    await pause.reached.wait()
    await shop.change("DELETE FROM job WHERE id = $1::uuid", job)
    pause.over.set()
    assert await running is None
    assert await shop.effects(job) == []


async def test_the_table_takes_no_lease_without_a_worker(shop: JobHarness) -> None:
    job = await shop.ask()
    with pytest.raises(DatabaseError, match="job_lease_check"):
        await shop.change("UPDATE job SET state = 'RUNNING' WHERE id = $1::uuid", job)
    assert json.loads((await shop.row(job))["input"]) == {"units": 3}
