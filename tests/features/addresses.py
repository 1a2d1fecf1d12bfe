"""What the tests know of addresses that one person has and another claims."""

from __future__ import annotations

from collections.abc import Iterator

from tests.features import sample
from tests.features.record import (
    ADMIN,
    LEADERS,
    Caller,
    Case,
    FeatureRecord,
    Id,
    MutationRecord,
    SampleRow,
    VisibleType,
)
from tests.features.sample import LATELY, id_of
from tests.reference import rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.derived_rows import has_signed_in
from tests.reference.policy import Row

SAME_PERSON = {"decision": "SAME_PERSON", "expectedVersion": 1}


def _rows() -> Iterator[SampleRow]:
    yield (
        "address_conflict",
        {
            "id": id_of("conflict"),
            "organisation_id": id_of("organisation"),
            "person_id": id_of(Caller.STUDENT),
            "email": "the-student@school.example",
            "kind": "SIGN_IN",
            "source": "https://issuer.example",
            "claimant": "subject",
            "decision": "SAME_PERSON",
            "decided_at": LATELY,
        },
    )
    yield (
        "address_conflict",
        {
            "id": id_of("proposed conflict"),
            "organisation_id": id_of("organisation"),
            "person_id": id_of(Caller.CLASSMATE),
            "email": "another-student-of-the-group@school.example",
            "kind": "SIGN_IN",
            "source": "https://issuer.example",
            "claimant": "subject",
            "proposal": "SAME_PERSON",
            "proposed_at": LATELY,
        },
    )


def _resolve_address_conflict(doing: Doing, input: Row) -> Done:
    found = doing.find("AddressConflict", input["conflictId"])
    doing.permitted("resolveAddressConflict", {**found, "asked": input["decision"]})
    if found["decision"] == input["decision"]:
        return about("AddressConflict", found)
    person = doing.find("Person", found["personId"])
    has_address = person["email"] == found["email"]
    same = input["decision"] == "SAME_PERSON"
    proposed = same and found["proposal"] and found["proposedById"] == doing.viewer
    if not proposed and input["expectedVersion"] != found["version"]:
        raise Refused("CONFLICT")
    if found["decision"] or not _decides(doing, found) or not has_address:
        raise Refused("CONFLICT")
    if same and not found["proposal"]:
        # It counts once a second adult says the same.
        proposed = {"proposal": "SAME_PERSON", "proposedAt": doing.now}
        doing.touch(found, **proposed, proposedById=doing.viewer)
        doing.record("UPDATE", "AddressConflict", found["id"], person["id"])
        return about("AddressConflict", found)
    if proposed:
        return about("AddressConflict", found)
    if input["decision"] == "DIFFERENT_PEOPLE":
        _free_address(doing, person)
    elif found["kind"] == "SIGN_IN":
        doing.record("UPDATE", "Person", person["id"], person["id"])
    for each in doing.all("AddressConflict", personId=person["id"], decision=None):
        alike = all(each[name] == found[name] for name in ("kind", "source", "claimant"))
        if input["decision"] == "DIFFERENT_PEOPLE" or alike:
            decided = {"decision": input["decision"], "decidedAt": doing.now}
            doing.touch(each, **decided, decidedById=doing.viewer)
    doing.record("UPDATE", "AddressConflict", found["id"], person["id"])
    return about("AddressConflict", found)


def _free_address(doing: Doing, person: Row) -> None:
    for offered in doing.all("Membership", personId=person["id"], acceptedAt=None):
        if not doing.policy.is_over(offered):
            doing.touch(offered, endsAt=doing.now)
            doing.record("UPDATE", "Membership", offered["id"], person["id"], offered["childId"])
    doing.touch(person, email=None)
    doing.record("UPDATE", "Person", person["id"], person["id"])


def _decides(doing: Doing, conflict: Row) -> bool:
    """A verified school that the person belongs to; else one they left, or whose domain it is, or
    that invited them. All verified schools have the domain."""
    verified = {each["id"] for each in doing.world["Organisation"] if each.get("verified")}
    theirs = [
        each
        for each in doing.all("Membership", personId=conflict["personId"])
        if each["organisationId"] in verified
    ]
    current = [each for each in theirs if doing.policy.counts(each)]
    accepted = [each for each in theirs if each["acceptedAt"] is not None]
    # An invitation gives no say over an account that is used.
    invited = [] if has_signed_in(doing.world, conflict["personId"]) else theirs
    asked = {each["organisationId"] for each in current or accepted or invited}
    person = doing.find("Person", conflict["personId"])
    if not accepted and (person["email"] or "").endswith("@school.example"):
        asked = verified
    return conflict["organisationId"] in asked


MUTATIONS = (
    MutationRecord(
        name="resolveAddressConflict",
        cases=(
            Case(
                "one that was decided so",
                {"conflictId": Id("conflict"), **SAME_PERSON},
                ADMIN,
            ),
            Case(
                "one that another has decided so",
                {"conflictId": Id("proposed conflict"), **SAME_PERSON},
                LEADERS,
            ),
        ),
        may=rights.who_may_decide,
        does=_resolve_address_conflict,
        may_repeat=True,
    ),
)

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    rows=_rows,
    ids={"conflictId": "AddressConflict"},
    values={"decision": ("SAME_PERSON", "DIFFERENT_PEOPLE"), "expectedVersion": (1, 1, 2)},
    shown={
        "AddressConflict": VisibleType(
            f"{{ id person {sample.PERSON} organisation {sample.ORGANISATION} personName"
            " personSourcedId email claimant claimedName }",
            "addressConflict(conflictId: $id) % addressConflicts %",
        ),
    },
)
