"""What the tests know of people."""

from __future__ import annotations

from tests.features import sample
from tests.features.record import (
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    VisibleType,
)
from tests.reference import rights
from tests.reference.changes import Doing, Done
from tests.reference.policy import Row
from tests.strategies.drawing import NAMES


def _update_person(doing: Doing, input: Row) -> Done:
    done = doing.update("updatePerson", "Person", input, "personId")
    name = doing.find("Person", input["personId"])["name"]
    for row in doing.all("AddressConflict", personId=input["personId"]):
        row["personName"] = name
    return done


RECORD = FeatureRecord(
    mutations=(
        MutationRecord(
            name="updatePerson",
            cases=(Case("the student", {"personId": Id(Caller.STUDENT), "name": "Mere"}, STUDENT),),
            may=rights.oneself,
            does=_update_person,
        ),
    ),
    ids={"personId": "Person"},
    values={"name": NAMES, "expectedVersion": (1, 1, 2, None)},
    shown={"Person": VisibleType(sample.PERSON, "person(personId: $id) %")},
)
