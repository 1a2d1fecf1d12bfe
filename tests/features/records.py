"""What the tests know of opened records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.features.record import (
    ADMIN,
    LEADERS,
    NO_CALLER,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import PERSON, id_of
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.policy import LEADERS as LEADING
from tests.reference.policy import Row
from tests.strategies.drawing import Drawing

REASON = "A mentor reported harm"
OPENED = "record opened by the second admin"


def _rows() -> Iterator[SampleRow]:
    """One that gives no caller a right: a colleague opened it."""
    yield (
        "opened_record",
        {
            "id": id_of(OPENED),
            "person_id": id_of(Caller.STUDENT),
            "opener_id": id_of("second admin"),
            "opener_name": "second admin",
            "organisation_id": id_of("organisation"),
            "reason": REASON,
            "other_administrators": 1,
            "expires_at": datetime.now(UTC) + timedelta(hours=3),
        },
    )


def _open_record(doing: Doing, input: Row) -> Done:
    person = doing.permitted("openRecord", doing.find("Person", input["personId"]))
    named = input.get("organisationId")
    if named is not None and not doing.policy.leads(named):
        raise Refused("NOT_FOUND")
    studies = doing.policy.current("STUDENT", of=person["id"])
    led = {each["organisationId"] for each in studies if doing.policy.leads(each["organisationId"])}
    if named is not None and named not in led:
        raise Refused("NOT_FOUND")
    led = {each for each in led if doing.find("Organisation", each)["verified"]}
    if not led or (named is not None and named not in led):
        raise Refused("FORBIDDEN")
    if named is None and len(led) > 1:
        raise Refused("BAD_USER_INPUT")
    place: UUID = named or led.pop()
    admins = {
        each["personId"]
        for each in doing.all("Membership", organisationId=place, role="ADMIN")
        if doing.policy.counts(each)
    }
    opened = doing.add(
        "OpenedRecord",
        personId=person["id"],
        openerId=doing.viewer,
        openerName=doing.find("Person", doing.viewer)["name"],
        organisationId=place,
        reason=input["reason"],
        otherAdministrators=len(admins - {doing.viewer}),
        expiresAt=doing.now + timedelta(hours=4),
    )
    doing.record("INSERT", "OpenedRecord", opened["id"], person["id"])
    return about("OpenedRecord", opened)


def _close_record(doing: Doing, input: Row) -> Done:
    opened = doing.permitted("closeRecord", doing.find("OpenedRecord", input["openedRecordId"]))
    if doing.policy.is_open(opened):
        doing.touch(opened, closedAt=doing.now)
        doing.record("UPDATE", "OpenedRecord", opened["id"], opened["personId"])
    return about("OpenedRecord", opened)


def _agree_on_the_place(drawing: Drawing, input: Row) -> Row:
    """A student of an organisation that a person leads, and there."""
    lasting = [
        row for row in drawing.world["Membership"] if row["acceptedAt"] and not row["endsAt"]
    ]
    led = {row["organisationId"] for row in lasting if row["role"] in LEADING}
    studies = [
        row
        for row in lasting
        if row["role"] == "STUDENT" and row["personId"] and row["organisationId"] in led
    ]
    if not studies:
        return input
    study = drawing.choose(*studies)
    found = {**input, "personId": study["personId"]}
    return (
        found | {"organisationId": study["organisationId"]} if "organisationId" in input else found
    )


WHY = {"personId": Id(Caller.STUDENT), "reason": REASON}

MUTATIONS = (
    MutationRecord(
        name="openRecord",
        cases=(
            Case("the student's", WHY, LEADERS),
            Case(
                "the student's, in an organisation",
                {**WHY, "organisationId": Id("organisation")},
                LEADERS,
            ),
            Case("a mentor's", {**WHY, "personId": Id(Caller.MENTOR)}, NO_CALLER),
        ),
        may=rights.who_may_open,
        does=_open_record,
        agree=_agree_on_the_place,
    ),
    MutationRecord(
        name="closeRecord",
        cases=(Case("a colleague's", {"openedRecordId": Id(OPENED)}, ADMIN),),
        may=rights.who_may_close,
        does=_close_record,
    ),
)

ONLY = "(filter: { id: { eq: $id } })"

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"personId": "Person", "openedRecordId": "OpenedRecord"},
    values={"reason": (REASON, "Āe, e tika ana")},
    shown={
        "OpenedRecord": VisibleType(
            f"{{ id reason person {PERSON} opener {PERSON} }}",
            f"me {{ openedRecords{ONLY} % }} person(personId: $id) {{ id }}"
            f" organisations {{ openedRecordsConnection{ONLY} {{ nodes % }} }}",
        ),
    },
)
