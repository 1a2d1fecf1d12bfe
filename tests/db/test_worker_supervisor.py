"""A worker process under supervision: it runs jobs by their ids, and is replaced when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.errors import UnavailableError
from poutama.jobs.job import Empty
from poutama.jobs.table import enqueue
from poutama.server.worker_supervisor import WorkerSupervisor, supervise_worker
from poutama.settings import Settings
from tests.db.job_harness import PERSON
from tests.db.sessions import soon

# The kind is unknown, so the job fails, at once: it was run.
SETTINGS = Settings(job_attempts=1)
LIMIT_SECONDS = 60.0


@pytest_asyncio.fixture
async def database(fresh_database_url: str) -> AsyncIterator[Database]:
    database = Database(SETTINGS, url=fresh_database_url)
    await database.write(
        "INSERT INTO person (id, email, name) VALUES ($1, 'ana@school.example', 'Ana')",
        [PERSON],
        deadline=soon(),
    )
    yield database
    await database.close()


@pytest_asyncio.fixture
async def supervisor(fresh_database_url: str, tmp_path: Path) -> AsyncIterator[WorkerSupervisor]:
    changes = {"database_url": fresh_database_url, "home": str(tmp_path)}
    supervisor = WorkerSupervisor({**os.environ, **SETTINGS.to_environment(**changes)})
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


async def enqueue_job(database: Database) -> UUID:
    async def work(transaction: Transaction) -> UUID:
        return await enqueue(transaction, "NOTHING", person_id=PERSON, input=Empty())

    return await run_transaction(database, work, deadline=soon())


async def failure_of(database: Database, job: UUID) -> str:
    """Wait until a job has failed; returns why."""
    statement = "SELECT failure FROM job WHERE id = $1 AND state = 'FAILED'"
    async with asyncio.timeout(LIMIT_SECONDS):
        while not (  # noqa: ASYNC110  another process's work, no event tells
            rows := await database.read(statement, [job], deadline=soon())
        ):
            await asyncio.sleep(0.02)
    return str(rows[0]["failure"])


def worker_of(supervisor: WorkerSupervisor) -> asyncio.subprocess.Process:
    assert supervisor._process is not None
    return supervisor._process


async def test_it_runs_a_job_whose_id_it_receives(
    database: Database, fresh_database_url: str, tmp_path: Path
) -> None:
    # GIVEN a worker that has done what was due when it started
    due = await enqueue_job(database)
    async with supervise_worker(SETTINGS, fresh_database_url, tmp_path) as wake:
        await failure_of(database, due)
        job = await enqueue_job(database)
        await wake(job)

        assert await failure_of(database, job) == "Job kind NOTHING not found in this release."


async def test_files_of_the_current_folder_are_not_modules(
    database: Database, fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uuid.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    job = await enqueue_job(database)
    async with supervise_worker(SETTINGS, fresh_database_url, tmp_path):
        assert await failure_of(database, job)


async def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(
    database: Database, supervisor: WorkerSupervisor, caplog: pytest.LogCaptureFixture
) -> None:
    first = worker_of(supervisor)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    job = await enqueue_job(database)
    with pytest.raises(UnavailableError):
        await supervisor.wake(job)

    supervising = asyncio.create_task(supervisor.supervise())
    try:
        assert await failure_of(database, job)
    finally:
        supervising.cancel()
    assert worker_of(supervisor).pid != first.pid
    assert "the worker ended (killed by SIGKILL)" in caplog.text


async def test_a_worker_ends_when_its_input_ends(supervisor: WorkerSupervisor) -> None:
    worker = worker_of(supervisor)
    assert worker.stdin is not None
    worker.stdin.close()

    async with asyncio.timeout(LIMIT_SECONDS):
        assert await worker.wait() == 0


async def test_a_worker_ends_by_itself_on_sigterm(
    database: Database, supervisor: WorkerSupervisor
) -> None:
    # GIVEN it listens, for it has worked already
    job = await enqueue_job(database)
    await supervisor.wake(job)
    await failure_of(database, job)
    worker = worker_of(supervisor)
    worker.send_signal(signal.SIGTERM)

    async with asyncio.timeout(LIMIT_SECONDS):
        assert await worker.wait() == 0


def test_another_process_reads_the_settings_that_were_written() -> None:
    settings = replace(SETTINGS, introspection=False, database_tls="disable", budget_refill=0.5)

    written = settings.to_environment(home="/elsewhere")

    assert Settings.from_environment(written) == replace(settings, home="/elsewhere")
