"""Exports from the wish to the zip, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import io
import json
import time
from uuid import UUID
from zipfile import ZipFile

import pytest
from PIL import Image
from pypdf import PdfReader

from poutama.db.connection import Database
from poutama.db.transaction import Transaction, run_transaction
from poutama.export_section import ExportColumn, ExportParent, ExportSection
from poutama.features import load_features
from poutama.features.exports import journey_reader, steps
from poutama.features.exports.job import PAGE, VOLUME, ExportPhase
from poutama.features.exports.sections import arrange_sections
from poutama.features.exports.steps import LOST, ExportProgress, ExportStep, export_step
from poutama.features.exports.sweep import purge_expired_exports
from poutama.jobs.job import Finished
from poutama.jobs.table import cancel, retry
from poutama.settings import Settings
from tests.db.journey_exporter import STUDENT, JourneyExporter, build_worker, pdf_text, rows
from tests.db.sample_people import viewer_for
from tests.db.sessions import soon
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

EXPORT = "mutation ($of: UUID) { exportJourney(input: {personId: $of}) { job { id kind state } } }"
END = "UPDATE membership SET ends_at = now() WHERE id = $1::uuid"
AGE = "UPDATE job SET finished_at = finished_at - $2::float8 * interval '1 day' WHERE id = $1::uuid"
AGE_FOLDERS = "UPDATE export_folder SET created_at = created_at - interval '30 days'"
ADULTS = (Caller.MENTOR, Caller.CAREGIVER)


@pytest.fixture
def client(engine_database: Database) -> EngineClient:
    return EngineClient(engine_database, "json")


def picture(name: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(content, name)
    return content.getvalue()


async def forget(exporter: JourneyExporter) -> int:
    return await purge_expired_exports(
        exporter.database, exporter.store, Settings(), deadline=soon()
    )


# What is in it

ADD_NOTES = """
INSERT INTO goal_note (id, goal_id, author_id, information, information_search, audience,
    organisation_id)
SELECT md5(n::text)::uuid, $1::uuid, $2::uuid, 'Note ' || n, 'note ' || n, audience,
    organisation_id
FROM generate_series(1, $3::int8) AS n, (SELECT audience, organisation_id FROM goal_note
    WHERE goal_id = $1::uuid AND author_id = $2::uuid LIMIT 1) AS other
