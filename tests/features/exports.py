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


def _export_journey(doing: Doing, given: Row) -> Done:
    person = doing.find("Person", given.get("personId") or doing.viewer)
    doing.permitted("exportJourney", person)
    who = {"personId": doing.viewer, "subjectId": person["id"]}
    asked = doing.all("Job", kind="EXPORT", state="QUEUED", cancelRequested=False, **who)
    if asked:
        return Done("Job", frozenset(job["id"] for job in asked))
    wish = {"personId": str(person["id"]), "asOf": "new", "folder": "new"}
    job = doing.add("Job", kind="EXPORT", input=json.dumps(wish), **who)
    if person["id"] != doing.viewer:
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
        ),
        may=rights.who_sees_the_goals,
        does=_export_journey,
    ),
)

RECORD = FeatureRecord(mutations=MUTATIONS, ids={"personId": "Person"})
