"""A worker is killed at every point of its way: as if it had not, and nothing is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.db.evidence_harness import DELETE, EXPIRE, EvidenceHarness
from tests.db.killable_processes import KillableProcesses, open_processes
from tests.unit.features import photos

FIT, UNFIT = photos.photo("JPEG", orientation=6), photos.photo("JPEG")[:500]
FATES = {"READY": FIT, "REJECTED": UNFIT, "deleted": FIT}


@pytest_asyncio.fixture(scope="module")
async def processes() -> AsyncIterator[KillableProcesses]:
    async with open_processes("tests.db.crash_evidence") as processes:
        yield processes


@pytest.mark.parametrize("fate", FATES)
async def test_a_worker_killed_anywhere_was_never_there(
    harness: EvidenceHarness, processes: KillableProcesses, database_url: str, fate: str
) -> None:
    number, killed = 0, True
    expected: dict[str, object] | None = None
    while killed:
        number += 1
        evidence = (await harness.add(FATES[fate], "image/jpeg"))["id"]
        await harness.upload(evidence, FATES[fate])
        await harness.finish(evidence)
        job = (await harness.row(evidence))["job_id"]
        killed = await processes.die(database_url, harness.folder, job, number)
        await harness.audit()
        if fate == "deleted":
            await harness.ask(DELETE, i={"evidenceId": evidence})
            await harness.sweep()
        await harness.write(EXPIRE)
        await harness.run(job)
        await harness.audit()
        await harness.sweep()
        if fate == "deleted":
            assert await harness.objects() == set()
            continue
        seen = await harness.see(evidence)
        result = {name: seen[name] for name in ("state", "rejection", "bytes", "sha256", "version")}
        expected = expected or result
        assert result == expected
        assert result["state"] == fate
        assert await harness.objects() == ({"file", "thumbnail"} if fate == "READY" else set())
        await harness.ask(DELETE, i={"evidenceId": evidence})
        await harness.sweep()
        assert await harness.objects() == set()
    # Statements, and twice whatever is done to the store.
    assert number > 12
