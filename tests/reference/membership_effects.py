"""What mutations of memberships do to the rows of a world: joining, inviting, accepting, ending.

Named by the record in `tests.features.groups`; who may do it is in `tests.reference.rights`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.reference import policy, rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.computed import version_of_offer
from tests.reference.policy import Policy, Row

KIND = ("organisationId", "role", "groupId", "childId")
"""What two memberships of one person have in common that are the same one."""
PAUSE = timedelta(days=90)
"""How long an address that declined is left alone."""


def join_group(doing: Doing, input: Row) -> Done:
    groups = doing.all("Group", joinCode=input["joinCode"].strip().upper())
    if not groups or groups[0]["joinCodeExpiresAt"] <= doing.now:
        raise Refused("NOT_FOUND")
    group, expires = groups[0], groups[0]["joinCodeExpiresAt"]
    place = {"organisationId": group["organisationId"], "groupId": group["id"]}
    made = {
        "role": "STUDENT",
        "source": "JOIN_CODE",
        "confirmed": not _needs_approval(doing, doing.viewer, group),
        "expiresAt": expires,
    }
    done = join(doing, doing.viewer, **made, **place)
    for row in doing.all("Membership", source="JOIN_CODE", acceptedAt=None):
        # The code was renewed since, and they know the new one.
        if row["id"] in done.ids and row["expiresAt"] != expires:
            doing.touch(row, expiresAt=expires)
            doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])
    return done


def _needs_approval(doing: Doing, person: UUID, group: Row) -> bool:
    """Whom the school removed from one of its groups does not come back by a code alone."""
    place = group["organisationId"]
    studies = doing.all("Membership", personId=person, organisationId=place, role="STUDENT")
    removed = any(
        row["acceptedAt"] and row["endedById"] != person
        for row in studies
        if doing.policy.is_over(row) and not _left_with_group(doing, row)
    )
    return bool(removed or group["joinApproval"])


def _left_with_group(doing: Doing, study: Row) -> bool:
    """Whether the membership ended as its group was put away."""
    group = doing.all("Group", id=study["groupId"])
    return bool(group) and group[0]["endedAt"] == study["endsAt"]


def _must_wait(doing: Doing, offered: Row) -> bool:
    """A code admits as the group does when its student accepts, and not once it was renewed."""
    if not offered["confirmed"]:
        return True
    if offered["source"] != "JOIN_CODE":
        return False
    group = doing.find("Group", offered["groupId"])
    renewed = offered["expiresAt"] != group["joinCodeExpiresAt"]
    return renewed or _needs_approval(doing, offered["personId"], group)


def invite(doing: Doing, input: Row) -> Done:
    role, group, child = input["role"], input.get("groupId"), input.get("childId")
    place = {"organisationId": input["organisationId"], "groupId": group, "childId": child}
    doing.permitted("invite", {**place, "role": role})
    groups = [doing.find("Group", group)] if group else []
    studies = doing.policy.current("STUDENT", of=child) if child else []
    for asked, where in ((group, groups), (child, studies)):
        # No person leads themselves: another invites a caregiver of one who is a student as well.
        led = any(doing.policy.leads(each["organisationId"]) for each in where)
        if asked and (asked == doing.viewer or not led):
            raise Refused("NOT_FOUND")
    fits = (role in ("STUDENT", "MENTOR")) == (group is not None)
    if not fits or (role == "CAREGIVER") != (child is not None):
        raise Refused("BAD_USER_INPUT")
    if role in ("STUDENT", "CAREGIVER") and not _is_verified(doing, input["organisationId"]):
        raise Refused("FORBIDDEN")
    for asked, where in ((group, groups), (child, studies)):
        lasting = [each["organisationId"] for each in where if not each.get("endedAt")]
        if asked and input["organisationId"] not in lasting:
            raise Refused("NOT_FOUND")
    email = input["email"].lower()
    asked_before = [
        row
        for row in doing.all("Membership", invitedEmail=email)
        if row["organisationId"] == input["organisationId"]
        or _is_of_the_same_people(doing, row, input["organisationId"])
    ]
    if any(row["declinedAt"] and row["declinedAt"] > doing.now - PAUSE for row in asked_before):
        raise Refused("CONFLICT")
    known = [
        row["id"]
        for row in doing.all("Person", email=email)
        if not (_has_left(doing, row["id"]) or _is_claimed(doing, row["id"], email))
    ]
    invited: Row = {
        "invitedName": input["name"], "invitedEmail": email, "grantedById": doing.viewer,
        "expiresAt": doing.now + timedelta(days=30),
    }  # fmt: skip
    invited["confirmed"] = role != "CAREGIVER"
    return join(doing, known[0] if known else None, role=role, source="INVITED", **place, **invited)


def accept_membership(doing: Doing, input: Row) -> Done:
    found = doing.find("Membership", input["membershipId"])
    doing.permitted("acceptMembership", found)
    if found["acceptedAt"] is not None:
        return about("Membership", found)
    if not doing.policy.is_offered(found):
        raise Refused("NOT_FOUND")
    _check_verified(doing, found)
    shown = input["noticeVersion"]
    if shown != version_of_offer(doing.world, found):
        raise Refused("CONFLICT")
    if _is_claimed(doing, found["personId"], found["invitedEmail"]):
        raise Refused("CONFLICT")
    name = doing.find("Person", doing.viewer)["name"]
    second = rights.waits_for_a_second_adult(doing.policy, found)
    must_wait = second or _must_wait(doing, found)
    waits: Row = {}
    if must_wait:
        waits = {"confirmed": False, "confirmedAt": None, "confirmedById": None}
        waits["applicantName"] = name
    doing.touch(found, acceptedAt=doing.now, **waits)
    doing.record("UPDATE", "Membership", found["id"], found["personId"], found["childId"])
    consent = doing.add(
        "Consent", basis="PERSON", noticeVersion=shown, notice="new", givenAt=doing.now,
        givenById=doing.viewer, membershipId=found["id"],
        **{key: found[key] for key in ("personId", "organisationId", "role")},
    )  # fmt: skip
    doing.record("INSERT", "Consent", consent["id"], found["personId"])
    same = {key: found[key] for key in ("personId", *KIND)}
    for other in [] if must_wait else doing.all("Membership", acceptedAt=None, **same):
        # Answered with this one.
        if not doing.policy.is_over(other):
            doing.touch(other, endsAt=doing.now, endedById=doing.viewer)
            doing.record("UPDATE", "Membership", other["id"], found["personId"], found["childId"])
    _let_staff_wait(doing, found)
    return about("Membership", found)


def _let_staff_wait(doing: Doing, accepted: Row) -> None:
    """A student's account is not a second adult, whichever it was first."""
    place = {key: accepted[key] for key in ("personId", "organisationId")}
    held = doing.all("Membership", **place)
    waiting = [row for row in held if rights.waits_again(doing.policy, row)]
    for row in waiting:
        name = doing.find("Person", row["personId"])["name"]
        waits = {"confirmed": False, "confirmedAt": None, "confirmedById": None}
        doing.touch(row, **waits, applicantName=name)
        doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])
    admins = doing.all("Membership", organisationId=place["organisationId"], role="ADMIN")
    was_admin = any(row["role"] == "ADMIN" for row in waiting)
    if was_admin and not any(map(doing.policy.counts, admins)):
        raise Refused("CONFLICT")


