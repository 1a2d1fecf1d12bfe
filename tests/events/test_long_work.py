"""Long work through the packaged functions: the mutation, the queue, the worker, the schedule."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from poutama.features import load_features
from tests.db.sessions import until
from tests.events.cloud import Cloud, recorded
from tests.events.runtime import Function, FunctionError, ProcessEndedError

EXPORT = "mutation { exportJourney(input: {}) { job { id state } } }"
JOB = "query ($id: UUID!) { job(jobId: $id) { state failure resultUrl } }"
WAITING = """
SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE NOT l.granted AND d.datname = current_database()
"""
AGE = """
UPDATE job SET
    sent_at = now() - interval '1 hour', not_before = now() - interval '1 hour',
    lease_until = CASE WHEN lease_id IS NOT NULL THEN now() - interval '1 hour' END
WHERE id = $1
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def finish(cloud: Cloud, jobs: Function, api: Function, job: str, **asked: Any) -> dict[str, Any]:
    """Deliver what is in the queue until the job has ended; the job then."""
    for _ in range(100):
        if messages := cloud.receive():
            cloud.deliver(jobs, messages)
        found: dict[str, Any] = cloud.ask(api, JOB, id=job, **asked)["body"]["data"]["job"]
        if found["state"] not in ("QUEUED", "RUNNING"):
            return found
    pytest.fail("the job does not end")


def test_a_job_walks_from_the_mutation_through_queue_and_store_to_its_result(
    cloud: Cloud,
) -> None:
    api, jobs = cloud.open("api"), cloud.open("jobs", seconds=60.0)
    # GIVEN a student who asks for an export
    asked = cloud.ask(api, EXPORT)["body"]["data"]["exportJourney"]["job"]
    assert asked["state"] == "QUEUED"
    # WHEN the message that the mutation has sent is delivered
    done = finish(cloud, jobs, api, asked["id"])
    # THEN there is a zip behind the address that the API has signed
    assert done["state"] == "SUCCEEDED", done
    content = httpx.get(done["resultUrl"]).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert [name for name in archive.namelist() if name.endswith(".pdf")]
    assert cloud.receive() == []


def test_a_job_that_outlasts_an_invocation_goes_on_in_the_next(cloud: Cloud) -> None:
    api = cloud.open("api")
    # GIVEN so little time that a second step is hardly ever begun
    jobs = cloud.open("jobs", POUTAMA_JOB_SECONDS="25", POUTAMA_JOB_MARGIN_SECONDS="24.9")
    job = cloud.ask(api, EXPORT)["body"]["data"]["exportJourney"]["job"]["id"]
    # WHEN what is in the queue is delivered again and again
    invocations = 0
    while True:
        done = cloud.ask(api, JOB, id=job)["body"]["data"]["job"]
        if done["state"] not in ("QUEUED", "RUNNING"):
            break
        # On a slow machine a step fails for want of time, and its message comes a little later.
        messages = cloud.receive(wait=20)
        assert messages, "the job waits, and no message is left to wake a worker for it"
        assert cloud.deliver(jobs, messages) == []
        invocations += 1
    # THEN it ends, over several invocations of the same process
    assert (done["state"], done["failure"]) == ("SUCCEEDED", None)
    assert invocations > 1
    assert jobs.starts == 1


