"""What the tests know of jobs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.features import sample
from tests.features.record import (
    ADMIN,
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import id_of
from tests.reference import rights
from tests.reference.changes import Doing, Done, about
from tests.reference.policy import Row


def _rows() -> Iterator[SampleRow]:
    for name, of in (("job", None), ("job of the organisation", "organisation")):
        where = {"organisation_id": id_of(of) if of else None}
        job = {"id": id_of(name), "kind": "TEST", "input": "{}", **where}
        yield "job", {**job, "person_id": id_of(Caller.STUDENT)}


def _cancel_job(doing: Doing, input: Row) -> Done:
    job = doing.permitted("cancelJob", doing.find("Job", input["jobId"]))
    if job["state"] == "QUEUED" and not job["cancelRequested"]:
        doing.touch(job, cancelRequested=True, state="CANCELLED", finishedAt=doing.now)
        doing.record("UPDATE", "Job", job["id"], job["personId"], job["subjectId"])
    return about("Job", job)


MUTATIONS = (
    MutationRecord(
        name="cancelJob",
        cases=(
            Case("the student's own", {"jobId": Id("job")}, STUDENT),
            Case(
                "one the student asked for in the organisation",
                {"jobId": Id("job of the organisation")},
                STUDENT | ADMIN,
            ),
        ),
        may=rights.who_sees_it,
        does=_cancel_job,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"jobId": "Job"},
    shown={
        "Job": VisibleType(
            f"{{ id kind state person {sample.PERSON} subject {sample.PERSON}"
            f" organisation {sample.ORGANISATION} rowErrors {{ id }} }}",
            "job(jobId: $id) %",
        ),
    },
)
