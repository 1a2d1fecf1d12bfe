"""What Poutama's tests know of suggestions: who may do what, on rows that show it.

Loaded by the tests of a checkout of Poutama alone, by the entry point `poutama.test_records`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.features.record import (
    MENTOR,
    NO_CALLER,
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

OURS = {"suggestionId": Id("suggestion")}
HAKA = {"goalType": "CULTURAL", "title": "Haka", "reason": "Try it"}
FOUND = "suggestions(filter: {id: {eq: $id}}) %"
SUGGESTION = "{ id title mentor { id email } goal { id } }"


def _rows() -> Iterator[SampleRow]:
    people = {"person_id": id_of(Caller.STUDENT), "mentor_id": id_of(Caller.MENTOR)}
    words = {**searched("title", "Haka"), **searched("reason", "Try it"), "goal_type": "CULTURAL"}
    yield "suggestion", {"id": id_of("suggestion"), **people, **words}
    answered = {"id": id_of("answered suggestion"), "state": "DECLINED"}
    yield "suggestion", {**answered, **people, **words}


MUTATIONS = (
    MutationRecord(
        name="suggestGoal",
        cases=(Case("to the student", {"studentId": Id(Caller.STUDENT), **HAKA}, MENTOR),),
    ),
    MutationRecord(
        name="suggestToGroup",
        cases=(Case("to the group", {"groupId": Id("group"), **HAKA}, MENTOR),),
    ),
    *(
        MutationRecord(
            name=name,
            cases=(
                Case("an open one", OURS, STUDENT),
                Case("answered already", {"suggestionId": Id("answered suggestion")}, NO_CALLER),
            ),
        )
        for name in ("acceptSuggestion", "declineSuggestion")
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    needs=("goals",),
    ids={"suggestionId": "Suggestion"},
    shown={
        "Suggestion": VisibleType(
            SUGGESTION, f"me {{ {FOUND} }} groups {{ members {{ person {{ {FOUND} }} }} }}"
        ),
    },
)
