"""A worker that is killed -9 on cue, by `tests.db.killable_processes` with URL JOB POINT.

POINT is `statement:N`, right after the N-th statement of the worker was answered, BEGIN and COMMIT
included, or `step:N`, within the N-th step. It exits with 0 when it comes to the job's end first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from uuid import UUID

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.settings import Settings
from tests.db.job_harness import CountStep, JobHarness, Returned, count, counting
from tests.db.sessions import soon


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def run(url: str, job: UUID, point: str) -> None:
    kind, _, number = point.partition(":")
    statements, steps = itertools.count(1), itertools.count(1)

    def watch(_: StatementTrace) -> None:
        if kind == "statement" and next(statements) == int(number):
            die()

    async def step(step: CountStep) -> Returned:
        if kind == "step" and next(steps) == int(number):
            die()
        return await count(step)

    database = Database(Settings(), url=url)
    shop = JobHarness(database, kinds={"COUNT": counting(step)})
    with database.observe(watch):
        await shop.worker().run(job, deadline=soon())
    await database.close()


def main(arguments: list[str]) -> None:
    url, job, point = arguments
    asyncio.run(run(url, UUID(job), point))
