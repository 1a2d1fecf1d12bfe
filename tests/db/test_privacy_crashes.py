"""A worker that erases is killed at every point: the person is whole or gone, and then gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from poutama.features.privacy.inputs import ERASURE
from poutama.features.privacy.job import ERASURE_JOB
from tests.db.evidence_harness import EXPIRE, EvidenceHarness
from tests.db.killable_processes import KillableProcesses, open_processes
from tests.db.sample_people import viewer_for
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

STUDENT = id_of(Caller.STUDENT)
REQUEST = "mutation { requestErasure(input: {}) { privacyRequest { id } } }"
ACCEPT = """
mutation ($id: UUID!) { acceptPrivacyRequest(input: { privacyRequestId: $id }) {
  privacyRequest { job { id } } } }
"""
COUNTS = """
SELECT (SELECT count(*) FROM person WHERE id = $1::uuid) AS people,
    (SELECT count(*) FROM goal WHERE person_id = $1::uuid) AS goals,
    (SELECT count(*) FROM privacy_request WHERE receipt IS NOT NULL) AS receipts,
    (SELECT count(*) FROM audit_entry
        WHERE row_id = $1::uuid AND action = 'DELETE') AS entries
"""
WHOLE, GONE = (1, 1, 0, 0), (0, 0, 1, 1)


@pytest_asyncio.fixture(scope="module")
async def processes() -> AsyncIterator[KillableProcesses]:
    async with open_processes("tests.db.crash_privacy") as processes:
        yield processes


async def test_an_eraser_killed_anywhere_leaves_the_person_whole_or_gone(
    harness: EvidenceHarness, processes: KillableProcesses, database_url: str
) -> None:
    harness.kinds[ERASURE] = ERASURE_JOB
    number, killed, seen = 0, True, set()
    job = await _accept_request(harness)
    while killed:
        number += 1
        killed = await processes.die(database_url, harness.folder, job, number)
        between = await _count(harness)
        seen.add(between)
        files = {info.key async for info in harness.store.list("")}
        scheduled = {row["key"] for row in await harness.read("SELECT key FROM doomed_object")}
        await harness.write(EXPIRE)
        if between == WHOLE:
            assert len(files) == 2
            assert not scheduled
            # The next worker is killed one point later, or not at all.
            await harness.write("UPDATE job SET attempts = 0")
            continue
        assert between == GONE
        assert files <= scheduled
        await harness.run(job)
        assert await _count(harness) == GONE
        await harness.sweep()
        assert await harness.objects() == set()
        if killed:
            job = await _accept_request(harness)
    assert seen == {WHOLE, GONE}
    # Every statement of the erasure.
    assert number > 15


async def _accept_request(harness: EvidenceHarness) -> UUID:
    """A student with an export, whose request for erasure is accepted; the job."""
    await harness.set_up()
    await harness.write("DELETE FROM doomed_object")
    for name in ("journey.zip", "parts/1"):
        key = f"people/{STUDENT}/exports/x/{name}"
        await harness.store.put(key, b"a part", media_type="application/zip")
    client = EngineClient(harness.database, "json")
    made = await client.ask(REQUEST, viewer_for(Caller.STUDENT))
    request = made["requestErasure"]["privacyRequest"]["id"]
    accepted = await client.ask(ACCEPT, viewer_for(Caller.ADMIN), id=request)
    return UUID(accepted["acceptPrivacyRequest"]["privacyRequest"]["job"]["id"])


async def _count(harness: EvidenceHarness) -> tuple[int, ...]:
    (row,) = await harness.read(COUNTS, STUDENT)
    return tuple(row)
