"""What an export holds: notes for staff, who each part is for, the answer to a request."""

from __future__ import annotations

import json
import re
from zipfile import ZipFile

import pytest

from poutama.db.connection import Database
from poutama.features import load_features
from tests.db.journey_exporter import STUDENT, JourneyExporter, pdf_text, rows
from tests.db.sample_people import viewer_for
from tests.features.record import Caller
from tests.features.sample import id_of
from tests.golden.engine_client import EngineClient

ADULTS = (Caller.MENTOR, Caller.CAREGIVER)


@pytest.fixture
def client(engine_database: Database) -> EngineClient:
    return EngineClient(engine_database, "json")


HIDDEN = "Kōrero mō te kāinga"
FOR_STAFF = """
UPDATE goal_note SET audience = 'STAFF', organisation_id = $2::uuid, information = $3::text
WHERE id = $1::uuid
"""


async def make_note_for_staff(exporter: JourneyExporter) -> None:
    """The mentor's note is for staff; it has one file, the student's other note another."""
    note = id_of("note of the mentor")
    await exporter.write(FOR_STAFF, note, id_of("organisation"), HIDDEN)
    await exporter.add_evidence("Of the hidden note", b"hidden", None, note)
    await exporter.add_evidence("Of the goal", b"shown", None)


def texts_of(zip_: ZipFile) -> str:
    """All that can be read in an export."""
    texts = [zip_.read(name).decode() for name in zip_.namelist() if not name.endswith(".pdf")]
    return "\n".join([*zip_.namelist(), *texts, pdf_text(zip_.read("journey.pdf"))])


@pytest.mark.parametrize("caller", [Caller.STUDENT, *ADULTS])
async def test_notes_for_staff_are_not_in_it_unless_requested_by_staff(
    exporter: JourneyExporter, caller: Caller
) -> None:
    await make_note_for_staff(exporter)
    text = texts_of(await exporter.exported(caller))
    assert HIDDEN not in text
    assert "STAFF" not in text
    if caller is not Caller.STUDENT:
        # A student's file stays the student's, whatever note it was of.
        assert "Of the hidden note" not in text
    assert ("0001-02" in text) is (caller is Caller.STUDENT), "a gap tells of what is hidden"
    with_notes = texts_of(await exporter.exported(caller, notes_for_staff=True))
    assert (HIDDEN in with_notes) is (caller is Caller.MENTOR)


async def test_what_is_in_it_says_who_it_is_for(exporter: JourneyExporter) -> None:
    await make_note_for_staff(exporter)
    await exporter.write("UPDATE goal SET audience = 'MENTORS'")
    zip_ = await exporter.exported(Caller.MENTOR, notes_for_staff=True)
    (goal,) = json.loads(zip_.read("journey.json"))["goals"]
    (note,) = (each for each in goal["notes"] if each["audience"] == "STAFF")
    assert (goal["audience"], goal["organisationIds"]) == ("MENTORS", None)
    assert (note["information"], note["organisation"]) == (HIDDEN, "organisation")
    assert [row["audience"] for row in rows(zip_, "goals.csv")] == ["MENTORS"]
    found = {row["information"]: row for row in rows(zip_, "notes.csv")}
    assert (found[HIDDEN]["audience"], found[HIDDEN]["organisation"]) == ("STAFF", "organisation")
    evidence = {row["title"]: row["noteAudience"] for row in rows(zip_, "evidence.csv")}
    assert evidence == {"Of the hidden note": "STAFF", "Of the goal": ""}
    text = pdf_text(zip_.read("journey.pdf"))
    assert "Only for staff of organisation: not for the student, not for caregivers." in text
    assert "For the student and mentors, not for caregivers." in text


async def test_an_export_with_notes_for_staff_is_another_than_one_without(
    exporter: JourneyExporter, client: EngineClient
) -> None:
    query = (
        "mutation ($of: UUID, $staff: Boolean!) {"
        " exportJourney(input: { personId: $of, notesForStaff: $staff }) { job { id } } }"
    )
    viewer = viewer_for(Caller.MENTOR)
    jobs = {
        (staff, (await client.ask(query, viewer, of=str(STUDENT), staff=staff))["exportJourney"]
         ["job"]["id"])
        for staff in (True, False, True, False)
    }  # fmt: skip
    assert len(jobs) == 2
    stored = await exporter.read("SELECT id, input ->> 'notesForStaff' AS staff FROM job")
    assert jobs <= {(row["staff"] == "true", str(row["id"])) for row in stored}


async def test_the_answer_to_a_request_for_access_has_what_the_register_says(
    exporter: JourneyExporter,
) -> None:
    await exporter.write(
        "INSERT INTO consent (id, person_id, organisation_id, role, basis, notice, given_at)"
        " VALUES (gen_random_uuid(), $1, $2, 'STUDENT', 'PERSON', 'What is shared', now())",
        STUDENT,
        id_of("organisation"),
    )
    zip_ = await exporter.exported(access=True)
    document = json.loads(zip_.read("journey.json"))
    named = " ".join(each.export for each in load_features().personal_data)
    for name in re.findall(r"`(\w+)`", named):
        assert f"csv/{name}.csv" in zip_.namelist(), name
        assert name == "goals" or name in document or name in document["goals"][0], name
    assert [row["notice"] for row in rows(zip_, "consents.csv")] == ["What is shared"]
    assert {row["role"] for row in rows(zip_, "memberships.csv")} == {"STUDENT"}
    assert "CAREGIVER" in {row["reason"] for row in rows(zip_, "access.csv")}
    assert document["auditConnection"]["totalCount"] == len(rows(zip_, "auditConnection.csv"))
    # What only the person is to know is not on paper.
    text = pdf_text(zip_.read("journey.pdf"))
    assert "What is shared" not in text
    assert "MEMBERSHIPS" not in text


@pytest.mark.parametrize("caller", [Caller.STUDENT, Caller.MENTOR])
async def test_a_journey_has_nothing_of_an_answer_to_a_request(
    exporter: JourneyExporter, caller: Caller
) -> None:
    zip_ = await exporter.exported(caller)
    kept = ("goals", "tasks", "notes", "evidence")
    found = [name for name in zip_.namelist() if name.startswith("csv/")]
    assert found == [f"csv/{name}.csv" for name in kept]
    keys = ["format", "version", "asOf", "timeZone", "person", "goals"]
    assert list(json.loads(zip_.read("journey.json"))) == keys
