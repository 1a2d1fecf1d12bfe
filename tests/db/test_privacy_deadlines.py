"""A request for access or erasure is not forgotten, and its receipt is read after the erasure."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from poutama.db.connection import Database
from poutama.db.trace import StatementTrace
from poutama.edge.http import Api, Executor, Request, Response, Verifier
from poutama.edge.public_pages import open_pages
from poutama.features import load_features
from poutama.features.privacy.inputs import ERASURE
from poutama.features.privacy.job import ERASURE_JOB
from poutama.settings import Settings
from tests.db.evidence_harness import EvidenceHarness
from tests.db.sample_people import viewer_for
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.golden.engine_client import EngineClient

ERASE = "mutation { requestErasure(input: {}) { privacyRequest { id receiptCode } } }"
ACCESS = "mutation { requestAccess(input: {}) { privacyRequest { id receiptCode } } }"
ACCEPT = """
mutation ($id: UUID!) { acceptPrivacyRequest(input: { privacyRequestId: $id }) {
  privacyRequest { reminder } } }
"""
URGENT = """
{ organisations { privacyRequestsConnection(filter: { reminder: { in: [DUE_SOON, OVERDUE] } }) {
  nodes { id reminder } } } }
"""
DUE = "UPDATE privacy_request SET due_at = now() + $2::int8 * interval '1 day' WHERE id = $1::uuid"


@pytest.fixture
async def harness(engine_database: Database, tmp_path: Path) -> EvidenceHarness:
    harness = EvidenceHarness(engine_database, tmp_path / "store")
    await harness.set_up()
    harness.kinds[ERASURE] = ERASURE_JOB
    return harness


@pytest.fixture
def client(engine_database: Database) -> EngineClient:
    return EngineClient(engine_database, "json")


async def begin(client: EngineClient, document: str = ERASE) -> Any:
    (payload,) = (await client.ask(document, viewer_for(Caller.STUDENT))).values()
    return payload["privacyRequest"]


async def accept(client: EngineClient, harness: EvidenceHarness, request: str) -> UUID:
    await client.ask(ACCEPT, viewer_for(Caller.ADMIN), id=request)
    (row,) = await harness.read("SELECT job_id FROM privacy_request WHERE id = $1", UUID(request))
    job: UUID = row["job_id"]
    return job


async def remind(harness: EvidenceHarness) -> int:
    return await run_task("remind_of_requests", harness.database, harness.store)


async def urgent(client: EngineClient) -> list[str]:
    answer = await client.ask(URGENT, viewer_for(Caller.ADMIN))
    (organisation,) = answer["organisations"]
    return [each["reminder"] for each in organisation["privacyRequestsConnection"]["nodes"]]


async def test_deciders_are_reminded_before_and_after_the_time_is_over(
    harness: EvidenceHarness, client: EngineClient, caplog: pytest.LogCaptureFixture
) -> None:
    request = (await begin(client))["id"]
    await harness.write("DELETE FROM privacy_request WHERE id <> $1", UUID(request))
    await harness.write(DUE, UUID(request), 8)
    assert (await remind(harness), await urgent(client)) == (0, [])
    await harness.write(DUE, UUID(request), 6)
    with caplog.at_level(logging.WARNING):
        assert (await remind(harness), await urgent(client)) == (1, ["DUE_SOON"])
        await harness.write(DUE, UUID(request), -1)
        assert (await remind(harness), await urgent(client)) == (1, ["OVERDUE"])
        # Accepted is not done: a job that fails must not let the time go by.
        job = await accept(client, harness, request)
        assert (await remind(harness), await urgent(client)) == (1, ["OVERDUE"])
    assert [f"({ERASURE}) is {how}" in line for how, line in zip(
        ("due soon", "late", "late"), caplog.messages, strict=True)] == [True] * 3  # fmt: skip
    assert "the-student" not in caplog.text
    await harness.run(job)
    assert (await remind(harness), await urgent(client)) == (0, [])


async def test_a_refused_request_is_no_longer_urgent(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    request = (await begin(client, ACCESS))["id"]
    await harness.write(DUE, UUID(request), 1)
    await remind(harness)
    await harness.write("UPDATE privacy_request SET state = 'REFUSED' WHERE id = $1", UUID(request))
    await remind(harness)
    rows = await harness.read("SELECT reminder FROM privacy_request WHERE id = $1", UUID(request))
    assert rows[0]["reminder"] is None


async def test_access_can_be_requested_again_once_it_was_answered(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    first = await begin(client, ACCESS)
    assert first["receiptCode"] is None
    job = await accept(client, harness, first["id"])
    assert (await begin(client, ACCESS))["id"] == first["id"]
    await harness.write("UPDATE job SET state = 'SUCCEEDED' WHERE id = $1", job)
    assert (await begin(client, ACCESS))["id"] != first["id"]


def open_api(database: Database) -> Api:
    """The pages alone: they need no caller."""

    async def healthy() -> None:
        """It is."""

    pages = open_pages(load_features().pages, database)
    return Api(cast(Executor, None), cast(Verifier, None), Settings(), healthy, routes=pages)


async def read_receipt(database: Database, code: str) -> Response:
    return await open_api(database).handle(Request("GET", "/receipts", f"code={code}", {}, b""))


async def test_a_person_reads_the_receipt_when_they_can_no_longer_sign_in(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    request = await begin(client)
    before = await read_receipt(harness.database, request["receiptCode"])
    assert before.status == 200
    assert b"state: to be decided\ndecides: organisation\n" in before.body
    assert (b"cache-control", b"no-store") in before.headers
    await harness.run(await accept(client, harness, request["id"]))
    after = (await read_receipt(harness.database, request["receiptCode"])).body.decode()
    assert "state: done: the person is erased" in after
    assert "\ndeleted: name and email (1)\n" in after
    assert "\nkept: " in after
    assert Caller.STUDENT.value not in after


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "x" * 600, "%00" * 43, f"{'x' * 43}%0a"])
async def test_a_stranger_learns_nothing_by_guessing(
    harness: EvidenceHarness, client: EngineClient, code: str
) -> None:
    await begin(client)
    statements: list[StatementTrace] = []
    with harness.database.observe(statements.append):
        answer = await read_receipt(harness.database, code)
    assert answer.status in (400, 404)
    assert len(statements) == (1 if code == "x" * 43 else 0)
