"""Rows that are made of others: offers, reminders, a group's progress, who has access to whom.

The database has views for them. Called by `tests.reference.school`; `tests.reference.policy` says
what of them a viewer may see.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5
from uuid import UUID

from tests.reference.computed import compute
from tests.reference.policy import LEADERS, Policy, Row, World


def reminds(policy: Policy, reminder: Row) -> bool:
    """Whether it was not dismissed, and its goal is still to be done by then."""
    (goal,) = (each for each in policy.world["Goal"] if each["id"] == reminder["goalId"])
    due = not goal["complete"] and goal["dueAt"] == reminder["dueAt"]
    return due and reminder["dismissedAt"] is None


def offer(policy: Policy, membership: Row) -> Row:
    """What the person of an open membership is shown, although they are not a member yet."""

    def name(kind: str, key: str) -> str | None:
        return next((x["name"] for x in policy.world[kind] if x["id"] == membership[key]), None)

    inviters = [x for x in policy.world["Person"] if x["id"] == membership["grantedById"]]
    same = ("id", "personId", "role", "source", "createdAt", "expiresAt")
    organisations = policy.world["Organisation"]
    (place,) = (each for each in organisations if each["id"] == membership["organisationId"])
    shown = {key: membership[key] for key in same} | {
        "organisationName": place["name"],
        "organisationVerified": place["verified"],
        "groupName": name("Group", "groupId"),
        "inviterName": next(
            (
                each["name"]
                for each in inviters
                if place["verified"] or each["updatedAt"] <= membership["createdAt"]
            ),
            None,
        ),
    }
    return shown | compute("Invitation", shown)


def accesses(policy: Policy) -> Iterator[Row]:
    """Who has access to whose data, by which memberships."""
    current = [each for each in policy.world["Membership"] if policy.counts(each)]
    names = {kind: {row["id"]: row["name"] for row in policy.world[kind]} for kind in NAMED}
    for theirs in current:
        for held in current:
            if held["personId"] != theirs["personId"] and gives_access(policy, held, theirs):
                role, granter = held["role"], held["grantedById"] or held["enrolledById"]
                moments = ("beginsAt", "acceptedAt", "confirmedAt")
                yield {
                    "id": hashed(theirs, held), "personId": theirs["personId"],
                    "organisationId": theirs["organisationId"], "holderId": held["personId"],
                    "reason": "MANAGER" if role == "MENTOR_MANAGER" else role,
                    "readsGoals": role in ("MENTOR", "CAREGIVER"),
                    "holderName": names["Person"][held["personId"]],
                    "organisationName": names["Organisation"][theirs["organisationId"]],
                    "groupName": names["Group"].get(held["groupId"]),
                    "since": max(x[key] for x in (theirs, held) for key in moments if x[key]),
                    "grantedByName": names["Person"].get(granter),
                    "confirmedByName": names["Person"].get(held["confirmedById"]),
                    "membershipId": (held if role == "CAREGIVER" else theirs)["id"],
                }  # fmt: skip
        if theirs["role"] == "STUDENT":
            yield from opened(policy, theirs, names["Organisation"])


def opened(policy: Policy, theirs: Row, organisations: Row) -> Iterator[Row]:
    """The records of the student that are open in the organisation."""
    for each in policy.world["OpenedRecord"]:
        student, place = theirs["personId"], theirs["organisationId"]
        same = (each["personId"], each["organisationId"]) == (student, place)
        open_now = policy.is_open(each) and policy.has_stayed(student, place, each["createdAt"])
        reader = Policy(policy.world, each["openerId"], policy.now)
        if same and open_now and reader.leads(place):
            yield {
                "id": hashed(theirs, each), "personId": theirs["personId"],
                "organisationId": theirs["organisationId"], "holderId": each["openerId"],
                "reason": "OPENED_RECORD", "readsGoals": True, "holderName": each["openerName"],
                "organisationName": organisations[theirs["organisationId"]], "groupName": None,
                "since": each["createdAt"], "grantedByName": None, "confirmedByName": None,
                "membershipId": theirs["id"],
            }  # fmt: skip


def gives_access(policy: Policy, held: Row, theirs: Row) -> bool:
    """Whether a membership gives access to the person of the other, in one organisation."""
    if held["organisationId"] != theirs["organisationId"]:
        return False
    if held["role"] in LEADERS:
        return True
    mentors = held["role"] == "MENTOR" and held["groupId"] == theirs["groupId"]
    cares = held["role"] == "CAREGIVER" and policy.cares_for(held, theirs["personId"])
    return bool(theirs["role"] == "STUDENT" and (mentors or cares))


def hashed(*rows: Row) -> UUID:
    """An id made of those of other rows."""
    words = "".join(str(row["id"]) for row in rows)
    return UUID(hex=md5(words.encode(), usedforsecurity=False).hexdigest())


NAMED = ("Person", "Organisation", "Group")


def progress(policy: Policy) -> list[Row]:
    """Each group's progress: its students' goals that its mentors see, each counted once."""
    found = []
    for group in policy.world["Group"]:
        students = {
            each["personId"]
            for each in policy.world["Membership"]
            if each["groupId"] == group["id"] and each["role"] == "STUDENT" and policy.counts(each)
        }
        goals = [
            each
            for each in policy.world["Goal"]
            if each["personId"] in students and policy.is_shown_to(each, group["organisationId"])
        ]
        active = [each for each in goals if not each["complete"]]
        overdue = [each for each in active if each["dueAt"] and each["dueAt"] < policy.now]
        found.append({
            "id": group["id"], "organisationId": group["organisationId"], "active": len(active),
            "overdue": len(overdue), "completed": len(goals) - len(active),
        })  # fmt: skip
    return found


def student_accounts(policy: Policy) -> list[Row]:
    """Of each student who belongs to an organisation now, whether they have signed in."""
    return [
        {
            "id": each["id"], "groupId": each["groupId"], "codeExpiresAt": None,
            "organisationId": each["organisationId"],
            "hasSignedIn": has_signed_in(policy.world, each["personId"]),
        }
        for each in policy.world["Membership"]
        if each["role"] == "STUDENT" and policy.counts(each)
    ]  # fmt: skip


def has_signed_in(world: World, person: UUID | None) -> bool:
    """Of the people of a world those have of whom it was decided that an account is theirs."""
    return any(
        each["kind"] == "SIGN_IN" and each["decision"] == "SAME_PERSON"
        for each in world["AddressConflict"]
        if each["personId"] == person
    )
