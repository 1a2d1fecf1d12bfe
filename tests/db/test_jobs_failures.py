"""Jobs whose steps fail: tried again later, then reported to the person in words they can use."""

from __future__ import annotations

import json
import re

import asyncpg
import pytest

from poutama.db.transaction import Transaction
from poutama.errors import UnavailableError
from poutama.jobs.job import Empty, Finished, JobFailedError, Progress
from poutama.jobs.lease import ATTEMPTS_USED_UP, Lease, claim_job
from poutama.jobs.table import retry
from tests.db.job_harness import EXPIRE, MAKE_DUE, CountStep, JobHarness, Returned, count, counting
from tests.db.sessions import soon

SECRET = "postgresql://user:secret@database"


async def test_what_a_step_says_for_good_is_for_good(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        raise JobFailedError("The file holds no people.")

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "FAILED"
    row = await shop.row(job)
    assert row["failure"] == "The file holds no people."
    assert row["finished_at"] is not None
    (letter,) = shop.queue.dead_letters
    assert (letter.body, letter.reason) == (json.dumps({"job": str(job)}), row["failure"])
    assert await shop.messages() == []


async def test_a_poisoned_step_is_tried_again_later_and_later_then_no_more(
    shop: JobHarness, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    async def step(step: CountStep) -> Returned:
        if step.checkpoint.unit != 1:
            return await count(step)
        tries.append(step.attempt)
        raise ValueError(SECRET)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    for attempt in range(1, 5):
        assert await shop.run(job) == "QUEUED"
        row = await shop.row(job)
        waits = (row["not_before"] - row["updated_at"]).total_seconds()
        bound = 5.0 * 2 ** (attempt - 1)
        assert bound / 2 <= waits <= bound
        assert row["attempts"] == attempt
        await shop.change(MAKE_DUE, job)
    assert await shop.run(job) == "FAILED"
    assert tries == [1, 2, 3, 4, 5]
    failure = (await shop.row(job))["failure"]
    assert SECRET not in failure
    (number,) = re.findall(r"\b[0-9a-f]{32}\b", failure)
    assert [
        SECRET in str(record.exc_text) for record in caplog.records if number in record.message
    ] == [True]
    assert [letter.reason for letter in shop.queue.dead_letters] == [failure]
    assert await shop.effects(job) == [1]


async def test_a_step_that_works_again_is_forgiven(shop: JobHarness) -> None:
    broken = True

    async def step(step: CountStep) -> Returned:
        if broken and step.checkpoint.unit:
            raise UnavailableError("The files cannot be reached just now.")
        return await count(step)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask(units=4)
    for _ in range(4):
        assert await shop.run(job) == "QUEUED"
        await shop.change(MAKE_DUE, job)
    broken = False
    assert await shop.run(job) == "SUCCEEDED"
    assert (await shop.row(job))["failure"] is None
    assert await shop.effects(job) == [1, 2, 3, 4]


async def test_a_person_reads_what_is_safe_to_tell(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        raise UnavailableError("The files cannot be reached just now.")

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job, job_attempts=1) == "FAILED"
    assert (await shop.row(job))["failure"] == "The files cannot be reached just now."


async def test_a_step_that_ends_its_process_every_time_is_not_tried_for_ever(
    shop: JobHarness,
) -> None:
    job = await shop.ask()
    for attempt in range(1, 6):
        lease = await claim_job(shop.database, job, attempts=5, seconds=60, deadline=soon())
        assert isinstance(lease, Lease)
        assert lease.attempts == attempt
        await shop.change(EXPIRE, job)  # its worker sends no sign of life
    assert await shop.run(job) == "FAILED"
    assert (await shop.row(job))["failure"] == ATTEMPTS_USED_UP.format(attempts=5)
    assert len(shop.queue.dead_letters) == 1


async def test_a_claim_counts_until_a_step_is_done(shop: JobHarness) -> None:
    seen: list[int] = []

    async def step(step: CountStep) -> Returned:
        seen.append((await shop.row(step.job.id))["attempts"])
        return await count(step)

    shop.kinds["COUNT"] = counting(step)
    await shop.run(await shop.ask(units=3))
    assert seen == [1, 0, 0]


async def test_a_kind_that_is_not_known_yet_may_be_later(shop: JobHarness) -> None:
    job = await shop.ask("NEW")
    assert await shop.run(job) == "QUEUED"
    await shop.change(MAKE_DUE, job)
    shop.kinds["NEW"] = counting(count)
    assert await shop.run(job) == "SUCCEEDED"


@pytest.mark.parametrize("returned", [None, Progress(checkpoint=Empty()), {"unit": 1}])
async def test_a_step_that_gives_back_nonsense_has_failed(
    shop: JobHarness, returned: object
) -> None:
    async def step(step: CountStep) -> Returned:
        return returned  # type: ignore[return-value]

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job, job_attempts=1) == "FAILED"


async def test_effects_that_fail_leave_nothing(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        async def effects(transaction: Transaction) -> None:
            counted = await count(step)
            assert counted.effects is not None
            await counted.effects(transaction)
            if step.attempt == 1:
                raise ValueError

        return Finished(effects=effects, errors=(await count(step)).errors)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "QUEUED"
    assert (await shop.effects(job), await shop.errors(job)) == ([], [])
    await shop.change(MAKE_DUE, job)
    assert await shop.run(job) == "SUCCEEDED"
    assert (await shop.effects(job), await shop.errors(job)) == ([1], [(1, 1)])


async def test_effects_that_lose_a_race_run_again(shop: JobHarness, database_url: str) -> None:
    runs = 0
    other = await asyncpg.connect(database_url)

    async def step(step: CountStep) -> Returned:
        counted = await count(step)

        async def effects(transaction: Transaction) -> None:
            nonlocal runs
            runs += 1
            await transaction.fetch("SELECT name FROM person")
            if runs == 1:
                await other.execute("UPDATE person SET name = name || '?'")
            await transaction.execute("UPDATE person SET name = name || '!'")
            assert counted.effects is not None
            await counted.effects(transaction)

        return Finished(effects=effects, errors=counted.errors)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "SUCCEEDED"
    await other.close()
    assert runs == 2
    assert (await shop.effects(job), await shop.errors(job)) == ([1], [(1, 1)])


async def test_a_failed_job_can_be_tried_again_from_where_it_was(shop: JobHarness) -> None:
    async def step(step: CountStep) -> Returned:
        if step.checkpoint.unit:
            raise JobFailedError
        return await count(step)

    shop.kinds["COUNT"] = counting(step)
    job = await shop.ask()
    assert await shop.run(job) == "FAILED"
    shop.kinds["COUNT"] = counting(count)
    assert await retry(shop.database, job, deadline=soon())
    assert not await retry(shop.database, job, deadline=soon())
    assert await shop.worker().sweep(deadline=soon()) == 1
    (body,) = await shop.messages()
    await shop.worker().handle(body, deadline=soon())
    row = await shop.row(job)
    assert (row["state"], row["failure"]) == ("SUCCEEDED", None)
    assert await shop.effects(job) == [1, 2, 3]
