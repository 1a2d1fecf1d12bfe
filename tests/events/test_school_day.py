"""A day at school through the packaged functions: a photo, a journey, a roster.

What `tests/e2e/test_school_day.py` does over HTTP under `poutama up`, done by API Gateway's events
and SQS's messages, with the files in S3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx

from tests.e2e.api_client import ApiClient
from tests.events.cloud import Cloud
from tests.events.runtime import Function
from tests.unit.features.photos import TRACES, photo
from tests.unit.features.rosters import small_school


@dataclass(frozen=True, slots=True)
class Caller(ApiClient):
    """A person whose requests are events for a function; messages are delivered as they wait."""

    cloud: Cloud
    api: Function
    jobs: Function

    def send(self, query: str, **variables: Any) -> Any:
        if messages := self.cloud.receive():
            assert self.cloud.deliver(self.jobs, messages) == []
        return self.cloud.ask(self.api, query, email=self.token, **variables)["body"]


def call(cloud: Cloud, email: str) -> Caller:
    return Caller("", email, cloud, cloud.open("api"), cloud.open("jobs", seconds=120.0))


def test_a_student_attaches_a_photo_sees_it_and_takes_the_journey_home(cloud: Cloud) -> None:
    student = call(cloud, "student-0001@demo.example")
    # WHEN a photo that tells where it was taken goes straight to the bucket, and is finished
    _, evidence = student.attach(photo(orientation=6))
    # THEN it can be seen, without what the camera wrote into it
    assert (evidence["state"], evidence["rejection"]) == ("READY", None)
    served = httpx.get(evidence["downloadUrl"]).content
    assert len(served) == evidence["bytes"]
    assert not [trace for trace in TRACES if trace in served]
    assert httpx.get(evidence["thumbnailUrl"]).content[8:12] == b"WEBP"
    # AND it is in the journey
    job = student.wait_for(student.export())
    assert (job["state"], job["failure"]) == ("SUCCEEDED", None)
    with ZipFile(BytesIO(httpx.get(job["resultUrl"]).content)) as journey:
        document = json.loads(journey.read("journey.json"))
        (file,) = [item["file"] for goal in document["goals"] for item in goal["evidence"]]
        assert journey.read(file) == served
        assert journey.read("journey.pdf").startswith(b"%PDF")


def test_an_admin_imports_a_school(cloud: Cloud) -> None:
    admin = call(cloud, "admin@demo.example")
    import_ = admin.start_import(small_school())
    admin.begin_check(import_)
    checked = admin.wait_for_import(import_)
    assert checked["state"] == "CHECKED", checked
    assert "New group 9 Pūtaiao." in httpx.get(checked["job"]["resultUrl"]).text
    admin.begin_application(import_)
    applied = admin.wait_for_import(import_)
    assert applied["state"] == "APPLIED", applied
    find = '{ groups(filter: {name: {in: ["9 Pūtaiao", "10 Art"]}}) { name members { role } } }'
    assert {len(group["members"]) for group in admin.ask(find)} == {3}
