"""The worker of a long-running process, over a real database and the queue in this process."""

from __future__ import annotations

import asyncio

import pytest

from poutama.db.connection import Database
from poutama.server import worker_loop
from poutama.server.worker_loop import run_worker
from poutama.settings import Settings
from tests.db.job_harness import CountStep, JobHarness, Returned, count, counting
from tests.db.sessions import until


class Gate:
    """COUNT, waiting until it is opened; and how many wait."""

    def __init__(self, shop: JobHarness) -> None:
        self.open = asyncio.Event()
        self.inside: asyncio.Queue[str] = asyncio.Queue()
        self.most = self.now = 0
        shop.kinds["COUNT"] = counting(self)

    async def __call__(self, step: CountStep) -> Returned:
        self.now += 1
        self.most = max(self.most, self.now)
        await self.inside.put(str(step.job.id))
        try:
            await self.open.wait()
        finally:
            self.now -= 1
        return await count(step)


async def wait_for(shop: JobHarness, job: object, state: str) -> None:
    async def reached() -> bool:
        return await shop.state(job) == state  # type: ignore[arg-type]

    await until(reached)


async def test_what_is_asked_for_is_done(shop: JobHarness) -> None:
    worker = shop.worker()
    async with run_worker(worker):
        job = await shop.ask()
        await worker.wake(job)
        await wait_for(shop, job, "SUCCEEDED")
    assert await shop.effects(job) == [1, 2, 3]


async def test_what_was_asked_for_before_is_done(shop: JobHarness) -> None:
    job = await shop.ask()
    async with run_worker(shop.worker()):
        await wait_for(shop, job, "SUCCEEDED")


async def test_several_jobs_are_worked_at_at_once_and_no_more(shop: JobHarness) -> None:
    gate = Gate(shop)
    jobs = [await shop.ask(units=1) for _ in range(5)]
    async with run_worker(shop.worker(), several=2):
        first = {await gate.inside.get() for _ in range(2)}
        assert len(first) == 2
        gate.open.set()
        for job in jobs:
            await wait_for(shop, job, "SUCCEEDED")
    assert gate.most == 2


async def test_one_that_fails_keeps_no_other_from_its_work(shop: JobHarness) -> None:
    worker = shop.worker()
    async with run_worker(worker):
        await worker.queue.send("not ours")
        job = await shop.ask("BROKEN")
        good = await shop.ask()
        for each in (job, good):
            await worker.wake(each)
        await wait_for(shop, good, "SUCCEEDED")
        await wait_for(shop, job, "QUEUED")
    assert [letter.body for letter in shop.queue.dead_letters] == ["not ours"]


async def test_a_worker_that_stops_lets_its_jobs_go(shop: JobHarness) -> None:
    gate = Gate(shop)
    job = await shop.ask()
    async with run_worker(shop.worker()):
        await gate.inside.get()
    assert await shop.state(job) == "QUEUED"
    gate.open.set()
    async with run_worker(shop.worker()):
        await wait_for(shop, job, "SUCCEEDED")
    assert await shop.effects(job) == [1, 2, 3]


async def test_a_message_that_cannot_be_handled_now_comes_again(
    shop: JobHarness, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr(worker_loop, "RETRY_SECONDS", 0.0)
    nowhere = Database(Settings(), url=f"postgresql://postgres@127.0.0.1:{unused_tcp_port}/x")
    job = await shop.ask()
    worker = shop.worker(nowhere, job_seconds=0.05)
    await worker.wake(job)

    async def given_up() -> bool:
        return bool(shop.queue.dead_letters)

    async with run_worker(worker):
        await until(given_up)
    assert "5 times" in shop.queue.dead_letters[0].reason
    assert await shop.state(job) == "QUEUED"
    await nowhere.close()
