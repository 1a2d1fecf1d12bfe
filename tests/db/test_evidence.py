"""Evidence from its announcement to its end: states, refusals, room, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest

from poutama.features.evidence.job import EVIDENCE_JOB, EvidenceStep, prepare_evidence
from poutama.jobs.job import Finished
from poutama.schema.scalars import parse_date_time
from tests.contract.clamd_server import EICAR, run_clamd
from tests.db.evidence_harness import ADD, DELETE, FINISH, PASS, SEE, EvidenceHarness, announcement
from tests.features.record import SIGNED_IN, Caller
from tests.features.sample import NOWHERE, id_of
from tests.unit.features import photos, recordings
from tests.unit.features.heic import heic
from tests.unit.features.office import archive, office

JPEG, PNG, PDF, TEXT = "image/jpeg", "image/png", "application/pdf", "text/plain"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LETTER = "Kia ora, e hoa mā.\n".encode()
JOBS = "SELECT state FROM job WHERE kind = 'EVIDENCE'"

DELETE_AND_FAIL = """
mutation ($i: DeleteEvidenceInput!, $nowhere: FinishEvidenceInput!) {
  deleteEvidence(input: $i) { goal { id } }
  finishEvidence(input: $nowhere) { evidence { id } }
}
"""


async def test_a_photo_is_announced_uploaded_and_seen(harness: EvidenceHarness) -> None:
    photo = photos.photo("JPEG", orientation=6)
    added = await harness.add(photo, JPEG, altText="A stile")
    assert (added["state"], added["version"], added["fileName"]) == ("PENDING", 1, "IMG_0001.jpg")
    assert (added["downloadUrl"], added["thumbnailUrl"], added["rejection"]) == (None, None, None)
    form = added["uploadForm"]
    assert (form["url"], form["method"]) == ("http://files.example/files", "POST")
    assert form["maxBytes"] == len(photo)
    left = parse_date_time(form["expiresAt"]) - datetime.now(UTC)
    assert timedelta(seconds=40) < left <= timedelta(seconds=60)
    assert (added["bytes"], added["sha256"]) == (len(photo), sha256(photo).hexdigest())

    await harness.upload(added["id"], photo)
    assert (await harness.finish(added["id"]))["state"] == "PENDING"
    assert await harness.work(added["id"]) == "SUCCEEDED"

    seen = await harness.see(added["id"])
    row = await harness.row(added["id"])
    served = await harness.content(row["object_key"])
    assert (seen["state"], seen["rejection"], seen["uploadForm"]) == ("READY", None, None)
    assert (seen["bytes"], seen["sha256"]) == (len(served), sha256(served).hexdigest())
    assert f"/{row['object_key']}?" in seen["downloadUrl"]
    assert f"/{row['thumbnail_key']}?" in seen["thumbnailUrl"]
    for data in (served, await harness.content(row["thumbnail_key"])):
        assert [trace for trace in photos.TRACES if trace in data] == []
    await harness.audit()
    await harness.sweep()
    assert await harness.objects() == {"file", "thumbnail"}


async def test_keys_cannot_be_guessed_and_tell_of_no_person_or_organisation(
    harness: EvidenceHarness,
) -> None:
    """Staff of one school read in the address of a photo which other school the student has."""
    stems = {(await harness.row((await harness.add(LETTER, TEXT))["id"]))["stem"] for _ in range(3)}
    assert {stem.rpartition("/")[0] for stem in stems} == {"evidence"}
    assert len(stems) == 3
    assert {len(stem.rpartition("/")[2]) for stem in stems} == {32}


async def test_plain_text_is_kept_as_it_is(harness: EvidenceHarness) -> None:
    letter = await harness.hand_in(LETTER, f"{TEXT}; charset=utf-8", fileName="letter")
    assert (letter["state"], letter["thumbnailUrl"]) == ("READY", None)
    assert (letter["mediaType"], letter["fileName"]) == (TEXT, "letter.txt")
    assert (letter["bytes"], letter["sha256"]) == (len(LETTER), sha256(LETTER).hexdigest())
    assert await harness.content((await harness.row(letter["id"]))["object_key"]) == LETTER


async def test_a_document_is_served_without_the_places_of_its_pictures(
    harness: EvidenceHarness,
) -> None:
    story = archive(office(more={"word/media/image1.jpg": photos.photo()}))
    ready = await harness.hand_in(story, DOCX)
    served = await harness.content((await harness.row(ready["id"]))["object_key"])
    assert ready["state"] == "READY"
    assert (ready["bytes"], ready["sha256"]) == (len(served), sha256(served).hexdigest())
    with ZipFile(BytesIO(served)) as made:
        picture = made.read("word/media/image1.jpg")
    assert [trace for trace in photos.TRACES if trace in picture] == []
    await harness.audit()


@pytest.mark.parametrize(
    ("data", "said", "sentence"),
    [
        (b"<html><script>", JPEG, "The file is a web page, which cannot be evidence."),
        (b"<svg onload='x'/>", TEXT, "The file is an SVG drawing, which cannot be evidence."),
        ("<script>".encode("utf-16"), TEXT, "The file is a web page, which cannot be evidence."),
        (b"PK\x05\x06" + bytes(18), "application/vnd.oasis.opendocument.text", "a zip archive,"),
        (b"MZ" + bytes(200), "", "The file is a program, which cannot be evidence."),
        (recordings.mp4()[:-500], "video/mp4", "The recording is damaged"),
        (heic()[:500], "image/heic", "The picture is damaged or incomplete."),
        (photos.photo("JPEG")[:600], JPEG, "The picture is damaged or incomplete."),
        (photos.bomb(), PNG, "The picture is too large: 30000 by 30000 pixels."),
        (archive(office(more={"word/vbaProject.bin": b""})), DOCX, "The document holds macros"),
    ],
)
async def test_what_does_not_fit_is_rejected_and_nothing_of_it_kept(
    harness: EvidenceHarness, data: bytes, said: str, sentence: str
) -> None:
    rejected = await harness.hand_in(data, said)
    assert rejected["state"] == "REJECTED"
    assert sentence in rejected["rejection"]
    assert (rejected["downloadUrl"], rejected["uploadForm"]) == (None, None)
    await harness.audit()
    await harness.sweep()
    assert await harness.objects() == set()


async def test_a_file_in_which_the_scanner_finds_something_is_rejected(
    harness: EvidenceHarness,
) -> None:
    async with run_clamd() as clamd:
        harness.settings = replace(harness.settings, scanner=clamd.address)
        found = await harness.hand_in(LETTER + EICAR, TEXT)
        assert (found["state"], found["rejection"]) == (
            "REJECTED",
            "The virus scanner found something harmful in the file.",
        )
        assert (await harness.hand_in(LETTER, TEXT))["state"] == "READY"
        # Before it is opened, as it was uploaded.
        assert (await harness.hand_in(photos.photo()[:600], JPEG))["state"] == "REJECTED"
        assert clamd.received == [LETTER + EICAR, LETTER, photos.photo()[:600]]


async def test_while_the_scanner_is_away_nothing_is_served(harness: EvidenceHarness) -> None:
    async with run_clamd() as clamd:
        away = replace(harness.settings, scanner=clamd.address, job_backoff_seconds=0.0)
        harness.settings = away
        clamd.answer = b"stream: ERROR"
        waiting = await harness.hand_in(LETTER, TEXT)
        assert (waiting["state"], waiting["downloadUrl"]) == ("PENDING", None)
        assert await harness.objects() == {"upload"}
        clamd.answer = None
        assert await harness.work(waiting["id"]) == "SUCCEEDED"
        assert (await harness.see(waiting["id"]))["state"] == "READY"
    harness.settings = replace(away, job_attempts=1)
    lost = await harness.hand_in(LETTER, TEXT)
    assert (lost["state"], lost["downloadUrl"]) == ("PENDING", None)
    await harness.sweep()
    assert (await harness.see(lost["id"]))["state"] == "REJECTED"


@pytest.mark.parametrize("another", [LETTER + b"!", LETTER[:-1] + b"!"])
async def test_another_file_than_announced_is_rejected(
    harness: EvidenceHarness, another: bytes
) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    await harness.upload(evidence, another)
    await harness.finish(evidence)
    await harness.work(evidence)
    assert "not the one that was announced" in (await harness.see(evidence))["rejection"]


async def test_what_was_never_uploaded_is_rejected(harness: EvidenceHarness) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    await harness.finish(evidence)
    await harness.work(evidence)
    assert (await harness.see(evidence))["rejection"] == (
        "The file was never uploaded; add it again."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mediaType", "image/svg+xml"),
        ("mediaType", "text/html; charset=utf-8"),
        ("bytes", 0),
        ("bytes", -1),
        ("bytes", 25_000_001),
        ("sha256", "0" * 63),
        ("sha256", "g" * 64),
        ("title", ""),
        ("title", "x" * 201),
        ("altText", "x" * 1001),
        ("fileName", ""),
    ],
)
async def test_what_cannot_be_is_refused_at_once(
    harness: EvidenceHarness, field: str, value: object
) -> None:
    error = await harness.refuse(ADD, i=announcement(LETTER, TEXT, **{field: value}))
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": f"input.{field}"}
    assert await harness.read("SELECT 1 FROM evidence") == []


async def test_a_note_must_be_of_the_same_goal(harness: EvidenceHarness) -> None:
    await harness.write(
        "INSERT INTO goal (id, person_id, goal_type, title, title_search, information,"
        " information_search) VALUES ($1::uuid, $2::uuid, 'SPORTS', '', '', '', '')",
        id_of("second goal"),
        id_of(Caller.STUDENT),
    )
    note = str(id_of("note of the mentor"))
    second = announcement(LETTER, TEXT, goalId=str(id_of("second goal")), noteId=note)
    assert (await harness.refuse(ADD, i=second))["extensions"]["code"] == "NOT_FOUND"
    assert (await harness.add(LETTER, TEXT, noteId=note))["note"] == {"id": note}
    found = await harness.ask("{ goals { evidence { id } notes { evidence { id } } } }")
    assert sorted(len(goal["evidence"]) for goal in found) == [0, 1]
    assert sum(len(note["evidence"]) for goal in found for note in goal["notes"]) == 1


async def test_only_its_uploader_gets_the_form(harness: EvidenceHarness) -> None:
    added = await harness.add(LETTER, TEXT)
    ready = await harness.hand_in(LETTER, TEXT)
    for caller in (Caller.MENTOR, Caller.CAREGIVER):
        seen = await harness.see(added["id"], caller)
        assert (seen["title"], seen["uploadForm"]) == ("Ngā mahi", None)
        assert (await harness.see(ready["id"], caller))["downloadUrl"]
    for caller in set(SIGNED_IN) - {Caller.STUDENT, Caller.MENTOR, Caller.CAREGIVER}:
        assert (await harness.send(SEE, caller, id=ready["id"]))["data"] == {"evidence": None}


async def test_reading_others_evidence_is_audited(harness: EvidenceHarness) -> None:
    ready = await harness.hand_in(LETTER, TEXT)
    query = "query ($id: UUID!) { evidence(evidenceId: $id) { goal { title } } }"
    await harness.ask(query, Caller.MENTOR, id=ready["id"])
    rows = await harness.read("SELECT actor_name, action, kind FROM audit_entry ORDER BY at, kind")
    mine, theirs = Caller.STUDENT.value, Caller.MENTOR.value
    assert [tuple(row) for row in rows] == [
        (mine, "INSERT", "Evidence"),
        (mine, "UPDATE", "Evidence"),
        (mine, "UPDATE", "Evidence"),
        (theirs, "READ", "Evidence"),
        (theirs, "READ", "Goal"),
    ]


async def test_finishing_again_changes_nothing(harness: EvidenceHarness) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    await harness.upload(evidence, LETTER)
    first = await harness.finish(evidence)
    assert {**await harness.finish(evidence), "uploadForm": 0} == {**first, "uploadForm": 0}
    await harness.work(evidence)
    seen = await harness.see(evidence)
    assert (await harness.finish(evidence))["version"] == seen["version"]
    assert [row["state"] for row in await harness.read(JOBS)] == ["SUCCEEDED"]


async def test_what_its_job_gave_up_on_can_be_finished_again(harness: EvidenceHarness) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    await harness.upload(evidence, LETTER)
    await harness.finish(evidence)
    await harness.write("UPDATE job SET state = 'FAILED'")
    await harness.finish(evidence)
    assert await harness.work(evidence) == "SUCCEEDED"
    assert (await harness.see(evidence))["state"] == "READY"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
async def test_what_its_job_gave_up_on_is_rejected_by_the_sweep(
    harness: EvidenceHarness, state: str
) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    await harness.upload(evidence, LETTER)
    await harness.finish(evidence)
    await harness.write("UPDATE job SET state = $1::text", state)
    assert await harness.sweep() == 1
    seen = await harness.see(evidence)
    assert (seen["state"], "Add it again" in seen["rejection"]) == ("REJECTED", True)
    assert await harness.objects() == set()
    assert await harness.sweep() == 0


async def test_what_is_not_finished_within_a_day_is_forgotten(harness: EvidenceHarness) -> None:
    late, finished, young = [(await harness.add(LETTER, TEXT))["id"] for _ in range(3)]
    for evidence in (late, finished, young):
        await harness.upload(evidence, LETTER)
    await harness.finish(finished)
    age = "UPDATE evidence SET created_at = now() - interval '25 hours' WHERE id <> $1::uuid"
    await harness.write(age, UUID(young))
    assert await harness.sweep() == 1
    rows = await harness.read("SELECT id FROM evidence")
    assert {str(row["id"]) for row in rows} == {finished, young}
    assert len([each async for each in harness.store.list("")]) == 2


async def test_an_upload_after_the_end_is_deleted_in_the_end(harness: EvidenceHarness) -> None:
    # The form goes on working for a while, whatever has become of the evidence.
    evidence = (await harness.add(LETTER, TEXT))["id"]
    key = (await harness.row(evidence))["upload_key"]
    await harness.ask(DELETE, i={"evidenceId": evidence})
    await harness.sweep()
    await harness.store.put(key, LETTER, media_type=TEXT)
    await harness.audit()
    await harness.write(PASS)
    await harness.sweep()
    assert await harness.objects() == set()
    assert await harness.read("SELECT 1 FROM doomed_object") == []


async def test_deleting_evidence_deletes_its_objects_after_the_commit(
    harness: EvidenceHarness,
) -> None:
    ready = await harness.hand_in(photos.photo(), JPEG)
    error = await harness.refuse(DELETE, i={"evidenceId": ready["id"], "expectedVersion": 1})
    assert error["extensions"]["code"] == "CONFLICT"
    input = {"evidenceId": ready["id"], "expectedVersion": ready["version"]}
    error = await harness.refuse(DELETE_AND_FAIL, i=input, nowhere={"evidenceId": str(NOWHERE)})
    assert error["path"] == ["finishEvidence"]
    await harness.sweep()
    assert await harness.objects() == {"file", "thumbnail"}
    assert await harness.ask(DELETE, i=input) == {"goal": {"id": str(id_of("goal"))}}
    await harness.sweep()
    assert await harness.objects() == set()


@pytest.mark.parametrize("table", ["goal", "person", "goal_note", "organisation"])
async def test_what_loses_its_goal_is_cleared_away_and_nothing_else(
    harness: EvidenceHarness, table: str
) -> None:
    note = str(id_of("note of the student"))
    await harness.hand_in(photos.photo(), JPEG, noteId=note)
    await harness.add(LETTER, TEXT)
    await harness.hand_in(b"\0", TEXT)
    await harness.write(f"DELETE FROM {table}")
    gone = table in ("goal", "person")
    assert await harness.sweep() == (3 if gone else 0)
    await harness.audit()
    assert await harness.objects() == (set() if gone else {"file", "thumbnail"})
    assert len(await harness.read("SELECT 1 FROM evidence")) == (0 if gone else 3)


@pytest.mark.parametrize("anew", [False, True], ids=["gone", "another under its id"])
async def test_evidence_that_is_deleted_while_its_job_runs_leaves_nothing(
    harness: EvidenceHarness, *, anew: bool
) -> None:
    evidence = (await harness.add(photos.photo(), JPEG))["id"]

    async def late(step: EvidenceStep) -> Finished:
        done = await prepare_evidence(step)
        await harness.ask(DELETE, i={"evidenceId": evidence})
        await harness.sweep()
        for name in ("file", "thumbnail"):
            await harness.store.put(f"{step.input.stem}/{name}", b"?", media_type=JPEG)
        if anew:
            await harness.add(photos.photo(), JPEG, id=evidence)
        return done

    harness.kinds["EVIDENCE"] = replace(EVIDENCE_JOB, step=late)
    await harness.upload(evidence, photos.photo())
    await harness.finish(evidence)
    await harness.work(evidence)
    await harness.audit()
    await harness.sweep()
    assert await harness.objects() == set()
    if anew:
        assert (await harness.see(evidence))["state"] == "PENDING"


async def test_another_persons_evidence_is_not_there(harness: EvidenceHarness) -> None:
    evidence = (await harness.add(LETTER, TEXT))["id"]
    for document in (FINISH, DELETE):
        response = await harness.send(document, Caller.MENTOR, i={"evidenceId": evidence})
        assert response["errors"][0]["extensions"]["code"] == "NOT_FOUND"
