"""What the tests know of a journey's export."""

from __future__ import annotations

import json

from tests.features.record import (
    CAREGIVER,
    MENTOR,
    SIGNED_IN,
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
)
from tests.reference import rights
from tests.reference.changes import Doing, Done, about
from tests.reference.policy import Row

STAFF = "notesForStaff"


def wants(job: Row) -> tuple[bool, bool]:
    """Whether a job's export has notes for staff, and whether it answers a request for access."""
    input = json.loads(job["input"])
    return input.get(STAFF, False), input.get("access", False)


def _export_journey(doing: Doing, input: Row) -> Done:
    person = doing.find("Person", input.get("personId") or doing.viewer)
    doing.permitted("exportJourney", person)
    who = {"personId": doing.viewer, "subjectId": person["id"]}
    with_staff = input.get(STAFF, False)
    asked = doing.all("Job", kind="EXPORT", state="QUEUED", cancelRequested=False, **who)
    alike = [job for job in asked if wants(job) == (with_staff, False)]
    if alike:
        return Done("Job", frozenset(job["id"] for job in alike))
    wish = {"personId": str(person["id"]), "asOf": "new", "folder": "new", STAFF: with_staff}
    wish["access"] = False
    job = doing.add("Job", kind="EXPORT", input=json.dumps(wish), **who)
    if person["id"] != doing.viewer:
        staff = doing.policy.works_with(person["id"])
        cares = doing.policy.is_caregiver_of(person["id"])
        job["readAs"] = ("STAFF_AND_CAREGIVER" if cares else "STAFF") if staff else "CAREGIVER"
        job["readOrganisationIds"] = tuple(sorted(staff, key=str)) or None
        doing.record("READ", "Journey", None, person["id"])
    return about("Job", job)


MUTATIONS = (
    MutationRecord(
        name="exportJourney",
        cases=(
            Case("one's own", {}, SIGNED_IN),
            Case(
                "the student's",
                {"personId": Id(Caller.STUDENT)},
                STUDENT | MENTOR | CAREGIVER,
            ),
            Case(
                "the student's, with notes for staff",
                {"personId": Id(Caller.STUDENT), STAFF: True},
                STUDENT | MENTOR | CAREGIVER,
            ),
        ),
        may=rights.who_sees_the_goals,
        does=_export_journey,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS, ids={"personId": "Person"}, values={STAFF: (False, True)}
)