"""


async def test_the_zip_has_the_journey_in_every_form(exporter: JourneyExporter) -> None:
    photo = picture("JPEG")
    await exporter.add_evidence("Māra kai", photo, picture("WEBP"))
    await exporter.add_evidence("Of a note", b"second", None, id_of("note of the mentor"))
    zip_ = await exporter.exported()
    assert zip_.testzip() is None
    assert zip_.namelist() == [
        "README.txt",
        "journey.pdf",
        "evidence/0001-01-mara-kai.jpg",
        "evidence/0001-02-of-a-note.jpg",
        "journey.json",
        *(f"csv/{name}.csv" for name in ("goals", "tasks", "notes", "evidence")),
    ]
    assert zip_.read("evidence/0001-01-mara-kai.jpg") == photo
    (goal,) = json.loads(zip_.read("journey.json"))["goals"]
    assert goal["title"] == "Kōrero"
    assert [task["information"] for task in goal["tasks"]] == ["task 2", "task"]
    assert [each["title"] for each in goal["evidence"]] == ["Māra kai"]
    by_author = {note["author"]: note["evidence"] for note in goal["notes"]}
    assert [each["title"] for each in by_author["mentor"]] == ["Of a note"]
    assert [row["title"] for row in rows(zip_, "goals.csv")] == ["Kōrero"]
    assert len(rows(zip_, "notes.csv")) == 3
    (reader,) = [PdfReader(io.BytesIO(zip_.read("journey.pdf")))]
    assert sum(len(page.images) for page in reader.pages) == 1
    text = pdf_text(zip_.read("journey.pdf"))
    assert "Kōrero" in text
    assert "Māra kai" in text
    assert "Learning journey of the student" in zip_.read("README.txt").decode()


async def test_an_empty_journey_is_exported_too(exporter: JourneyExporter) -> None:
    await exporter.write("DELETE FROM goal")
    zip_ = await exporter.exported()
    assert json.loads(zip_.read("journey.json"))["goals"] == []
    assert rows(zip_, "goals.csv") == []
    assert "No goals have been set yet." in pdf_text(zip_.read("journey.pdf"))


async def test_a_long_journey_is_printed_in_volumes_and_every_goal_is_there_once(
    exporter: JourneyExporter,
) -> None:
    await exporter.add_goals(PAGE * VOLUME + 5)
    zip_ = await exporter.exported()
    titles = [goal["title"] for goal in json.loads(zip_.read("journey.json"))["goals"]]
    assert titles == ["Kōrero", *(f"Goal {number}" for number in range(1, PAGE * VOLUME + 6))]
    assert [name for name in zip_.namelist() if name.endswith(".pdf")] == [
        "journey-1-of-2.pdf",
        "journey-2-of-2.pdf",
    ]
    assert "Goal 106" in pdf_text(zip_.read("journey-2-of-2.pdf"))


async def test_a_file_that_is_gone_is_left_out_and_said_to_be(exporter: JourneyExporter) -> None:
    identity = await exporter.add_evidence("Gone", b"content", b"no picture")
    await exporter.store.delete([f"people/{STUDENT}/evidence/{identity}"])
    zip_ = await exporter.exported()
    assert not [name for name in zip_.namelist() if name.startswith("evidence/")]
    (goal,) = json.loads(zip_.read("journey.json"))["goals"]
    assert [each["file"] for each in goal["evidence"]] == [None]


async def test_the_same_journey_gives_the_same_bytes_and_leaves_nothing_else(
    exporter: JourneyExporter,
) -> None:
    await exporter.add_evidence("Photo", picture("JPEG"), picture("WEBP"))
    jobs = [await exporter.wish() for _ in range(2)]
    for job in jobs:
        assert await exporter.run(job) == "SUCCEEDED"
    first, second = [await exporter.result(job) for job in jobs]
    assert first == second
    rows = [await exporter.row(job) for job in jobs]
    assert await exporter.keys() == sorted(row["result_key"] for row in rows)
    assert {row["result_name"] for row in rows} == {"journey-the-student-2026-09-04.zip"}
    assert {row["done"] - row["total"] for row in rows} == {0}


# Who may


@pytest.mark.parametrize("caller", ADULTS)
async def test_an_adult_gets_it_and_that_is_written_down(
    exporter: JourneyExporter, client: EngineClient, caller: Caller
) -> None:
    answer = await client.ask(EXPORT, viewer_for(caller), of=str(STUDENT))
    assert answer["exportJourney"]["job"]["kind"] == "EXPORT"
    job = UUID(answer["exportJourney"]["job"]["id"])
    assert (await exporter.row(job))["organisation_id"] is None, "others would get its result"
    entries = await exporter.read("SELECT actor_id, subject_id, action, kind FROM audit_entry")
    assert {tuple(each) for each in entries} == {
        (id_of(caller), STUDENT, "READ", kind) for kind in ("Journey", "Job")
    }
    assert await exporter.run(job) == "SUCCEEDED"
    kinds = await exporter.read("SELECT kind FROM audit_entry WHERE action = 'READ'")
    assert "Goal" in [each["kind"] for each in kinds]
    zip_ = ZipFile(io.BytesIO(await exporter.result(job)))
    assert len(rows(zip_, "goals.csv")) == 1


async def test_what_an_adult_may_not_see_is_not_in_it(exporter: JourneyExporter) -> None:
    """A caregiver may not see the mentor."""
    zip_ = await exporter.exported(Caller.CAREGIVER)
    authors = {row["information"]: row["author"] for row in rows(zip_, "notes.csv")}
    assert authors["from the student"] == "the student"
    assert authors["from the mentor"] == ""


@pytest.mark.parametrize("steps", range(5))
async def test_who_loses_the_right_meanwhile_gets_nothing(
    exporter: JourneyExporter, steps: int
) -> None:
    job = await exporter.wish(Caller.MENTOR)
    calls = 0

    async def step(step: ExportStep) -> ExportProgress | Finished:
        nonlocal calls
        if calls == steps:
            await exporter.write(END, id_of("mentor's"))
        calls += 1
        return await export_step(step)

    worker = build_worker(exporter.database, exporter.store, step)
    assert await worker.run(job, deadline=soon()) == "FAILED"
    row = await exporter.row(job)
    assert (row["failure"], row["result_key"]) == (LOST, None)
    assert await exporter.keys() == []


async def test_asking_again_gives_the_job_there_is(
    exporter: JourneyExporter, client: EngineClient
) -> None:
    viewer = viewer_for(Caller.STUDENT)
    first, second = [await client.ask(EXPORT, viewer, of=None) for _ in range(2)]
    assert first == second
    job = UUID(first["exportJourney"]["job"]["id"])
    await exporter.run(job)
    third = await client.ask(EXPORT, viewer, of=str(STUDENT))
    assert third["exportJourney"]["job"]["id"] != str(job)


async def test_a_person_gets_only_so_many_exports_a_day(
    exporter: JourneyExporter, client: EngineClient
) -> None:
    viewer = viewer_for(Caller.STUDENT)
    for _ in range(Settings().max_exports_a_day):
        await exporter.wish()
    await exporter.write("UPDATE job SET state = 'SUCCEEDED'")
    assert await client.refuse(EXPORT, viewer, of=None) == "QUOTA_EXCEEDED"
    await exporter.write("UPDATE job SET created_at = created_at - interval '25 hours'")
    await client.ask(EXPORT, viewer, of=None)


# However much there is


@pytest.mark.parametrize("access", [False, True])
async def test_lists_that_are_longer_than_an_answer_may_have_are_exported_whole(
    exporter: JourneyExporter, monkeypatch: pytest.MonkeyPatch, access: bool
) -> None:
    await exporter.add_goals(PAGE + 2, tasks=2)
    await exporter.add_evidence("Photo", picture("JPEG"), picture("WEBP"))
    await exporter.write(ADD_NOTES, id_of("goal"), id_of(Caller.MENTOR), 12)
    whole = await exporter.wish(access=access)
    await exporter.run(whole)
    monkeypatch.setattr(journey_reader, "ROWS", 5)
    job = await exporter.wish(access=access)
    # The goal has three notes besides.
    assert await exporter.run(job, max_list_rows=14) == "SUCCEEDED"
    zips = [ZipFile(io.BytesIO(await exporter.result(each))) for each in (whole, job)]
    first, second = [{name: zip_.read(name) for name in zip_.namelist()} for zip_ in zips]
    documents = [json.loads(each.pop("journey.json")) for each in (first, second)]
    for each in (first, second, *documents):
        # The audit: reading the one left entries that the other has.
        each.pop("csv/auditConnection.csv" if "README.txt" in each else "auditConnection", None)
    assert (documents[0], first) == (documents[1], second)
    assert len(documents[1]["goals"][0]["notes"]) == 15


async def test_a_volume_has_so_much_text_at_most_and_every_goal_is_in_one(
    exporter: JourneyExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exporter.add_goals(30)
    monkeypatch.setattr(steps, "VOLUME_WEIGHT", 3_000)
    zip_ = await exporter.exported()
    texts = [pdf_text(zip_.read(each)) for each in zip_.namelist() if each.endswith(".pdf")]
    titles = [goal["title"] for goal in json.loads(zip_.read("journey.json"))["goals"]]
    assert len(titles) == 31
    assert len(texts) > 2
    assert [sum(f"{each}\n" in f"{text}\n" for text in texts) for each in titles] == [1] * 31


async def test_what_is_too_long_to_be_printed_is_exported_otherwise(
    exporter: JourneyExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that prints is ended by its own limits: a volume that takes too much memory."""
    monkeypatch.setattr(steps, "print_apart", lambda request, pictures: None)
    zip_ = await exporter.exported()
    assert not [name for name in zip_.namelist() if name.endswith(".pdf")]
    readme = zip_.read("README.txt").decode()
    assert "journey.pdf is not here. Its goals have more text than can be" in readme
    assert [row["title"] for row in rows(zip_, "goals.csv")] == ["Kōrero"]


