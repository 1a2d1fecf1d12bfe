"""A person with a token, who does over HTTP what the docs tell front ends to do.

Waits by asking again, as front ends do; a wait of `LIMIT_SECONDS` seconds in vain fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

# Not a measurement: what hangs must not hang the suite.
HANG_SECONDS = 60.0

ADD = """mutation ($i: AddEvidenceInput!) { addEvidence(input: $i) { evidence {
  id uploadForm { url fields { name value } } } } }"""
FINISH = "mutation ($i: FinishEvidenceInput!) { finishEvidence(input: $i) { evidence { state } } }"
DELETE = "mutation ($i: DeleteEvidenceInput!) { deleteEvidence(input: $i) { goal { id } } }"
SEE = """
query ($id: UUID!) {
  evidence(evidenceId: $id) {
    state rejection altText fileName mediaType bytes sha256
    uploadForm { url fields { name value } } downloadUrl thumbnailUrl
  }
}
"""
EXPORT = "mutation { exportJourney(input: {}) { job { id state } } }"
CANCEL = "mutation ($id: UUID!) { cancelJob(input: {jobId: $id}) { job { state } } }"
JOB = "query ($id: UUID!) { job(jobId: $id) { kind state done total failure resultUrl } }"
START = """
mutation ($i: StartRosterImportInput!) {
  startRosterImport(input: $i) { rosterImport { id uploadForm { url fields { name value } } } }
}
"""
CHECK = "mutation ($i: CheckRosterImportInput!) { checkRosterImport(input: $i) { %s } }"
APPLY = "mutation ($i: ApplyRosterImportInput!) { applyRosterImport(input: $i) { %s } }"
IMPORT = """
query ($id: UUID!) {
  rosterImport(importId: $id) {
    id state version rowsRead rowsRefused groupsAdded peopleAdded membershipsAdded
    changes(first: 100) { sentence }
    job { id state failure resultUrl }
    checkJob { rowErrors(first: 100) { file line field code message } }
  }
}
"""
_BUSY = ("CHECKING", "APPLYING")
_UNDER_WAY = ("QUEUED", "RUNNING")


def wait_until(look: Callable[[], T], good: Callable[[T], bool]) -> T:
    """Look again and again until it is good."""
    end = time.monotonic() + HANG_SECONDS
    while not good(seen := look()):
        assert time.monotonic() < end, f"waited in vain; the last was {seen}"
        time.sleep(0.02)  # another process's state: no event tells
    return seen


def fields_of(form: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an upload form, in their order."""
    return {each["name"]: each["value"] for each in form["fields"]}


def upload(form: Mapping[str, Any], content: bytes, **fields: str) -> httpx.Response:
    """Post a form as it was given, but for these fields."""
    return httpx.post(
        form["url"],
        data={**fields_of(form), **fields},
        files={"file": ("file", content, "application/octet-stream")},
        timeout=HANG_SECONDS,
    )


@dataclass(frozen=True, slots=True)
class ApiClient:
    """See above."""

    address: str
    token: str

    def send(self, query: str, **variables: object) -> Any:
        """The whole answer."""
        answer = httpx.post(
            f"{self.address}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=HANG_SECONDS,
        )
        return answer.json()

    def ask(self, query: str, **variables: object) -> Any:
        """The value of the one root field; there must be no error."""
        body = self.send(query, **variables)
        assert "errors" not in body, body
        (value,) = body["data"].values()
        return value

    def refuse(self, query: str, **variables: object) -> tuple[str, str]:
        """Code and message of the one error."""
        (error,) = self.send(query, **variables)["errors"]
        return error["extensions"]["code"], error["message"]

    def announce(self, content: bytes, media_type: str = "image/jpeg", **more: object) -> Any:
        """Announce a file for one's first goal; its id and form."""
        goal = self.ask("{ goals(first: 1) { id } }")[0]["id"]
        input = {
            "goalId": goal,
            "title": "Mahi kai",
            "altText": "A kete of flax",
            "fileName": "mahi.jpg",
            "mediaType": media_type,
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }
        return self.ask(ADD, i={**input, **more})["evidence"]

    def finish(self, evidence: str) -> Any:
        """Say that it is uploaded, and wait until it was looked at."""
        self.ask(FINISH, i={"evidenceId": evidence})
        return wait_until(
            lambda: self.ask(SEE, id=evidence), lambda seen: seen["state"] != "PENDING"
        )

    def attach(self, content: bytes, media_type: str = "image/jpeg") -> tuple[str, Any]:
        """All of it; the evidence's id, and the evidence once it was looked at."""
        added = self.announce(content, media_type)
        response = upload(added["uploadForm"], content)
        assert response.status_code == 204, response.text
        return added["id"], self.finish(added["id"])

    def export(self) -> str:
        """Ask for one's journey; the job's id."""
        job: str = self.ask(EXPORT)["job"]["id"]
        return job

    def see_job(self, job: str) -> Any:
        return self.ask(JOB, id=job)

    def wait_for(self, job: str) -> Any:
        """The job once it has ended."""
        return wait_until(lambda: self.see_job(job), lambda seen: seen["state"] not in _UNDER_WAY)

    def start_import(self, content: bytes) -> str:
        """Announce and upload a roster for the organisation that one administers; its id."""
        organisation = self.ask("{ organisations { id } }")[0]["id"]
        input = {
            "organisationId": organisation,
            "name": "school.zip",
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
        }
        started = self.ask(START, i=input)["rosterImport"]
        response = upload(started["uploadForm"], content)
        assert response.status_code == 204, response.text
        id_: str = started["id"]
        return id_

    def begin_check(self, import_: str) -> None:
        self.ask(CHECK % "rosterImport { id }", i={"importId": import_})

    def begin_application(self, import_: str) -> None:
        version = self.see_import(import_)["version"]
        # Whatever another test has imported into the same school may end.
        input = {"importId": import_, "expectedVersion": version, "allowEndingPercent": 100}
        self.ask(APPLY % "rosterImport { id }", i=input)

    def see_import(self, import_: str) -> Any:
        return self.ask(IMPORT, id=import_)

    def wait_for_import(self, import_: str) -> Any:
        """The import once no worker works at it."""
        return wait_until(lambda: self.see_import(import_), lambda seen: seen["state"] not in _BUSY)
