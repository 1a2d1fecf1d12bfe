"""What the tests know of reminders."""

from __future__ import annotations

from collections.abc import Iterator

from tests.features.record import (
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
)
from tests.features.sample import LATELY, id_of
from tests.reference import rights
from tests.reference.changes import Doing, Done
from tests.reference.policy import Row


def _rows() -> Iterator[SampleRow]:
    about = {"goal_id": id_of("goal"), "person_id": id_of(Caller.STUDENT)}
    yield "reminder", {"id": id_of("reminder"), **about, "kind": "OVERDUE", "due_at": LATELY}


def _dismiss_reminder(doing: Doing, input: Row) -> Done:
    found = doing.find("Reminder", input["reminderId"])
    doing.permitted("dismissReminder", found)
    if found["dismissedAt"] is None:
        found["dismissedAt"] = doing.now
        doing.record("UPDATE", "Reminder", found["id"], doing.viewer)
    return Done("Goal", frozenset([found["goalId"]]))


MUTATIONS = (
    MutationRecord(
        name="dismissReminder",
        cases=(Case("the student's", {"reminderId": Id("reminder")}, STUDENT),),
        may=rights.the_student,
        does=_dismiss_reminder,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS, rows=_rows, needs=("goals",), ids={"reminderId": "Reminder"}
)
