"""A worker is killed at every event of an export, and has little memory: the result is the same."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from tests.db.job_harness import EXPIRE
from tests.db.journey_exporter import JourneyExporter
from tests.db.killable_processes import KillableProcesses, open_processes
from tests.db.sessions import soon

ROOT = Path(__file__).parents[2]
NEVER = 0
# Begin; read one page, print one volume and pack, each with one object; tidy up.
EVENTS = 2 + 3 * 4 + 4
MORE_MEMORY = 110_000
"""Kilobytes that fifty times the goals may need more: what the allocator keeps, and a volume.

What the layout of each volume left behind would be ten times as much.
"""


@pytest_asyncio.fixture(scope="module")
async def processes() -> AsyncIterator[KillableProcesses]:
    async with open_processes("tests.db.export_worker") as processes:
        yield processes


async def run_alone(exporter: JourneyExporter, url: str, job: UUID, event: int) -> tuple[int, str]:
    """Run a worker in a process that imports it anew; returns its code and what it printed."""
    arguments = (url, str(exporter.folder), str(job), str(event))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.db.export_worker", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_a_worker_killed_at_any_event_was_never_there(
    exporter: JourneyExporter, processes: KillableProcesses, database_url: str
) -> None:
    await exporter.add_evidence("Photo", b"content", None)
    whole = await exporter.wish()
    assert await exporter.run(whole) == "SUCCEEDED"
    expected = await exporter.result(whole)
    for event in range(1, EVENTS + 1):
        job = await exporter.wish()
        assert await processes.die(database_url, exporter.folder, job, event)
        await exporter.database.write(EXPIRE, [job], deadline=soon())
        assert await exporter.run(job) == "SUCCEEDED"
        row = await exporter.row(job)
        assert await exporter.result(job) == expected
        assert (row["done"], row["total"], row["steps"]) == (4, 4, 5)
        folder = row["result_key"].removesuffix("/journey.zip")
        assert [key for key in await exporter.keys() if key.startswith(folder)] == [
            row["result_key"]
        ]
    code, printed = await run_alone(exporter, database_url, await exporter.wish(), NEVER)
    assert (code, int(printed.split()[0])) == (0, EVENTS)


async def test_five_thousand_goals_are_exported_in_the_memory_of_a_hundred(
    exporter: JourneyExporter, database_url: str
) -> None:
    await exporter.add_goals(100, tasks=2)
    _, printed = await run_alone(exporter, database_url, await exporter.wish(), NEVER)
    few = int(printed.split()[1])
    await exporter.add_goals(4_900, tasks=2)
    code, printed = await run_alone(exporter, database_url, await exporter.wish(), NEVER)
    many = int(printed.split()[1])
    assert code == 0
    assert many < few + MORE_MEMORY, f"{few} kB, then {many} kB"
    print(f"{few} kB, then {many} kB")