def decline_invitation(doing: Doing, input: Row) -> Done:
    found = doing.find("Membership", input["membershipId"])
    doing.permitted("declineInvitation", found)
    if not doing.policy.is_offered(found):
        raise Refused("NOT_FOUND")
    for row in (found, *_offered_besides(doing, found)):
        ended = {"endsAt": doing.now, "endedById": doing.viewer, "applicantName": None}
        doing.touch(row, declinedAt=doing.now, **ended)
        doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])
    return about("Membership", found)


def _offered_besides(doing: Doing, declined: Row) -> list[Row]:
    """What else the organisation offers the person, or the address; what they asked for is not."""
    if declined["source"] == "JOIN_CODE":
        return []
    person, email = declined["personId"], declined["invitedEmail"]
    to_address = {"personId": None, "invitedEmail": email} if email else {"personId": person}
    return [
        row
        for row in doing.all("Membership", organisationId=declined["organisationId"])
        if row is not declined and row["source"] != "JOIN_CODE" and doing.policy.is_offered(row)
        if row["personId"] == person or to_address.items() <= row.items()
    ]


def confirm_membership(doing: Doing, input: Row) -> Done:
    found = doing.find("Membership", input["membershipId"])
    doing.permitted("confirmMembership", found)
    if doing.policy.is_over(found):
        raise Refused("NOT_FOUND")
    child = found["childId"]
    lapsed = found["role"] == "CAREGIVER" and not doing.policy.cares_for(found, child)
    if found["confirmed"] and not lapsed:
        return about("Membership", found)
    if found["acceptedAt"] is None:
        raise Refused("CONFLICT")
    _check_verified(doing, found)
    known = Policy(doing.world, found["personId"], doing.now).leads(found["organisationId"])
    if found["enrolledById"] == doing.viewer and not known:
        # Who wrote the roster is the first adult.
        raise Refused("FORBIDDEN")
    studies = doing.policy.current("STUDENT", of=child) if child else []
    if child and found["organisationId"] not in [each["organisationId"] for each in studies]:
        raise Refused("CONFLICT")
    doing.touch(
        found, confirmed=True, confirmedAt=doing.now, confirmedById=doing.viewer, applicantName=None
    )
    doing.record("UPDATE", "Membership", found["id"], found["personId"], found["childId"])
    return about("Membership", found)


