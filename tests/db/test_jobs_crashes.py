"""A worker is killed at every point, and its connection fails at every message: as if it had not.

Each time the sweep finds the job, another worker goes on, and an audit finds every effect once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from poutama import worker
from poutama.db import pooled_connection
from poutama.db.connection import Database
from poutama.errors import PoutamaError
from poutama.settings import Settings
from tests.db.job_harness import EXPIRE, MAKE_DUE, JobHarness
from tests.db.killable_processes import KillableProcesses, open_processes
from tests.db.proxy import Action, Fault, FaultProxy, Sender
from tests.db.sessions import soon

UNITS = 2
HURRIED = 0.2
PATIENT = 20.0
LOST = [Fault(Action.DROP_BEFORE), Fault(Action.DROP_AFTER), Fault(Action.HALF)]
UNKNOWN = Fault(Action.ANSWER, "40003")
FAULTS = {
    Sender.CLIENT: [*LOST, UNKNOWN, Fault(Action.ANSWER, "40001"), Fault(Action.HOLD)],
    Sender.SERVER: [Fault(Action.DROP_BEFORE), UNKNOWN],
}


async def audit(shop: JobHarness, job: UUID) -> None:
    row = await shop.row(job)
    assert (row["state"], row["done"], row["total"]) == ("SUCCEEDED", UNITS, UNITS)
    assert (row["steps"], row["attempts"], row["result_key"]) == (UNITS, 0, "key")
    assert await shop.effects(job) == [1, 2]
    assert await shop.errors(job) == [(1, 1)]


@pytest_asyncio.fixture(scope="module")
async def processes() -> AsyncIterator[KillableProcesses]:
    async with open_processes("tests.db.crash_worker") as processes:
        yield processes


async def repair(shop: JobHarness, job: UUID) -> None:
    """What happens once the lease has run out."""
    await shop.change(EXPIRE, job)
    await shop.worker().sweep(deadline=soon())
    for body in await shop.messages():
        await shop.worker().handle(body, deadline=soon())


async def test_a_worker_killed_after_any_statement_was_never_there(
    shop: JobHarness, processes: KillableProcesses, database_url: str
) -> None:
    points, killed = 0, True
    while killed:
        job = await shop.ask(units=UNITS)
        points += 1
        killed = await processes.die(database_url, job, f"statement:{points}")
        if killed:
            assert (await shop.state(job) == "SUCCEEDED") == (points == 10)
        await repair(shop, job)
        await audit(shop, job)
    # A claim, and two transactions of five and of four statements; and the last run is not killed.
    assert points == 1 + 5 + 4 + 1


@pytest.mark.parametrize("step", [1, 2])
async def test_a_worker_killed_within_a_step_was_never_there(
    shop: JobHarness, processes: KillableProcesses, database_url: str, step: int
) -> None:
    job = await shop.ask(units=UNITS)
    assert await processes.die(database_url, job, f"step:{step}")
    assert await shop.effects(job) == list(range(1, step))
    await repair(shop, job)
    await audit(shop, job)


async def test_killed_at_the_same_step_time_and_again_it_is_given_up(
    shop: JobHarness, processes: KillableProcesses, database_url: str
) -> None:
    job = await shop.ask(units=UNITS)
    for _ in range(5):
        assert await processes.die(database_url, job, "step:1")
        await shop.change(EXPIRE, job)
    await repair(shop, job)
    assert await shop.state(job) == "FAILED"
    assert await shop.effects(job) == []


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no longer answers is not waited for."""
    monkeypatch.setattr(pooled_connection, "CLOSE_SECONDS", 0.02)
    monkeypatch.setattr(worker, "FAREWELL_SECONDS", 0.1)


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("side", list(Sender), ids=lambda side: side.name.lower())
async def test_whatever_happens_to_the_connection_every_effect_is_there_once(
    shop: JobHarness, side: Sender, database_url: str
) -> None:
    undisturbed = await shop.ask(units=UNITS)
    exchange = (await run_through_proxy(shop, undisturbed, database_url, -1, None)).messages
    claimed = next(n for n, message in enumerate(exchange) if b"BEGIN" in message.raw)
    cases = 0
    for number, message in enumerate(exchange):
        for fault in FAULTS[side] if message.side is side else ():
            if fault.action is Action.HOLD and message.kind not in "QS":
                continue  # it takes its time, and is the same as at the Sync that follows
            job = await run_into(shop, number, fault, database_url)
            if number >= claimed and fault.action is not Action.HOLD:
                # Even a commit in doubt: the worker asks the count of steps, and goes on.
                assert await shop.state(job) == "SUCCEEDED", f"{fault} at {number}: {message}"
            while await shop.state(job) in ("QUEUED", "RUNNING"):
                await shop.change(MAKE_DUE, job)
                await shop.change(EXPIRE, job)
                await shop.run(job)
            await audit(shop, job)
            cases += 1
    assert cases >= 40


async def run_into(shop: JobHarness, number: int, fault: Fault, url: str) -> UUID:
    """A new job, run into the fault; a machine too slow to get there in time is given more."""
    seconds = HURRIED if fault.action is Action.HOLD else PATIENT
    while True:
        job = await shop.ask(units=UNITS)
        proxy = await run_through_proxy(shop, job, url, number, fault, seconds)
        if proxy.fired:
            return job
        assert seconds < PATIENT, f"{fault} never came to {number}"
        seconds *= 2


async def run_through_proxy(
    shop: JobHarness,
    job: UUID,
    url: str,
    number: int,
    fault: Fault | None,
    seconds: float = PATIENT,
) -> FaultProxy:
    """One worker; a fault at that message."""
    async with FaultProxy(url) as proxy:
        database = Database(Settings(pool_size=2), url=proxy.proxied_url)
        await database.read("SELECT 1", deadline=soon())
        proxy.arm(number, fault)
        working = shop.worker(database, job_margin_seconds=0.01)
        try:
            await working.run(job, deadline=soon(seconds))
        except PoutamaError:
            assert fault is not None
        proxy.rest()
        await database.close()
        assert database.pool.open_connections == 0
    return proxy
