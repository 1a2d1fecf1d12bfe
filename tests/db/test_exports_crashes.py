"""A worker is killed at every event of an export, and has little memory: the result is the same."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest_asyncio

from tests.db.bureau import Bureau
from tests.db.sessions import soon
from tests.db.victims import Victims, open_victims
from tests.db.workshop import EXPIRE

ROOT = Path(__file__).parents[2]
NEVER = 0
# Begin; read one page, print one volume and pack, each with one object; tidy up.
EVENTS = 2 + 3 * 4 + 4
MORE_MEMORY = 40_000
"""Kilobytes that fifty times the goals may need more: what the allocator keeps, and a volume."""


@pytest_asyncio.fixture(scope="module")
async def victims() -> AsyncIterator[Victims]:
    async with open_victims("tests.db.export_worker") as victims:
        yield victims


async def run_alone(bureau: Bureau, url: str, job: UUID, event: int) -> tuple[int, str]:
    """Run a worker in a process that imports it anew; returns its code and what it printed."""
    arguments = (url, str(bureau.folder), str(job), str(event))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.db.export_worker", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_a_worker_killed_at_any_event_was_never_there(
    bureau: Bureau, victims: Victims, database_url: str
) -> None:
    await bureau.add_evidence("Photo", b"content", None)
    whole = await bureau.wish()
    assert await bureau.run(whole) == "SUCCEEDED"
    expected = await bureau.result(whole)
    for event in range(1, EVENTS + 1):
        job = await bureau.wish()
        assert await victims.die(database_url, bureau.folder, job, event)
        await bureau.database.write(EXPIRE, [job], deadline=soon())
        assert await bureau.run(job) == "SUCCEEDED"
        row = await bureau.row(job)
        assert await bureau.result(job) == expected
        assert (row["done"], row["total"], row["steps"]) == (4, 4, 5)
        folder = row["result_key"].removesuffix("/journey.zip")
        assert [key for key in await bureau.keys() if key.startswith(folder)] == [row["result_key"]]
    code, printed = await run_alone(bureau, database_url, await bureau.wish(), NEVER)
    assert (code, int(printed.split()[0])) == (0, EVENTS)


async def test_five_thousand_goals_are_exported_in_the_memory_of_a_hundred(
    bureau: Bureau, database_url: str
) -> None:
    await bureau.add_goals(100, tasks=2)
    _, printed = await run_alone(bureau, database_url, await bureau.wish(), NEVER)
    few = int(printed.split()[1])
    await bureau.add_goals(4_900, tasks=2)
    code, printed = await run_alone(bureau, database_url, await bureau.wish(), NEVER)
    many = int(printed.split()[1])
    assert code == 0
    assert many < few + MORE_MEMORY, f"{few} kB, then {many} kB"
    print(f"{few} kB, then {many} kB")