def end_membership(doing: Doing, input: Row) -> Done:
    found = doing.find("Membership", input["membershipId"])
    doing.permitted("endMembership", found)
    granted, confirmed = _grants_of(doing, found) if input.get("endGranted") else ([], [])
    ending = [] if doing.policy.is_over(found) else [found]
    ending += [row for row in granted if row is not found]
    admins = any(row["role"] == "ADMIN" and row["acceptedAt"] for row in ending)
    ids = [row["id"] for row in ending]
    if found in ending and found["acceptedAt"] is None and found["personId"] == doing.viewer:
        found["declinedAt"] = doing.now
    _end_all(doing, ending, [found["id"], *ids])
    waiting = [row for row in confirmed if row["id"] not in ids]
    for row in waiting:
        name = doing.find("Person", row["personId"])["name"]
        doing.touch(row, confirmed=False, confirmedAt=None, confirmedById=None, applicantName=name)
        doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])
    _let_caregivers_wait(doing, [*ending, *waiting])
    place = found["organisationId"]
    left = doing.all("Membership", organisationId=place, role="ADMIN")
    if admins and not any(map(doing.policy.counts, left)):
        raise Refused("CONFLICT")
    others = len([row for row in ending if row is not found])
    ended = frozenset([found["id"]])
    return Done("Membership", ended, {"endedGrants": others + len(waiting)})


def end_group(doing: Doing, input: Row) -> Done:
    group = doing.permitted("endGroup", doing.find("Group", input["groupId"]))
    if group["endedAt"] is None:
        ending = [
            row
            for row in doing.all("Membership", groupId=group["id"])
            if not doing.policy.is_over(row)
        ]
        _end_all(doing, ending, [row["id"] for row in ending])
        _let_caregivers_wait(doing, ending)
        doing.touch(group, endedAt=doing.now, joinCode=None, joinCodeExpiresAt=doing.now)
        doing.record("UPDATE", "Group", group["id"], None)
    return about("Group", group)


def _end_all(doing: Doing, ending: list[Row], ids: list[UUID]) -> None:
    """End memberships, and the consents to those of these ids."""
    for row in ending:
        doing.touch(row, endsAt=doing.now, endedById=doing.viewer, applicantName=None)
        doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])
    for consent in doing.all("Consent", withdrawnAt=None):
        if consent["membershipId"] in ids:
            doing.touch(consent, withdrawnAt=doing.now, withdrawnById=doing.viewer)
            doing.record("UPDATE", "Consent", consent["id"], consent["personId"])


def _let_caregivers_wait(doing: Doing, ended: list[Row]) -> None:
    """A student who left and returns is not looked at before the caregiver is confirmed again."""
    for left in ended:
        if left["role"] != "STUDENT" or left["acceptedAt"] is None:
            continue
        child, place = left["personId"], left["organisationId"]
        carers = doing.all("Membership", role="CAREGIVER", childId=child, organisationId=place)
        for row in filter(doing.policy.counts, carers):
            if doing.policy.cares_for(row, child):
                continue
            name = doing.find("Person", row["personId"])["name"]
            waits = {"confirmed": False, "confirmedAt": None, "confirmedById": None}
            doing.touch(row, **waits, applicantName=name)
            doing.record("UPDATE", "Membership", row["id"], row["personId"], row["childId"])


