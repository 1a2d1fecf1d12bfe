"""What the tests know of organisations, groups and memberships."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.features import sample
from tests.features.record import (
    ADMIN,
    CAREGIVER,
    LEADERS,
    MENTOR,
    SIGNED_IN,
    STUDENT,
    Caller,
    Case,
    FeatureRecord,
    Id,
    Input,
    MutationRecord,
    VisibleType,
)
from tests.features.sample import JOIN_CODE
from tests.reference import policy, rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.computed import NOTICE_VERSION
from tests.reference.policy import Row
from tests.strategies.drawing import NAMES, Drawing

ORGANISATION, GROUP = {"organisationId": Id("organisation")}, {"groupId": Id("group")}

PAUSE = timedelta(days=90)
"""How long an address that declined is left alone."""


def invitation(role: str, **more: object) -> Input:
    """An invitation into the organisation."""
    who = {"email": "new@school.example", "name": "New"}
    return {**ORGANISATION, "role": role, **who, **more}


def _create_organisation(doing: Doing, given: Row) -> Done:
    usual = {"timeZone": "Pacific/Auckland", "region": "ap-southeast-2", "retentionDays": 730}
    made = doing.add("Organisation", **{**usual, **given})
    doing.record("INSERT", "Organisation", made["id"], None)
    place = {"organisationId": made["id"], "acceptedAt": doing.now}
    _join(doing, doing.viewer, role="ADMIN", source="FOUNDED", **place)
    return about("Organisation", made)


def _update_organisation(doing: Doing, given: Row) -> Done:
    return doing.update("updateOrganisation", "Organisation", given, "organisationId")


def _create_group(doing: Doing, given: Row) -> Done:
    doing.permitted("createGroup", doing.find("Organisation", given["organisationId"]))
    group = doing.add("Group", joinCode="new", **given)
    doing.record("INSERT", "Group", group["id"], None)
    return about("Group", group)


def _update_group(doing: Doing, given: Row) -> Done:
    return doing.update("updateGroup", "Group", given, "groupId")


def _delete_group(doing: Doing, given: Row) -> Done:
    group = doing.changeable("deleteGroup", "Group", given, "groupId")
    memberships = doing.all("Membership", groupId=group["id"])
    for each in memberships:
        doing.lose("Consent", "membershipId", each)
    doing.remove("Membership", *memberships)
    return doing.delete("Group", group)


def _renew_join_code(doing: Doing, given: Row) -> Done:
    group = doing.permitted("renewJoinCode", doing.find("Group", given["groupId"]))
    doing.touch(group, joinCode="new")
    doing.record("UPDATE", "Group", group["id"], None)
    return about("Group", group)


def _join_group(doing: Doing, given: Row) -> Done:
    groups = doing.all("Group", joinCode=given["joinCode"].strip().upper())
    if not groups:
        raise Refused("NOT_FOUND")
    place = {"organisationId": groups[0]["organisationId"], "groupId": groups[0]["id"]}
    return _join(doing, doing.viewer, role="STUDENT", source="JOIN_CODE", **place)


def _invite(doing: Doing, given: Row) -> Done:
    role, group, child = given["role"], given.get("groupId"), given.get("childId")
    place = {"organisationId": given["organisationId"], "groupId": group, "childId": child}
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
    if role in ("STUDENT", "CAREGIVER") and not _is_verified(doing, given["organisationId"]):
        raise Refused("FORBIDDEN")
    for asked, where in ((group, groups), (child, studies)):
        if asked and given["organisationId"] not in [each["organisationId"] for each in where]:
            raise Refused("NOT_FOUND")
    email = given["email"].lower()
    asked_before = doing.all(
        "Membership", organisationId=given["organisationId"], invitedEmail=email
    )
    if any(row["declinedAt"] and row["declinedAt"] > doing.now - PAUSE for row in asked_before):
        raise Refused("CONFLICT")
    known = [row["id"] for row in doing.all("Person", email=email)]
    invited = {
        "invitedName": given["name"], "invitedEmail": email, "grantedById": doing.viewer,
        "expiresAt": doing.now + timedelta(days=30),
    }  # fmt: skip
    person = known[0] if known else None
    return _join(doing, person, role=role, source="INVITED", **place, **invited)


def _accept_membership(doing: Doing, given: Row) -> Done:
    found = doing.find("Membership", given["membershipId"])
    doing.permitted("acceptMembership", found)
    if found["acceptedAt"] is not None:
        return about("Membership", found)
    if not doing.policy.is_offered(found):
        raise Refused("NOT_FOUND")
    shown = given.get("noticeVersion")
    if shown not in (None, NOTICE_VERSION):
        raise Refused("CONFLICT")
    doing.touch(found, acceptedAt=doing.now)
    doing.record("UPDATE", "Membership", found["id"], found["personId"], found["childId"])
    consent = doing.add(
        "Consent", basis="PERSON", noticeVersion=shown, notice="new", givenAt=doing.now,
        givenById=doing.viewer, membershipId=found["id"],
        **{key: found[key] for key in ("personId", "organisationId", "role")},
    )  # fmt: skip
    doing.record("INSERT", "Consent", consent["id"], found["personId"])
    return about("Membership", found)


def _decline_invitation(doing: Doing, given: Row) -> Done:
    found = doing.find("Membership", given["membershipId"])
    doing.permitted("declineInvitation", found)
    if not doing.policy.is_offered(found):
        raise Refused("NOT_FOUND")
    doing.touch(found, endsAt=doing.now, declinedAt=doing.now)
    doing.record("UPDATE", "Membership", found["id"], found["personId"], found["childId"])
    return about("Membership", found)


def _end_membership(doing: Doing, given: Row) -> Done:
    found = doing.find("Membership", given["membershipId"])
    doing.permitted("endMembership", found)
    if not doing.policy.is_over(found):
        admins = doing.all("Membership", organisationId=found["organisationId"], role="ADMIN")
        others = [each for each in admins if each is not found and doing.policy.counts(each)]
        if found["role"] == "ADMIN" and found["acceptedAt"] and not others:
            raise Refused("CONFLICT")
        doing.touch(found, endsAt=doing.now)
        doing.record("UPDATE", "Membership", found["id"], found["personId"], found["childId"])
    for consent in doing.all("Consent", membershipId=found["id"], withdrawnAt=None):
        doing.touch(consent, withdrawnAt=doing.now, withdrawnById=doing.viewer)
        doing.record("UPDATE", "Consent", consent["id"], consent["personId"])
    return about("Membership", found)


def _is_verified(doing: Doing, organisation: UUID) -> bool:
    return bool(doing.find("Organisation", organisation)["verified"])


def _join(doing: Doing, person: UUID | None, **values: Any) -> Done:
    """A membership, unless the person or the address has one like it, or was offered one."""
    keys = ("organisationId", "role", "groupId", "childId")
    same = {key: values.get(key) for key in keys}
    email = values.get("invitedEmail")
    lasting = [
        row
        for row in doing.all("Membership", **same)
        if (person and row["personId"] == person) or (email and row["invitedEmail"] == email)
        if doing.policy.is_offered(row) or (row["acceptedAt"] and not doing.policy.is_over(row))
    ]
    if lasting and values["source"] != "FOUNDED":
        return Done("Membership", frozenset(row["id"] for row in lasting))
    made = doing.add("Membership", personId=person, beginsAt=doing.now, **values)
    doing.record("INSERT", "Membership", made["id"], person, values.get("childId"))
    return about("Membership", made)


def _draw_email(drawing: Drawing) -> str:
    known = [row["email"] for row in drawing.world["Person"]]
    email: str = drawing.choose("new@school.example", *known)
    return email.upper() if drawing.chance(30) else email


def _draw_join_code(drawing: Drawing) -> str:
    code: str = drawing.choose(*(row["joinCode"] for row in drawing.world["Group"]), "NONE")
    return f" {code.lower()} " if drawing.chance(30) else code


def _draw_role(drawing: Drawing) -> str:
    return drawing.choose("MENTOR_MANAGER", "ADMIN", "STUDENT", "MENTOR", "CAREGIVER", "ADMIN")


def _agree_on_the_invited(drawing: Drawing, given: Row) -> Row:
    found = {key: value for key, value in given.items() if key not in ("groupId", "childId")}
    memberships = drawing.world["Membership"]
    match given["role"]:
        case "STUDENT" | "MENTOR":
            group = drawing.choose(*drawing.world["Group"])
            return found | {"groupId": group["id"], "organisationId": group["organisationId"]}
        case "CAREGIVER":
            studies = [row for row in memberships if row["role"] == "STUDENT" and row["personId"]]
            if studies:
                study = drawing.choose(*studies)
                place = study["organisationId"]
                return found | {"childId": study["personId"], "organisationId": place}
        case _:
            # Where there are managers, who may not do this.
            led = [row for row in memberships if row["role"] in policy.LEADERS]
            if led:
                return found | {"organisationId": drawing.choose(*led)["organisationId"]}
    return found


def _agree_on_an_offer(drawing: Drawing, given: Row) -> Row:
    offers = [
        row["id"]
        for row in drawing.world["Membership"]
        if row["personId"] and row["acceptedAt"] is None and row["endsAt"] is None
    ]
    return given | {"membershipId": drawing.choose(*offers)} if offers else given


MUTATIONS = (
    MutationRecord(
        name="createOrganisation",
        cases=(Case("a new one", {"name": "New"}, SIGNED_IN),),
        may=rights.anybody,
        does=_create_organisation,
    ),
    MutationRecord(
        name="updateOrganisation",
        cases=(Case("the organisation", {**ORGANISATION, "name": "New"}, ADMIN),),
        may=rights.its_admins,
        does=_update_organisation,
    ),
    MutationRecord(
        name="createGroup",
        cases=(Case("the organisation", {**ORGANISATION, "name": "New"}, LEADERS),),
        may=rights.its_leaders,
        does=_create_group,
    ),
    MutationRecord(
        name="updateGroup",
        cases=(Case("the group", {**GROUP, "name": "New"}, MENTOR | LEADERS),),
        may=rights.mentors_and_leaders,
        does=_update_group,
    ),
    MutationRecord(
        name="deleteGroup",
        cases=(Case("the group", GROUP, LEADERS),),
        may=rights.leaders_over,
        does=_delete_group,
    ),
    MutationRecord(
        name="renewJoinCode",
        cases=(Case("the group", GROUP, MENTOR | LEADERS),),
        may=rights.mentors_and_leaders,
        does=_renew_join_code,
    ),
    MutationRecord(
        name="joinGroup",
        cases=(Case("the group, with its join code", {"joinCode": JOIN_CODE}, SIGNED_IN),),
        may=rights.anybody,
        does=_join_group,
        may_repeat=True,
    ),
    MutationRecord(
        name="invite",
        cases=(
            Case("a student into the group", invitation("STUDENT", **GROUP), LEADERS),
            Case("a mentor for the group", invitation("MENTOR", **GROUP), LEADERS),
            Case(
                "a caregiver of the student",
                invitation("CAREGIVER", childId=Id(Caller.STUDENT)),
                LEADERS,
            ),
            Case("a manager", invitation("MENTOR_MANAGER"), ADMIN),
            Case("an admin", invitation("ADMIN"), ADMIN),
        ),
        may=rights.who_may_invite,
        does=_invite,
        agree=_agree_on_the_invited,
    ),
    MutationRecord(
        name="acceptMembership",
        cases=(Case("the student's", {"membershipId": Id("student's, not accepted")}, STUDENT),),
        may=rights.who_may_accept,
        does=_accept_membership,
    ),
    MutationRecord(
        name="declineInvitation",
        cases=(Case("the student's", {"membershipId": Id("student's, not accepted")}, STUDENT),),
        may=rights.who_may_accept,
        does=_decline_invitation,
        agree=_agree_on_an_offer,
    ),
    MutationRecord(
        name="endMembership",
        cases=(
            Case("the student's", {"membershipId": Id("student's")}, STUDENT | MENTOR | LEADERS),
            Case("the mentor's", {"membershipId": Id("mentor's")}, MENTOR | LEADERS),
            Case("the caregiver's", {"membershipId": Id("caregiver's")}, CAREGIVER | LEADERS),
            Case("the manager's", {"membershipId": Id("manager's")}, LEADERS),
            Case("the admin's", {"membershipId": Id("admin's")}, ADMIN),
        ),
        may=rights.who_may_end,
        does=_end_membership,
    ),
)

ONLY = "(filter: { id: { eq: $id } })"

RECORD = FeatureRecord(
    mutations=MUTATIONS,
    ids={
        "organisationId": "Organisation",
        "groupId": "Group",
        "membershipId": "Membership",
        "childId": "Person",
    },
    values={
        "name": NAMES,
        "email": _draw_email,
        "joinCode": _draw_join_code,
        "role": _draw_role,
        "timeZone": ("Pacific/Auckland",),
        "region": ("here",),
        "retentionDays": (1, 90),
        "expectedVersion": (1, 1, 2, None),
        "noticeVersion": (NOTICE_VERSION, NOTICE_VERSION, "2025-1", None),
        "report": (False, True),
        "reason": (None, "I know no one there"),
    },
    shown={
        "Organisation": VisibleType(sample.ORGANISATION, "organisation(organisationId: $id) %"),
        "Group": VisibleType(
            f"{{ id joinCode progress {{ active }} members {sample.MEMBER}"
            f" organisation {sample.ORGANISATION} }}",
            "group(groupId: $id) %",
        ),
        "Membership": VisibleType(
            f"{{ id person {sample.PERSON} child {sample.PERSON} group {sample.GROUP}"
            f" organisation {sample.ORGANISATION} invitation {{ id organisationName inviterName }}"
            f" grantedBy {sample.PERSON} }}",
            f"me {{ memberships{ONLY} % }} organisations {{ memberships{ONLY} % }}"
            f" groups {{ members{ONLY} % }}",
        ),
    },
)
