"""Jobs from being asked for to their end, one worker at a time."""

from __future__ import annotations

import asyncio
import json
import time
from uuid import UUID

import pytest

from poutama.db.trace import StatementTrace
from poutama.db.transaction import Transaction
from poutama.jobs.job import Finished, RowError
from poutama.jobs.lease import claim_job
from poutama.jobs.table import enqueue
from tests.db.job_harness import (
    AGE,
    EXPIRE,
    MAKE_DUE,
    PERSON,
    CountStep,
    JobHarness,
    Returned,
    Units,
    count,
    counting,
)
from tests.db.sessions import soon


async def for_ever(step: CountStep) -> Returned:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_job_is_worked_off_step_by_step(shop: JobHarness) -> None:
    job = await shop.ask(units=3)
    before = await shop.row(job)
    assert (before["state"], before["done"], before["total"]) == ("QUEUED", 0, None)
    assert await shop.run(job) == "SUCCEEDED"
    after = await shop.row(job)
    assert (after["done"], after["total"], after["steps"], after["attempts"]) == (3, 3, 3, 0)
    assert (after["result_key"], after["result_name"]) == ("key", "count.zip")
    assert after["lease_id"] is None
    assert before["created_at"] <= after["started_at"] <= after["finished_at"]
    assert after["version"] == before["version"] + 4
    assert await shop.effects(job) == [1, 2, 3]
    assert await shop.errors(job) == [(1, 1), (2, 3)]


async def test_a_claim_is_one_statement_and_a_step_one_transaction(shop: JobHarness) -> None:
    job = await shop.ask(units=2)
    traces: list[StatementTrace] = []
    with shop.database.observe(traces.append):
        await shop.run(job)
    assert [trace.name for trace in traces] == [
        "claim",
        # The fence, the effects, the row errors.
        *("step/begin", "step/1", "step/2", "step/3", "step/commit"),
        *("step/begin", "step/1", "step/2", "step/commit"),
    ]


async def test_what_has_ended_is_not_run_again(shop: JobHarness) -> None:
    job = await shop.ask(units=1)
    assert await shop.run(job) == "SUCCEEDED"
    assert await shop.run(job) is None
    assert await shop.effects(job) == [1]


async def test_a_job_that_is_gone_is_nothing_to_do(shop: JobHarness) -> None:
    assert await shop.run(PERSON) is None


async def test_a_message_runs_its_job(shop: JobHarness) -> None:
    job = await shop.ask()
    worker = shop.worker()
    await worker.wake(job)
    (body,) = await shop.messages()
    await worker.handle(body, deadline=soon())
    assert await shop.state(job) == "SUCCEEDED"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "{}", "1", "null", '{"job": 5}', '{"job": "x"}', '{"job": null}', "[" * 9_999],
)
async def test_a_message_that_is_not_ours_is_dead_lettered(shop: JobHarness, body: str) -> None:
    await shop.worker().handle(body, deadline=soon())
    (letter,) = shop.queue.dead_letters
    assert (letter.body, letter.reason) == (body, 'Expected {"job": "<uuid>"}.')


async def test_a_message_that_comes_too_early_comes_again(shop: JobHarness) -> None:
    job = await shop.ask()
    await shop.change(
        "UPDATE job SET not_before = now() + interval '0.1 seconds' WHERE id = $1::uuid", job
    )
    assert await shop.run(job) is None
    (message,) = await shop.queue.receive(wait=10)
    await shop.worker().handle(message.body, deadline=soon())
    assert await shop.state(job) == "SUCCEEDED"


