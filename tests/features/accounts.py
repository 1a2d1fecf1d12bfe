"""What the tests know of account codes, and of claiming an account by one.

The people of the sample, and of the worlds that are drawn, were made by no roster: there is no code
for them. `tests/db/test_account_codes.py` has the codes of those who were.
"""

from __future__ import annotations

from tests.features.record import (
    LEADERS,
    NO_CALLER,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
)
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.policy import Row
from tests.strategies.drawing import Drawing

HEADER = '"name","username","code"\r\n'


def _make_account_codes(doing: Doing, input: Row) -> Done:
    group = doing.permitted("makeAccountCodes", doing.find("Group", input["groupId"]))
    done = about("Group", group)
    return Done(done.kind, done.ids, {"count": 0, "codes": HEADER})


def _claim_account(_doing: Doing, _input: Row) -> Done:
    raise Refused("NOT_FOUND")


def _draw_code(drawing: Drawing) -> str:
    return drawing.choose("00000-00000-00000-00000-00000", "x")


MUTATIONS = (
    MutationRecord(
        name="makeAccountCodes",
        cases=(
            Case("for the group", {"groupId": Id("group")}, LEADERS),
            Case(
                "for the student",
                {"groupId": Id("group"), "personId": Id(Caller.STUDENT)},
                LEADERS,
            ),
        ),
        may=rights.leaders_over,
        does=_make_account_codes,
        may_repeat=True,
    ),
    MutationRecord(
        name="claimAccount",
        cases=(Case("a code that is not there", {"code": "0" * 25}, NO_CALLER),),
        may=rights.any_person,
        does=_claim_account,
    ),
)

RECORD = FeatureRecord(mutations=MUTATIONS, values={"code": _draw_code})