# When something goes wrong


async def test_forced_to_stop_after_every_step_it_gives_the_same(
    exporter: JourneyExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small steps: each has half a second.
    monkeypatch.setattr(steps, "PAGE", 4)
    await exporter.add_goals(4 * VOLUME + 3, tasks=2)
    await exporter.add_evidence("Photo", picture("JPEG"), picture("WEBP"))
    whole = await exporter.wish()
    await exporter.run(whole)
    job, invocations = await exporter.wish(), 0
    while (await exporter.row(job))["state"] != "SUCCEEDED":
        # After a step there is no time left for another.
        async def step(step: ExportStep) -> ExportProgress | Finished:
            returned = await export_step(step)
            await asyncio.sleep(max(0.0, step.deadline - time.monotonic()))
            return returned

        worker = build_worker(exporter.database, exporter.store, step, job_margin_seconds=2.5)
        await worker.run(job, deadline=time.monotonic() + 3)
        invocations += 1
    # Begin, 6 pages, 2 volumes, pack, tidy up.
    assert invocations == 11
    assert await exporter.result(job) == await exporter.result(whole)


@pytest.mark.parametrize("steps", range(5))
async def test_cancelled_at_any_step_it_leaves_nothing_for_long(
    exporter: JourneyExporter, steps: int
) -> None:
    job = await exporter.wish()
    calls = 0

    async def step(step: ExportStep) -> ExportProgress | Finished:
        nonlocal calls
        if calls == steps:
            await stop(exporter, job)
        calls += 1
        return await export_step(step)

    worker = build_worker(exporter.database, exporter.store, step)
    assert await worker.run(job, deadline=soon()) == "CANCELLED"
    await exporter.write(AGE, job, 1.0)
    await exporter.write(AGE_FOLDERS)
    assert await forget(exporter) == (steps > 0)
    assert await exporter.keys() == []
    assert await exporter.read("SELECT * FROM export_folder") == []


async def stop(exporter: JourneyExporter, job: UUID) -> None:
    async def work(transaction: Transaction) -> bool:
        return await cancel(transaction, job)

    await run_transaction(exporter.database, work, deadline=soon())


async def test_stopped_cleared_away_and_tried_again_it_begins_anew(
    exporter: JourneyExporter,
) -> None:
    whole = await exporter.wish()
    await exporter.run(whole)
    job = await exporter.wish()

    async def step(step: ExportStep) -> ExportProgress | Finished:
        if step.checkpoint.phase is ExportPhase.PACK:
            await stop(exporter, job)
        return await export_step(step)

    worker = build_worker(exporter.database, exporter.store, step)
    assert await worker.run(job, deadline=soon()) == "CANCELLED"
    # The files go; the checkpoint that speaks of them stays, as in a race with the sweep.
    await exporter.store.delete([key for key in await exporter.keys() if "/parts/" in key])
    assert await retry(exporter.database, job, deadline=soon())
    assert await exporter.run(job) == "SUCCEEDED"
    assert await exporter.result(job) == await exporter.result(whole)


async def test_an_export_is_forgotten_after_its_days(exporter: JourneyExporter) -> None:
    job = await exporter.wish()
    await exporter.run(job)
    await exporter.write(AGE_FOLDERS)
    await exporter.write(AGE, job, 6.9)
    assert await forget(exporter) == 0
    assert await exporter.keys() != []
    await exporter.write(AGE, job, 0.2)
    assert await forget(exporter) == 1
    assert await exporter.keys() == []
    row = await exporter.row(job)
    assert (row["state"], row["result_key"]) == ("SUCCEEDED", None)
    assert await forget(exporter) == 0


async def test_what_was_exported_of_an_erased_person_goes_with_them(
    exporter: JourneyExporter,
) -> None:
    job = await exporter.wish(Caller.MENTOR)
    await exporter.run(job)
    await exporter.write("DELETE FROM person WHERE id = $1::uuid", id_of(Caller.MENTOR))
    await exporter.write(AGE_FOLDERS)
    assert await forget(exporter) == 1
    assert await exporter.keys() == []


# What features add


async def test_sections_of_goals_and_of_the_person_are_in_every_form(
    exporter: JourneyExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    memberships = ExportSection(
        name="memberships",
        title="Memberships",
        parent=ExportParent.PERSON,
        fields="role organisation { name }",
        columns=(ExportColumn("role", "role", "Role"),),
    )
    features = load_features()
    sections = arrange_sections([memberships, *features.exports.values()], features.model)
    monkeypatch.setattr(steps, "SECTIONS", sections)
    await exporter.add_goals(PAGE)
    zip_ = await exporter.exported()
    expected = [{"role": "STUDENT", "organisation": {"name": "organisation"}}] * 2
    assert json.loads(zip_.read("journey.json"))["memberships"] == expected
    assert rows(zip_, "memberships.csv") == [{"role": "STUDENT"}] * 2
    assert "MEMBERSHIPS\nSTUDENT" in pdf_text(zip_.read("journey.pdf"))
