"""A day at school under `poutama up`: a student's photo and journey, and a school's roster.

Everything over HTTP, as a front end does it.
"""

from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader

from tests.e2e.api_client import CANCEL, DELETE, SEE, ApiClient
from tests.e2e.local_server import LocalServer
from tests.unit.features.photos import TRACES, photo
from tests.unit.features.rosters import small_school


@pytest.fixture
def student(local_server: LocalServer) -> ApiClient:
    return ApiClient(local_server.address, local_server.token("student-0001@demo.example"))


@pytest.fixture
def admin(local_server: LocalServer) -> ApiClient:
    return ApiClient(local_server.address, local_server.token("admin@demo.example"))


def get(address: str, **headers: str) -> httpx.Response:
    response = httpx.get(address, headers=headers, timeout=60)
    assert response.is_success, response.text
    return response


def test_a_student_attaches_a_photo_sees_it_and_takes_the_journey_home(student: ApiClient) -> None:
    # GIVEN a photo that tells where it was taken
    content = photo(orientation=6)
    assert any(trace in content for trace in TRACES)
    # WHEN it is attached
    id_, evidence = student.attach(content)
    # THEN it is shown, upright, without what the camera wrote into it
    assert (evidence["state"], evidence["rejection"]) == ("READY", None)
    assert evidence["uploadForm"] is None
    served = get(evidence["downloadUrl"])
    assert served.headers["content-disposition"].startswith('attachment; filename="mahi.jpg"')
    assert len(served.content) == evidence["bytes"]
    assert not [trace for trace in TRACES if trace in served.content]
    assert Image.open(BytesIO(served.content)).size == (48, 64)
    thumbnail = get(evidence["thumbnailUrl"])
    assert thumbnail.headers["content-type"] == "image/webp"
    assert thumbnail.headers["content-disposition"] == "inline"
    assert get(evidence["downloadUrl"], Range="bytes=0-1").content == b"\xff\xd8"

    # WHEN the journey is exported
    job = student.wait_for(student.export())
    # THEN it holds the photo, and words with macrons on paper
    assert (job["state"], job["done"]) == ("SUCCEEDED", job["total"])
    with ZipFile(BytesIO(get(job["resultUrl"]).content)) as journey:
        assert journey.testzip() is None
        document = json.loads(journey.read("journey.json"))
        (file,) = [item["file"] for goal in document["goals"] for item in goal["evidence"]]
        assert journey.read(file) == served.content
        rows = list(csv.DictReader(StringIO(journey.read("csv/goals.csv").decode("utf-8-sig"))))
        paper = "".join(
            page.extract_text() for page in PdfReader(BytesIO(journey.read("journey.pdf"))).pages
        )
    assert len(document["goals"]) == len(rows) == 12
    assert document["person"]["name"] in paper
    assert set("āēīōū") & set(paper)

    # WHEN the photo is deleted
    student.ask(DELETE, i={"evidenceId": id_})
    # THEN no viewer is shown it
    assert "NOT_FOUND" in str(student.send(SEE, id=id_)["errors"])


def test_an_admin_imports_a_school(admin: ApiClient) -> None:
    import_ = admin.start_import(small_school())
    # WHEN it is checked
    admin.begin_check(import_)
    checked = admin.wait_for_import(import_)
    # THEN the difference can be read, and nothing is changed
    assert checked["state"] == "CHECKED", checked
    sentences = [change["sentence"] for change in checked["changes"]]
    assert sentences[0] == "New group 9 Pūtaiao."
    assert "New person Ānaru Test (u1@school.example)." in sentences
    assert "New group 9 Pūtaiao." in get(checked["job"]["resultUrl"]).text
    find = '{ groups(filter: {name: {in: ["9 Pūtaiao", "10 Art"]}}) { name members { role } } }'
    assert admin.ask(find) == []
    # WHEN it is applied
    admin.begin_application(import_)
    applied = admin.wait_for_import(import_)
    # THEN it is so
    assert applied["state"] == "APPLIED", applied
    groups = {group["name"]: len(group["members"]) for group in admin.ask(find)}
    assert groups == {"9 Pūtaiao": 3, "10 Art": 3}
    # AND the same again changes nothing
    again = admin.start_import(small_school())
    admin.begin_check(again)
    seen = admin.wait_for_import(again)
    assert (seen["state"], seen["changes"], seen["rowsRead"]) == ("CHECKED", [], 12)


def test_a_person_who_thinks_better_of_it_stops_their_export(student: ApiClient) -> None:
    # The worker may be faster.
    for _ in range(20):
        job = student.export()
        student.ask(CANCEL, id=job)
        ended = student.wait_for(job)
        if ended["state"] != "SUCCEEDED":
            break
    assert (ended["state"], ended["resultUrl"]) == ("CANCELLED", None)
    # THEN another can be asked for
    assert student.wait_for(student.export())["state"] == "SUCCEEDED"


def test_the_command_line_shows_what_was_worked_at(
    student: ApiClient, local_server: LocalServer
) -> None:
    job = student.export()
    student.wait_for(job)
    (line,) = [line for line in local_server.run("jobs").splitlines() if job in line]
    assert "EXPORT" in line
    assert "SUCCEEDED" in line
