"""What the tests know of requests for access and erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.features.exports import STAFF, wants
from tests.features.record import (
    ADMIN,
    SIGNED_IN,
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
from tests.reference.changes import Doing, Done, Effect, Refused, about
from tests.reference.policy import Row
from tests.strategies.drawing import Drawing

REASON = "We have to keep it until you leave."
REQUEST = {"privacyRequestId": Id("request for erasure")}


def _rows() -> Iterator[SampleRow]:
    for name, kind in (("request for erasure", "ERASURE"), ("request for access", "ACCESS")):
        yield (
            "privacy_request",
            {
                "id": id_of(name),
                "person_id": id_of(Caller.CLASSMATE),
                "organisation_id": id_of("organisation"),
                "kind": kind,
                "note": "",
                "due_at": datetime.now(UTC) + timedelta(days=28),
            },
        )


def _request(kind: str) -> Effect:
    def request(doing: Doing, input: Row) -> Done:
        mine = doing.all("PrivacyRequest", personId=doing.viewer, kind=kind)
        open_ones = [row for row in mine if _is_pending(doing, row)]
        if open_ones:
            (first, *_) = sorted(open_ones, key=lambda row: (row["createdAt"], row["id"]))
            return Done("PrivacyRequest", frozenset([first["id"]]))
        made = doing.add(
            "PrivacyRequest",
            personId=doing.viewer,
            organisationId=_find_decider(doing, doing.viewer),
            kind=kind,
            note=input.get("note", ""),
            dueAt=doing.now + timedelta(days=28),
            receiptCode="new" if kind == "ERASURE" else None,
        )
        doing.record("INSERT", "PrivacyRequest", made["id"], doing.viewer)
        return about("PrivacyRequest", made)

    return request


def _is_pending(doing: Doing, row: Row) -> bool:
    if row["state"] == "OPEN":
        return True
    jobs = doing.all("Job", id=row["jobId"])
    is_at_work = any(job["state"] != "SUCCEEDED" for job in jobs)
    return row["state"] == "ACCEPTED" and (row["kind"] == "ERASURE" or is_at_work)


def _accept(doing: Doing, input: Row) -> Done:
    row = doing.permitted(
        "acceptPrivacyRequest", doing.find("PrivacyRequest", input["privacyRequestId"])
    )
    jobs = doing.all("Job", id=row["jobId"])
    again = row["state"] == "ACCEPTED" and all(
        job["state"] in ("FAILED", "CANCELLED") for job in jobs
    )
    person = row["personId"]
    if person is None or not (row["state"] == "OPEN" or again):
        raise Refused("CONFLICT")
    if _find_decider(doing, person) != row["organisationId"]:
        raise Refused("CONFLICT")
    if row["kind"] == "ERASURE":
        if person == doing.viewer or _is_last_admin(doing, person):
            raise Refused("CONFLICT")
        wish: dict[str, Any] = {"privacyRequestId": str(row["id"])}
        job = doing.add(
            "Job",
            kind="ERASURE",
            input=json.dumps(wish),
            personId=doing.viewer,
            organisationId=row["organisationId"],
            subjectId=None,
        )
    else:
        who = {"personId": person, "subjectId": person}
        queued = doing.all("Job", kind="EXPORT", state="QUEUED", cancelRequested=False, **who)
        running = [job for job in queued if wants(job) == (False, True)]
        wish = {"personId": str(person), "asOf": "new", "folder": "new"}
        wish |= {STAFF: False, "access": True}
        job = (
            min(running, key=lambda each: (each["createdAt"], each["id"]))
            if running
            else doing.add("Job", kind="EXPORT", input=json.dumps(wish), **who)
        )
    _decide(doing, row, state="ACCEPTED", jobId=job["id"])
    return about("PrivacyRequest", row)


def _refuse(doing: Doing, input: Row) -> Done:
    row = doing.permitted(
        "refusePrivacyRequest", doing.find("PrivacyRequest", input["privacyRequestId"])
    )
    if row["state"] != "OPEN" or _find_decider(doing, row["personId"]) != row["organisationId"]:
        raise Refused("CONFLICT")
    _decide(doing, row, state="REFUSED", reason=input["reason"])
    return about("PrivacyRequest", row)


def _decide(doing: Doing, row: Row, **values: Any) -> None:
    name = doing.find("Person", doing.viewer)["name"]
    doing.touch(row, decidedAt=doing.now, deciderName=name, **values)
    doing.record("UPDATE", "PrivacyRequest", row["id"], row["personId"])


def _is_last_admin(doing: Doing, person: Any) -> bool:
    def admins(place: Any) -> set[Any]:
        rows = doing.all("Membership", organisationId=place, role="ADMIN")
        return {each["personId"] for each in rows if doing.policy.counts(each)}

    return any(
        admins(each["organisationId"]) == {person}
        for each in doing.policy.current("ADMIN", of=person)
    )


def _find_decider(doing: Doing, person: Any) -> Any:
    """The one verified organisation of the person; of who has none, the one that they left and
    that still keeps their data."""
    verified = {each["id"]: each for each in doing.all("Organisation", verified=True)}
    known = [
        each
        for each in doing.all("Membership", personId=person)
        if each["organisationId"] in verified and each["acceptedAt"] and each["confirmed"]
    ]
    belongs = {each["organisationId"] for each in known if doing.policy.counts(each)}
    left = {
        each["organisationId"]
        for each in known
        if doing.policy.is_over(each) and _is_keeping(doing, verified, each)
    }
    places = belongs or left
    return places.pop() if len(places) == 1 else None


def _is_keeping(doing: Doing, verified: dict[Any, Row], was: Row) -> bool:
    days: int = verified[was["organisationId"]]["retentionDays"]
    ended: datetime = was["endsAt"]
    return ended + timedelta(days=days) > doing.now


def _agree_on_the_decidable(drawing: Drawing, input: Row) -> Row:
    """An open request of an organisation that has an administrator."""
    led = {
        each["organisationId"]
        for each in drawing.world["Membership"]
        if each["role"] == "ADMIN" and each["acceptedAt"] and not each["endsAt"]
    }
    able = [
        each["id"]
        for each in drawing.world["PrivacyRequest"]
        if each["organisationId"] in led and each["state"] == "OPEN" and each["personId"]
    ]
    verified = {each["id"] for each in drawing.world["Organisation"] if each["verified"]}
    belongs = {
        (each["personId"], each["organisationId"])
        for each in drawing.world["Membership"]
        if each["acceptedAt"] and each["confirmed"] and not each["endsAt"]
    }
    able = [
        each["id"]
        for each in drawing.world["PrivacyRequest"]
        if each["id"] in able
        and {place for person, place in belongs if person == each["personId"]} & verified
        == {each["organisationId"]}
    ] or able
    return {**input, "privacyRequestId": drawing.choose(*able)} if able else input


def _draw_note(drawing: Drawing) -> str:
    note: str = drawing.choose("", "Āe")
    return note


DECISIONS = (Case("the erasure", REQUEST, ADMIN),)

MUTATIONS = (
    MutationRecord(
        name="requestErasure",
        cases=(Case("one's own", {}, SIGNED_IN),),
        may=rights.any_person,
        does=_request("ERASURE"),
        may_repeat=True,
    ),
    MutationRecord(
        name="requestAccess",
        cases=(Case("one's own", {}, SIGNED_IN),),
        may=rights.any_person,
        does=_request("ACCESS"),
        may_repeat=True,
    ),
    MutationRecord(
        name="acceptPrivacyRequest",
        cases=(
            *DECISIONS,
            Case("the access", {"privacyRequestId": Id("request for access")}, ADMIN),
        ),
        may=rights.admins_over,
        does=_accept,
        agree=_agree_on_the_decidable,
    ),
    MutationRecord(
        name="refusePrivacyRequest",
        cases=tuple(
            Case(each.about, {**each.input, "reason": REASON}, ADMIN) for each in DECISIONS
        ),
        may=rights.admins_over,
        does=_refuse,
        agree=_agree_on_the_decidable,
    ),
)

ONLY = "(filter: { id: { eq: $id } })"

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"privacyRequestId": "PrivacyRequest"},
    values={"note": _draw_note, "reason": (REASON, "Āe, e tika ana")},
    shown={
        "PrivacyRequest": VisibleType(
            f"{{ id state note person {PERSON} job {{ id }} }}",
            f"me {{ privacyRequests{ONLY} % }}"
            f" organisations {{ privacyRequestsConnection{ONLY} {{ nodes % }} }}",
        ),
    },
)
