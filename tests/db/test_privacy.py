"""Requests for access and erasure: a clock, a decision, and nothing of the person afterwards."""

from __future__ import annotations

import asyncio
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from poutama.commands.privacy_requests import accept_request, refuse_request, show_requests
from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.erasure import erase_person, list_stored_keys, render_receipt
from poutama.errors import ConflictError, NotFoundError
from poutama.features import load_features
from poutama.features.privacy.inputs import ERASURE
from poutama.features.privacy.job import ERASURE_JOB
from poutama.features.privacy.working_days import find_due
from poutama.settings import Settings
from poutama.viewer import Viewer
from tests.db.evidence_harness import EvidenceHarness
from tests.db.sample_people import COLLEAGUE, viewer_for
from tests.db.sessions import soon
from tests.db.tasks import run_task
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

STUDENT = id_of(Caller.STUDENT)
REQUEST = """
mutation { requestErasure(input: { note: "Please." }) {
  privacyRequest { id state dueAt createdAt organisation { name } } } }
"""
ACCESS = "mutation { requestAccess(input: {}) { privacyRequest { id state } } }"
ACCEPT = """
mutation ($id: UUID!) { acceptPrivacyRequest(input: { privacyRequestId: $id }) {
  privacyRequest { state deciderName } } }
"""
REFUSE = """
mutation ($id: UUID!) {
  refusePrivacyRequest(input: { privacyRequestId: $id, reason: "Your school must keep it." }) {
    privacyRequest { state reason } } }
"""
MINE = "{ me { privacyRequests { state reason deciderName job { kind } } } }"
LISTED = """
{ organisations { privacyRequestsConnection(filter: { kind: { eq: ERASURE } }) {
  nodes { id state note doneAt receipt person { name } } } } }
"""
HIDDEN = """
mutation ($title: String!) {
  createGoal(input: {
    goalType: PERSONAL, title: $title, audience: ME, tasks: [{ information: "A" }]
  }) { goal { id } } }
"""
NOTE = """
mutation ($goal: UUID!, $audience: NoteAudience!) {
  createGoalNote(input: { goalId: $goal, information: "B", audience: $audience }) { note { id } } }
"""
ALL_TEXT = """
SELECT c.table_name, c.column_name
FROM information_schema.columns AS c JOIN information_schema.tables AS t
    USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
"""


@pytest.fixture
async def harness(engine_database: Database, tmp_path: Path) -> EvidenceHarness:
    harness = EvidenceHarness(engine_database, tmp_path / "store")
    await harness.set_up()
    harness.kinds[ERASURE] = ERASURE_JOB
    return harness


@pytest.fixture
def client(engine_database: Database) -> EngineClient:
    return EngineClient(engine_database, "json")


async def request(client: EngineClient, viewer: Viewer | None = None) -> Any:
    answer = await client.ask(REQUEST, viewer or viewer_for(Caller.STUDENT))
    return answer["requestErasure"]["privacyRequest"]


async def accept(client: EngineClient, harness: EvidenceHarness, request: str) -> UUID:
    """Accept it as the admin; returns the job."""
    await client.ask(ACCEPT, viewer_for(Caller.ADMIN), id=request)
    (row,) = await harness.read("SELECT job_id FROM privacy_request WHERE id = $1", UUID(request))
    job: UUID = row["job_id"]
    return job


async def find_traces(harness: EvidenceHarness) -> list[str]:
    """Every column that has the student's id, name or address anywhere in its text."""
    found = []
    for table, column in await harness.read(ALL_TEXT):
        rows = await harness.read(
            f'SELECT count(*)::int8 FROM "{table}" WHERE "{column}"::text LIKE ANY ($1::text[])',
            [f"%{STUDENT}%", "%the-student@school.example%", f"%{Caller.STUDENT.value}%"],
        )
        if rows[0][0]:
            found.append(f"{table}.{column}")
    return sorted(found)


