"""`poutama jobs`, as it is typed."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import UUID

from poutama.jobs.job import JobFailedError, Progress
from tests.db.job_harness import PERSON, Counted, CountStep, JobHarness, Returned, counting

PROGRAM = "from poutama.commands.main import main; main()"

NOT_WAITING = "not found, or neither QUEUED nor RUNNING; `poutama jobs` lists them\n"


async def jobs(url: str, *words: str) -> tuple[int, str]:
    """Exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "jobs", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "POUTAMA_DATABASE_URL": url},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_jobs_are_listed_tried_again_and_stopped(shop: JobHarness, database_url: str) -> None:
    async def step(step: CountStep) -> Returned:
        if step.checkpoint.unit:
            raise JobFailedError("There is no [red]bus[/red].")
        return Progress(checkpoint=Counted(1), done=1_000, total=2_000)

    shop.kinds["BUS"] = counting(step)
    failed, waiting = await shop.ask("BUS"), await shop.ask()
    await shop.run(failed)

    code, listed = await jobs(database_url)
    assert code == 0
    (line,) = [line for line in listed.splitlines() if str(failed) in line]
    assert line.split()[1:6] == ["BUS", "FAILED", "1,000", "of", "2,000"]
    assert str(PERSON) in line
    assert "There is no [red]bus[/red]." in line
    assert str(waiting) in listed

    _, listed = await jobs(database_url, "--state", "QUEUED")
    assert str(waiting) in listed
    assert str(failed) not in listed

    assert (await jobs(database_url, "cancel", str(waiting)))[0] == 0
    assert await shop.state(waiting) == "CANCELLED"
    code, printed = await jobs(database_url, "cancel", str(waiting))
    assert (code, printed) == (1, f"poutama: job {waiting}: {NOT_WAITING}")

    assert (await jobs(database_url, "retry", str(failed)))[0] == 0
    assert await shop.state(failed) == "QUEUED"
    code, printed = await jobs(database_url, "retry", str(UUID(int=0)))
    assert code == 1
    assert "not found, or neither FAILED nor CANCELLED" in printed


async def test_a_database_without_tables_has_no_jobs(postgres_url: str) -> None:
    code, printed = await jobs(postgres_url)
    assert (code, printed) == (1, "poutama: there are no jobs yet: run `poutama migrate` first\n")