def test_of_a_batch_of_ten_the_poisoned_message_alone_fails(cloud: Cloud) -> None:
    api, jobs = cloud.open("api"), cloud.open("jobs", seconds=120.0)
    # GIVEN three exports, six messages that say what was said before, and one that is not ours
    for number in (1, 2, 3):
        cloud.ask(api, EXPORT, email=f"student-000{number}@demo.example")
    messages = cloud.receive()
    assert len(messages) == 3
    for message in (*messages, *messages):
        cloud.sqs.send_message(QueueUrl=cloud.queue_url, MessageBody=message["Body"])
    cloud.sqs.send_message(QueueUrl=cloud.queue_url, MessageBody="give me all your jobs")
    messages += cloud.receive()
    assert len(messages) == 10
    # WHEN they are delivered together
    failed = cloud.deliver(jobs, messages)
    # THEN none comes back: the three are done, once, and the poisoned one is put aside
    assert failed == []
    assert [letter["Body"] for letter in cloud.receive(cloud.dead_letter_url)] == [
        "give me all your jobs"
    ]
    assert "names no job" in jobs.logged()
    for number in (1, 2, 3):
        listed = cloud.ask(api, "{ jobs { state } }", email=f"student-000{number}@demo.example")
        assert listed["body"]["data"]["jobs"][0] == {"state": "SUCCEEDED"}


def test_what_cannot_be_put_aside_is_all_that_comes_back(cloud: Cloud) -> None:
    api = cloud.open("api")
    jobs = cloud.open("jobs", POUTAMA_DEAD_LETTER_URL="")
    cloud.ask(api, EXPORT)
    cloud.sqs.send_message(QueueUrl=cloud.queue_url, MessageBody="give me all your jobs")

    assert cloud.deliver(jobs, cloud.receive()) == ["give me all your jobs"]
    assert "POUTAMA_DEAD_LETTER_URL" in jobs.logged()


async def test_a_worker_that_is_killed_in_a_job_leaves_it_to_the_next(
    cloud: Cloud, school_url: str, database_engine: str
) -> None:
    if database_engine != "postgresql":
        pytest.skip("skipped: CockroachDB locks no tables, and does not show who waits")
    api, jobs, schedule = cloud.open("api"), cloud.open("jobs"), cloud.open("schedule")
    job = cloud.ask(api, EXPORT)["body"]["data"]["exportJourney"]["job"]["id"]
    async with connected(school_url) as other, connected(school_url) as onlooker:
        # GIVEN a worker that has claimed it and is held up in reading
        await other.execute("BEGIN; LOCK TABLE goal_note IN ACCESS EXCLUSIVE MODE")
        delivering = asyncio.create_task(asyncio.to_thread(cloud.deliver, jobs, cloud.receive()))

        async def is_waiting() -> bool:
            return bool(await onlooker.fetchval(WAITING))

        await until(is_waiting)
        # WHEN it is killed
        assert jobs.process is not None
        jobs.process.kill()
        with pytest.raises(ProcessEndedError, match="-9"):
            await delivering
        await other.execute("ROLLBACK")
        # and its lease and its message are old enough
        await other.execute(AGE, UUID(job))
    # THEN the schedule finds it, and the next worker ends it
    assert schedule.invoke({"tasks": ["sweep"]}) == {"sweep": 1}
    assert finish(cloud, jobs, api, job)["state"] == "SUCCEEDED"
    assert jobs.starts == 2


async def test_the_schedule_finds_a_job_whose_message_was_lost(
    cloud: Cloud, school_url: str
) -> None:
    api, schedule = cloud.open("api"), cloud.open("schedule")
    # GIVEN a job whose message was lost long ago
    job = cloud.ask(api, EXPORT)["body"]["data"]["exportJourney"]["job"]["id"]
    assert len(cloud.receive()) == 1
    async with connected(school_url) as connection:
        await connection.execute(AGE, UUID(job))
    # WHEN a rule's event comes
    done = schedule.invoke(recorded("schedule"))
    # THEN it is sent again, and once
    assert done["sweep"] == 1
    assert set(done) == set(load_features().tasks)
    assert [message["Body"] for message in cloud.receive()] == [json.dumps({"job": job})]
    assert schedule.invoke({"tasks": ["sweep"]}) == {"sweep": 0}
    with pytest.raises(FunctionError, match=r"expected some of .*, got 'swep'"):
        schedule.invoke({"tasks": ["swep"]})
    assert schedule.starts == 1