async def test_row_errors_are_kept_in_order_whatever_is_in_them(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        nasty = RowError(file="ā\0.csv", line=7, field="\ud800", code="BAD", message="x\0" * 5_000)
        return Finished(errors=[nasty, *(replace_line(nasty, line) for line in range(8, 300))])

    def replace_line(error: RowError, line: int) -> RowError:
        return RowError(
            file=error.file, line=line, field=error.field, code=error.code, message="'\"\\"
        )

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "SUCCEEDED"
    assert await shop.errors(job) == [(line - 6, line) for line in range(7, 300)]


async def test_a_step_can_ask_for_another_job(shop: JobHarness) -> None:
    asked: list[UUID] = []

    async def step(step: CountStep) -> Returned:
        async def effects(transaction: Transaction) -> None:
            asked.append(await enqueue(transaction, "COUNT", person_id=PERSON, input=Units(1)))

        return Finished(effects=effects)

    shop.kinds["PARENT"] = counting(step)
    await shop.run(await shop.ask("PARENT"))
    assert await shop.messages() == [json.dumps({"job": str(asked[-1])})]
    assert await shop.run(asked[-1]) == "SUCCEEDED"


# When the time is up


async def test_a_job_may_last_longer_than_any_worker(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        # As much as there is time for.
        await asyncio.sleep(step.deadline - time.monotonic())
        return await count(step)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask(units=4)
    worker = shop.worker(job_margin_seconds=0.5)
    await worker.wake(job)
    invocations = 0
    while await shop.state(job) != "SUCCEEDED":
        (message,) = await shop.queue.receive(wait=10)
        invocations += 1
        await worker.handle(message.body, deadline=time.monotonic() + 1.0)
    assert invocations == 4
    assert await shop.effects(job) == [1, 2, 3, 4]
    assert (await shop.row(job))["attempts"] == 0


async def test_no_step_is_begun_when_there_is_no_time_for_one(shop: JobHarness) -> None:
    job = await shop.ask()
    assert await shop.run(job, seconds=0.9) == "QUEUED"
    row = await shop.row(job)
    assert (row["steps"], row["attempts"]) == (0, 0)
    assert await shop.messages() == [json.dumps({"job": str(job)})]


async def test_a_step_that_does_not_end_in_time_is_cancelled(shop: JobHarness) -> None:
    shop.kinds["COUNT"] = counting(for_ever)
    job = await shop.ask()
    # A machine too slow to begin a step in time does so the next time.
    while await shop.run(job, seconds=0.3, job_margin_seconds=0.2) == "QUEUED":
        await shop.change(MAKE_DUE, job)
    row = await shop.row(job)
    assert (row["state"], row["attempts"]) == ("FAILED", 5)
    assert "longer than a worker has" in row["failure"]


async def test_a_step_that_began_late_gets_a_whole_turn(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        return await (for_ever if step.checkpoint.unit else count)(step)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job, seconds=1.2, job_margin_seconds=0.2) == "QUEUED"
    row = await shop.row(job)
    assert (row["steps"], row["attempts"]) == (1, 0)
    assert row["not_before"] <= row["updated_at"]


async def test_a_worker_that_is_told_to_stop_lets_its_job_go(shop: JobHarness) -> None:
    begun = asyncio.Event()

    async def step(step: CountStep) -> Returned:
        begun.set()
        return await for_ever(step)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    running = asyncio.create_task(shop.run(job))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    row = await shop.row(job)
    assert (row["state"], row["attempts"]) == ("QUEUED", 0)
    assert await shop.messages() == [json.dumps({"job": str(job)})]


# What the sweep finds


async def test_the_sweep_sends_what_was_lost_once(shop: JobHarness) -> None:
    lost, _, waiting, crashed, running = [await shop.ask() for _ in range(5)]
    for job in (lost, waiting):
        await shop.change(AGE, job)
    await shop.change(
        "UPDATE job SET not_before = now() + interval '1 hour' WHERE id = $1::uuid", waiting
    )
    for job in (crashed, running):
        await claim_job(shop.database, job, attempts=5, seconds=60, deadline=soon())
    await shop.change(EXPIRE, crashed)
    worker = shop.worker()
    sent = await asyncio.gather(worker.sweep(deadline=soon()), worker.sweep(deadline=soon()))
    assert sum(sent) == 2
    assert sorted(await shop.messages()) == sorted(
        json.dumps({"job": str(job)}) for job in (lost, crashed)
    )
    assert await worker.sweep(deadline=soon()) == 0


async def test_a_process_whose_queue_is_new_sends_everything_that_is_due(shop: JobHarness) -> None:
    job = await shop.ask()
    assert await shop.worker().sweep(deadline=soon(), idle=0) == 1
    assert await shop.messages() == [json.dumps({"job": str(job)})]
