"""What the tests know of evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.features import sample
from tests.features.record import (
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import id_of, searched
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.policy import Row
from tests.strategies.drawing import Drawing, draw_new_id

GOAL, EVIDENCE = {"goalId": Id("goal")}, {"evidenceId": Id("evidence")}
FILE = {
    "title": "Mahi",
    "fileName": "mahi.jpg",
    "mediaType": "image/jpeg",
    "bytes": 7,
    "sha256": "0" * 64,
}


def _rows() -> Iterator[SampleRow]:
    student = id_of(Caller.STUDENT)
    yield "evidence_usage", {"id": student, "person_id": student, "bytes": 7, "files": 1}
    held = {"goal_id": id_of("goal"), "uploader_id": student}
    described = {"alt_text": "", "file_name": "mahi.jpg", "media_type": "image/jpeg"}
    file = {"bytes": 7, "sha256": "0" * 64, "stem": "stem", "upload_key": "stem/upload"}
    yield (
        "evidence",
        {"id": id_of("evidence"), **searched("title", "Mahi"), **held, **described, **file},
    )


def _add_evidence(doing: Doing, input: Row) -> Done:
    goal = doing.permitted("addEvidence", doing.find("Goal", input["goalId"]))
    if input.get("noteId"):
        note = doing.find("GoalNote", input["noteId"])
        if not doing.policy.may_see("GoalNote", note):
            raise Refused("NOT_FOUND")
    same = {"uploaderId": doing.viewer, "goalId": goal["id"]}
    same |= {"noteId": input["noteId"]} if input.get("noteId") else {}
    before = doing.made_before("Evidence", input.get("id"), lambda row: same.items() <= row.items())
    if before is not None:
        return before
    if input.get("noteId") and note["goalId"] != goal["id"]:
        raise Refused("NOT_FOUND")
    studies = doing.policy.current("STUDENT", of=doing.viewer)
    first = min(studies, key=lambda each: (each["beginsAt"], each["id"]), default=None)
    made = doing.add("Evidence", **{
        "noteId": None, "altText": "", "uploaderId": doing.viewer, "stem": "new",
        "uploadKey": "new", "addedTo": "NOTE" if input.get("noteId") else "GOAL",
        "organisationId": first and first["organisationId"], **input,
    })  # fmt: skip
    doing.record("INSERT", "Evidence", made["id"], doing.viewer)
    return about("Evidence", made)


def _finish_evidence(doing: Doing, input: Row) -> Done:
    made = doing.changeable("finishEvidence", "Evidence", input, "evidenceId")
    if made["state"] == "PENDING" and made["jobId"] is None:
        asked = json.dumps({"evidence": str(made["id"]), "stem": made["stem"]})
        who = {"personId": doing.viewer, "subjectId": doing.viewer}
        job = doing.add("Job", kind="EVIDENCE", input=asked, **who)
        doing.touch(made, jobId=job["id"])
        doing.record("UPDATE", "Evidence", made["id"], doing.viewer)
    return about("Evidence", made)


def _update_evidence(doing: Doing, input: Row) -> Done:
    return doing.update("updateEvidence", "Evidence", input, "evidenceId")


def _delete_evidence(doing: Doing, input: Row) -> Done:
    made = doing.changeable("deleteEvidence", "Evidence", input, "evidenceId")
    doing.delete("Evidence", made)
    deleted = {"deletedEvidenceId": made["id"]}
    return Done("Goal", frozenset([made["goalId"]]), deleted)


def _agree_on_the_note(drawing: Drawing, input: Row) -> Row:
    notes = [row["id"] for row in drawing.world["GoalNote"] if row["goalId"] == input["goalId"]]
    return {**input, "noteId": drawing.choose(None, *notes)}


MUTATIONS = (
    MutationRecord(
        name="addEvidence",
        cases=(
            Case("the student's goal", {**GOAL, **FILE}, STUDENT),
            Case(
                "a note of the mentor",
                {**GOAL, "noteId": Id("note of the mentor"), **FILE},
                STUDENT,
            ),
        ),
        may=rights.the_student,
        does=_add_evidence,
        agree=_agree_on_the_note,
    ),
    MutationRecord(
        name="finishEvidence",
        cases=(Case("evidence of the student", EVIDENCE, STUDENT),),
        may=rights.the_student,
        does=_finish_evidence,
    ),
    MutationRecord(
        name="updateEvidence",
        cases=(Case("evidence of the student", {**EVIDENCE, "title": "?"}, STUDENT),),
        may=rights.the_student,
        does=_update_evidence,
    ),
    MutationRecord(
        name="deleteEvidence",
        cases=(Case("evidence of the student", EVIDENCE, STUDENT),),
        may=rights.the_student,
        does=_delete_evidence,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    needs=("goals",),
    ids={"evidenceId": "Evidence"},
    values={
        "id": draw_new_id("Evidence"),
        "title": ("Run", "Āe"),
        "altText": ("", "Āe"),
        "fileName": ("tui.jpg",),
        "mediaType": ("image/jpeg",),
        "bytes": (1, 2),
        "sha256": ("ab" * 32,),
        "expectedVersion": (1, 1, 2, None),
    },
    shown={
        "Evidence": VisibleType(
            f"{{ id title state goal {sample.GOAL} note {{ id author {sample.PERSON} }} }}",
            "evidence(evidenceId: $id) %",
        ),
    },
)