def _grants_of(doing: Doing, membership: Row) -> tuple[list[Row], list[Row]]:
    """What its person offered and confirmed there and the viewer may end."""
    person, place = membership["personId"], membership["organisationId"]
    if person is None or not doing.policy.leads(place):
        return [], []
    all_roles = doing.policy.leads(place, "ADMIN")
    endable = [
        row
        for row in doing.all("Membership", organisationId=place)
        if row["personId"] != doing.viewer and not doing.policy.is_over(row)
        if all_roles or row["role"] not in policy.LEADERS
    ]
    granted = [row for row in endable if row["grantedById"] == person]
    confirmed = [row for row in endable if row["confirmedById"] == person]
    return granted, [row for row in confirmed if row["confirmed"] and row["personId"]]


def _has_left(doing: Doing, person: UUID) -> bool:
    """Belonged somewhere once, and nowhere now: the address may be a newcomer's."""
    accepted = [row for row in doing.all("Membership", personId=person) if row["acceptedAt"]]
    return bool(accepted) and all(map(doing.policy.is_over, accepted))


def _is_claimed(doing: Doing, person: UUID, email: str | None) -> bool:
    """Another account, or row of a roster, has the address as well, and that is undecided."""
    # Rows of rosters claim addresses of their organisation's domains: those here have none.
    claims = doing.all("AddressConflict", personId=person, decision=None, kind="SIGN_IN")
    return any(row["email"] == email for row in claims)


def _check_verified(doing: Doing, offered: Row) -> None:
    """An organisation that is doubted enrols no student, caregiver or roster any further."""
    if not _may_offer(doing, offered):
        raise Refused("FORBIDDEN")


def _may_offer(doing: Doing, offered: Row) -> bool:
    """By a code, and to staff by address, any organisation; the rest is for verified ones."""
    by_address = offered["source"] == "INVITED" and offered["role"] in ("STUDENT", "CAREGIVER")
    needs = by_address or offered["source"] == "ROSTER"
    return not needs or _is_verified(doing, offered["organisationId"])


def _is_of_the_same_people(doing: Doing, declined: Row, place: UUID) -> bool:
    """Whether both organisations are not verified, with the same inviter or founder."""
    other = declined["organisationId"]
    if _is_verified(doing, place) or _is_verified(doing, other):
        return False
    here, there = (
        {row["personId"] for row in doing.all("Membership", organisationId=each, source="FOUNDED")}
        for each in (place, other)
    )
    return declined["grantedById"] == doing.viewer or bool((here & there) - {None})


def _is_verified(doing: Doing, organisation: UUID) -> bool:
    return bool(doing.find("Organisation", organisation)["verified"])


def join(doing: Doing, person: UUID | None, **values: Any) -> Done:
    """A membership, unless the person or the address has one like it, or was offered one."""
    same = {key: values.get(key) for key in KIND}
    lasting = [
        row
        for row in doing.all("Membership", **same)
        if _is_known(doing, row, person, values.get("invitedEmail"))
    ]
    if lasting and values["source"] != "FOUNDED":
        return Done("Membership", frozenset(row["id"] for row in lasting))
    made = doing.add("Membership", personId=person, beginsAt=doing.now, **values)
    doing.record("INSERT", "Membership", made["id"], person, values.get("childId"))
    return about("Membership", made)


def _is_known(doing: Doing, row: Row, person: UUID | None, email: str | None) -> bool:
    """Whether who asks for a membership has, or knows, this one already.

    An inviter knows what they sent to an address, and who belongs there. They must not learn whose
    address it is: of one who joined by a code, say, and has not accepted.
    """
    accepted = bool(row["acceptedAt"]) and not doing.policy.is_over(row)
    lasts = accepted or doing.policy.is_offered(row)
    theirs = person is not None and row["personId"] == person
    if email is not None:
        return (row["invitedEmail"] == email and lasts) or (theirs and doing.policy.counts(row))
    by_code = row["source"] == "JOIN_CODE" or _may_offer(doing, row)
    return theirs and (accepted or (lasts and by_code))
