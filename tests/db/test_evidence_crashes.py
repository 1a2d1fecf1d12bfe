"""A worker is killed at every point of its way: as if it had not, and nothing is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.db.studio import DELETE, EXPIRE, Studio
from tests.db.victims import Victims, open_victims
from tests.unit.features import photos

FIT, UNFIT = photos.photo("JPEG", orientation=6), photos.photo("JPEG")[:500]
FATES = {"READY": FIT, "REJECTED": UNFIT, "deleted": FIT}


@pytest_asyncio.fixture(scope="module")
async def victims() -> AsyncIterator[Victims]:
    async with open_victims("tests.db.crash_evidence") as victims:
        yield victims


@pytest.mark.parametrize("fate", FATES)
async def test_a_worker_killed_anywhere_was_never_there(
    studio: Studio, victims: Victims, database_url: str, fate: str
) -> None:
    number, killed = 0, True
    expected: dict[str, object] | None = None
    while killed:
        number += 1
        evidence = (await studio.add(FATES[fate], "image/jpeg"))["id"]
        await studio.upload(evidence, FATES[fate])
        await studio.finish(evidence)
        job = (await studio.row(evidence))["job_id"]
        killed = await victims.die(database_url, studio.folder, job, number)
        await studio.audit()
        if fate == "deleted":
            await studio.ask(DELETE, i={"evidenceId": evidence})
            await studio.sweep()
        await studio.write(EXPIRE)
        await studio.run(job)
        await studio.audit()
        await studio.sweep()
        if fate == "deleted":
            assert await studio.objects() == set()
            continue
        seen = await studio.see(evidence)
        result = {name: seen[name] for name in ("state", "rejection", "bytes", "sha256", "version")}
        expected = expected or result
        assert result == expected
        assert result["state"] == fate
        assert await studio.objects() == ({"file", "thumbnail"} if fate == "READY" else set())
        await studio.ask(DELETE, i={"evidenceId": evidence})
        await studio.sweep()
        assert await studio.objects() == set()
    # Statements, and twice whatever is done to the store.
    assert number > 12