async def test_a_request_goes_to_the_organisation_and_is_made_once(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    first = await request(client)
    assert (first["state"], first["organisation"]) == ("OPEN", {"name": "organisation"})
    created, due = (datetime.fromisoformat(first[name]) for name in ("createdAt", "dueAt"))
    assert due == find_due(created, "Pacific/Auckland")
    assert (await request(client))["id"] == first["id"]
    assert harness.database is client.database


async def test_without_one_organisation_the_operator_decides(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    made = await request(client, viewer_for(Caller.STRANGER))
    assert made["organisation"] is None
    await harness.write(VERIFY, id_of("other organisation"), True)
    await harness.write(JOIN, id_of("other organisation"), STUDENT, "STUDENT", id_of("far group"))
    assert (await request(client))["organisation"] is None


VERIFY = "UPDATE organisation SET verified = $2 WHERE id = $1"
JOIN = """
INSERT INTO membership (id, organisation_id, person_id, role, group_id, source, begins_at,
    accepted_at) VALUES (gen_random_uuid(), $1, $2, $3, $4, 'JOIN_CODE', now(), now())
"""
CLUB = id_of("other organisation")
END = """
UPDATE membership SET begins_at = begins_at - interval '9 years',
    ends_at = now() - $3 * interval '1 day' WHERE organisation_id = $1 AND person_id = $2
"""
SHOWN = "{ organisations { privacyRequestsConnection { nodes { note } } } }"


async def read_notes(client: EngineClient, caller: Caller) -> list[str]:
    """What an administrator reads of requests."""
    seen = await client.ask(SHOWN, viewer_for(caller))
    return [
        node["note"]
        for each in seen["organisations"]
        for node in each["privacyRequestsConnection"]["nodes"]
    ]


async def test_a_club_that_is_not_verified_neither_reads_nor_decides_requests(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    child = viewer_for(Caller.STRANGER)
    await harness.write(JOIN, CLUB, id_of(Caller.STRANGER), "STUDENT", id_of("far group"))
    for document in (REQUEST, ACCESS):
        ((made,),) = ((await client.ask(document, child)).values(),)
        assert await read_notes(client, Caller.OTHER_ADMIN) == []
        for decide in (ACCEPT, REFUSE):
            id_ = made["privacyRequest"]["id"]
            code = await client.refuse(decide, viewer_for(Caller.OTHER_ADMIN), id=id_)
            assert code == "NOT_FOUND"


async def test_a_club_beside_the_school_changes_nothing(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    await harness.write(JOIN, CLUB, STUDENT, "STUDENT", id_of("far group"))
    made = await request(client)
    assert made["organisation"] == {"name": "organisation"}
    await client.ask(ACCEPT, viewer_for(Caller.ADMIN), id=made["id"])


@pytest.mark.parametrize(
    ("days", "decider"),
    [(729, id_of("organisation")), (731, None)],
    ids=["lately", "long ago"],
)
async def test_the_school_that_still_keeps_the_data_decides_for_who_left(
    harness: EvidenceHarness, client: EngineClient, days: int, decider: UUID | None
) -> None:
    await harness.write(END, id_of("organisation"), STUDENT, days)
    await harness.write(JOIN, CLUB, STUDENT, "STUDENT", id_of("far group"))
    made = UUID((await request(client))["id"])
    found = "SELECT organisation_id FROM privacy_request WHERE id = $1"
    assert [tuple(row) for row in await harness.read(found, made)] == [(decider,)]


async def test_an_organisation_that_is_no_longer_verified_decides_nothing(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    id_ = (await request(client))["id"]
    job = await accept(client, harness, id_)
    await harness.write(VERIFY, id_of("organisation"), False)
    assert await harness.run(job) == "FAILED"
    assert await harness.read("SELECT 1 FROM person WHERE id = $1", STUDENT)
    access = (await client.ask(ACCESS, viewer_for(Caller.STUDENT)))["requestAccess"]
    assert await client.refuse(ACCEPT, viewer_for(Caller.ADMIN), id=id_) == "CONFLICT"
    await harness.write("UPDATE privacy_request SET organisation_id = $1", id_of("organisation"))
    for decide in (ACCEPT, REFUSE):
        asked = access["privacyRequest"]["id"]
        assert await client.refuse(decide, viewer_for(Caller.ADMIN), id=asked) == "CONFLICT"
    # The daily task gives them to the operator.
    assert await read_notes(client, Caller.ADMIN)
    await run_task("remind_of_requests", harness.database, harness.store)
    assert await read_notes(client, Caller.ADMIN) == []


async def test_a_refusal_has_a_reason_and_is_final(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    id_ = (await request(client))["id"]
    await client.ask(REFUSE, viewer_for(Caller.ADMIN), id=id_)
    (seen,) = (await client.ask(MINE, viewer_for(Caller.STUDENT)))["me"]["privacyRequests"]
    assert seen == {
        "state": "REFUSED",
        "reason": "Your school must keep it.",
        "deciderName": "admin",
        "job": None,
    }
    for again in (ACCEPT, REFUSE):
        assert await client.refuse(again, viewer_for(Caller.ADMIN), id=id_) == "CONFLICT"
    assert await harness.read("SELECT 1 FROM person WHERE id = $1", STUDENT)


async def test_access_is_an_export_for_the_person_alone(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    answer = await client.ask(ACCESS, viewer_for(Caller.STUDENT))
    id_ = answer["requestAccess"]["privacyRequest"]["id"]
    await client.ask(ACCEPT, viewer_for(Caller.ADMIN), id=id_)
    (seen,) = (await client.ask(MINE, viewer_for(Caller.STUDENT)))["me"]["privacyRequests"]
    assert (seen["state"], seen["job"]) == ("ACCEPTED", {"kind": "EXPORT"})
    (job,) = await harness.read(
        "SELECT person_id, subject_id, input ->> 'access' AS access FROM job WHERE kind = 'EXPORT'"
    )
    assert tuple(job) == (STUDENT, STUDENT, "true"), "or it is a journey alone"


async def test_erasure_leaves_nothing_of_the_person_but_a_receipt(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    await harness.hand_in(b"Kia ora", "text/plain")
    await harness.store.put(
        f"people/{STUDENT}/exports/x/journey.zip", b"zip", media_type="application/zip"
    )
    await client.ask(
        "mutation ($of: UUID!) { exportJourney(input: { personId: $of }) { job { id } } }",
        viewer_for(Caller.MENTOR),
        of=str(STUDENT),
    )
    id_ = (await request(client))["id"]
    assert await harness.run(await accept(client, harness, id_)) == "SUCCEEDED"
    await harness.sweep()
    assert await harness.objects() == set()
    await harness.write("UPDATE doomed_object SET due_at = due_at - interval '3 days'")
    await harness.sweep()
    # The log of deletions has the id, for backups; the name is in no other row.
    assert await find_traces(harness) == ["audit_entry.row_id"]
    nodes = (await client.ask(LISTED, viewer_for(Caller.ADMIN)))["organisations"][0]
    (seen,) = (each for each in nodes["privacyRequestsConnection"]["nodes"] if each["id"] == id_)
    assert (seen["state"], seen["note"], seen["person"]) == ("DONE", "", None)
    receipt = seen["receipt"].splitlines()
    assert "deleted: name and email (1)" in receipt
    for place in ("goals", "notes on their goals", "files in the store, with their older versions"):
        assert f"deleted: {place}" in receipt
    assert any(line.startswith("kept: what they did to others' data, under") for line in receipt)
    assert receipt[-1].startswith("backups: kept until they expire")
    assert seen["doneAt"] is not None


async def test_every_place_of_the_register_is_counted(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    """Whatever has a row of the student is on the receipt."""
    id_ = (await request(client))["id"]
    await harness.run(await accept(client, harness, id_))
    (row,) = await harness.read("SELECT receipt FROM privacy_request WHERE id = $1", UUID(id_))
    for note in ("name and email", "memberships, and invitations' names and emails",
                 "who cares for them", "who opened their record, when and why"):  # fmt: skip
        assert f"deleted: {note} (" in row["receipt"]
    uncounted = [each for each in load_features().personal_data if not each.counted]
    for each in uncounted:
        assert each.note.split(":")[0] in row["receipt"]


async def read_receipt(harness: EvidenceHarness) -> str:
    """What the receipt would say if the student were erased now."""
    features = load_features()
    keys = await list_stored_keys(harness.store, features.stored_data, STUDENT)
    receipts: list[str] = []

    async def work(transaction: Transaction) -> None:
        erased = await erase_person(
            transaction,
            STUDENT,
            features.personal_data,
            features.stored_data,
            keys,
            actor=STUDENT,
            actor_name="",
        )
        receipts.append(render_receipt(erased))
        raise ConflictError

    with pytest.raises(ConflictError):
        await run_transaction(harness.database, work, deadline=soon())
    return receipts[-1]


async def test_a_receipt_says_nothing_of_what_its_reader_did_not_see(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    """It is the same with and without hidden goals and all that belongs to them."""
    before = await read_receipt(harness)
    student, goal = viewer_for(Caller.STUDENT), str(id_of("goal"))
    for number in range(3):
        made = await client.ask(HIDDEN, student, title=f"Hidden {number}")
    await client.ask(NOTE, viewer_for(Caller.MENTOR), goal=goal, audience="STAFF")
    await client.ask(NOTE, student, goal=made["createGoal"]["goal"]["id"], audience="STUDENT")
    await harness.hand_in(b"Kia ora", "text/plain")
    await harness.database.write(
        "INSERT INTO reminder (id, person_id, goal_id, kind, due_at)"
        " SELECT gen_random_uuid(), person_id, id, 'OVERDUE', now() FROM goal",
        deadline=soon(),
    )
    assert await read_receipt(harness) == before


async def test_who_lost_the_right_meanwhile_erases_no_person(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    job = await accept(client, harness, (await request(client))["id"])
    await harness.write("UPDATE membership SET ends_at = now() WHERE id = $1", id_of("admin's"))
    assert await harness.run(job) == "FAILED"
    assert await harness.read("SELECT 1 FROM person WHERE id = $1", STUDENT)
    # Another administrator accepts it again.
    (row,) = await harness.read("SELECT id FROM privacy_request WHERE job_id = $1", job)
    await client.ask(ACCEPT, Viewer(id_of(COLLEAGUE)), id=str(row["id"]))
    (row,) = await harness.read("SELECT job_id FROM privacy_request WHERE id = $1", row["id"])
    assert await harness.run(row["job_id"]) == "SUCCEEDED"
    assert not await harness.read("SELECT 1 FROM person WHERE id = $1", STUDENT)


async def test_no_one_decides_about_their_own_erasure(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    id_ = (await request(client, viewer_for(Caller.ADMIN)))["id"]
    assert await client.refuse(ACCEPT, viewer_for(Caller.ADMIN), id=id_) == "CONFLICT"
    await client.ask(ACCEPT, Viewer(id_of(COLLEAGUE)), id=id_)
    assert await harness.read("SELECT 1 FROM job WHERE kind = 'ERASURE'")


async def test_who_came_to_another_organisation_meanwhile_is_the_operators(
    harness: EvidenceHarness, client: EngineClient
) -> None:
    id_ = (await request(client))["id"]
    await harness.write(VERIFY, id_of("other organisation"), True)
    await harness.write(JOIN, id_of("other organisation"), STUDENT, "STUDENT", id_of("far group"))
    assert await client.refuse(ACCEPT, viewer_for(Caller.ADMIN), id=id_) == "CONFLICT"


async def test_the_operator_decides_by_the_command(
    harness: EvidenceHarness, client: EngineClient, database_url: str, tmp_path: Path
) -> None:
    await harness.write("DELETE FROM privacy_request")
    settings, console = Settings(), Console(file=StringIO(), width=200)
    await asyncio.to_thread(show_requests, settings, database_url, console)
    assert console.file.getvalue() == "no requests that are not done\n"  # type: ignore[attr-defined]
    kept = (await request(client, viewer_for(Caller.STRANGER)))["id"]
    await client.ask(ACCESS, viewer_for(Caller.STRANGER))
    id_ = (await request(client))["id"]
    await asyncio.to_thread(show_requests, settings, database_url, console)
    listed = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{kept}" in listed
    assert "the operator decides" in listed
    reason = "The person is needed."
    await asyncio.to_thread(refuse_request, settings, database_url, UUID(kept), reason)
    seen = (await client.ask(MINE, viewer_for(Caller.STRANGER)))["me"]["privacyRequests"]
    assert (reason, "the operator") in [(each["reason"], each["deciderName"]) for each in seen]
    done = await asyncio.to_thread(accept_request, settings, database_url, tmp_path, UUID(id_))
    assert "deleted: name and email (1)" in done
    assert not await harness.read("SELECT 1 FROM person WHERE id = $1", STUDENT)
    with pytest.raises(ConflictError):
        await asyncio.to_thread(accept_request, settings, database_url, tmp_path, UUID(id_))
    with pytest.raises(NotFoundError):
        await asyncio.to_thread(refuse_request, settings, database_url, UUID(int=1), reason)
