"""What the tests know of organisations, groups and memberships."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.features import sample
from tests.features.record import (
    ADMIN,
    CAREGIVER,
    LEADERS,
    MENTOR,
    OTHER_MENTOR,
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
from tests.reference import membership_effects, policy, rights
from tests.reference.changes import Doing, Done, Refused, about
from tests.reference.computed import version_of, version_of_offer
from tests.reference.policy import Row
from tests.strategies.drawing import NAMES, Drawing, draw_new_id

SHOWN = "what was shown"
"""The version of a notice, until it is known which membership it is of."""
ORGANISATION, GROUP = {"organisationId": Id("organisation")}, {"groupId": Id("group")}


def invitation(role: str, **more: object) -> Input:
    """An invitation into the organisation."""
    who = {"email": "new@school.example", "name": "New"}
    return {**ORGANISATION, "role": role, **who, **more}


def _create_organisation(doing: Doing, input: Row) -> Done:
    may = doing.known["updateOrganisation"].may
    before = doing.made_before("Organisation", input.get("id"), lambda row: may(doing.policy, row))
    if before is not None:
        return before
    usual = {"timeZone": "Pacific/Auckland", "region": "ap-southeast-2", "retentionDays": 730}
    made = doing.add("Organisation", **{**usual, **input})
    doing.record("INSERT", "Organisation", made["id"], None)
    place = {"organisationId": made["id"], "acceptedAt": doing.now}
    membership_effects.join(doing, doing.viewer, role="ADMIN", source="FOUNDED", **place)
    return about("Organisation", made)


def _update_organisation(doing: Doing, input: Row) -> Done:
    found = doing.changeable("updateOrganisation", "Organisation", input, "organisationId")
    if "name" in input and found["verified"]:
        raise Refused("FORBIDDEN")
    offers = doing.all("Membership", organisationId=found["id"], source="INVITED")
    if "name" in input and any(doing.policy.is_offered(each) for each in offers):
        raise Refused("CONFLICT")
    return doing.update("updateOrganisation", "Organisation", input, "organisationId")


def _create_group(doing: Doing, input: Row) -> Done:
    doing.permitted("createGroup", doing.find("Organisation", input["organisationId"]))
    may = doing.known["updateGroup"].may
    before = doing.made_before(
        "Group",
        input.get("id"),
        lambda row: row["organisationId"] == input["organisationId"] and may(doing.policy, row),
    )
    if before is not None:
        return before
    group = doing.add("Group", joinCode="new", joinCodeExpiresAt=_code_ends(doing), **input)
    doing.record("INSERT", "Group", group["id"], None)
    return about("Group", group)


def _update_group(doing: Doing, input: Row) -> Done:
    group = doing.changeable("updateGroup", "Group", input, "groupId")
    verified = doing.find("Organisation", group["organisationId"])["verified"]
    offers = doing.all("Membership", groupId=group["id"], source="INVITED")
    if "name" in input and not verified and any(doing.policy.is_offered(each) for each in offers):
        raise Refused("CONFLICT")
    return doing.update("updateGroup", "Group", input, "groupId")


def _delete_group(doing: Doing, input: Row) -> Done:
    group = doing.changeable("deleteGroup", "Group", input, "groupId")
    if doing.all("Membership", groupId=group["id"]):
        raise Refused("CONFLICT")
    return doing.delete("Group", group, organisation=("Organisation", group["organisationId"]))


def _code_ends(doing: Doing, days: int | None = None) -> datetime:
    return doing.now + timedelta(days=days or 30)


def _renew_join_code(doing: Doing, input: Row) -> Done:
    group = doing.permitted("renewJoinCode", doing.find("Group", input["groupId"]))
    if group["endedAt"]:
        raise Refused("CONFLICT")
    ends = _code_ends(doing, input.get("days"))
    doing.touch(group, joinCode="new", joinCodeExpiresAt=ends)
    doing.record("UPDATE", "Group", group["id"], None)
    return about("Group", group)


def _draw_email(drawing: Drawing) -> str:
    known = [row["email"] for row in drawing.world["Person"]]
    email: str = drawing.choose("new@school.example", *known)
    return email.upper() if drawing.chance(30) else email


def _draw_join_code(drawing: Drawing) -> str:
    code: str = drawing.choose(
        *(row["joinCode"] or "NONE" for row in drawing.world["Group"]), "NONE"
    )
    return f" {code.lower()} " if drawing.chance(30) else code


def _draw_role(drawing: Drawing) -> str:
    return drawing.choose("MENTOR_MANAGER", "ADMIN", "STUDENT", "MENTOR", "CAREGIVER", "ADMIN")


def _agree_on_the_invited(drawing: Drawing, input: Row) -> Row:
    found = {key: value for key, value in input.items() if key not in ("groupId", "childId")}
    memberships = drawing.world["Membership"]
    match input["role"]:
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


def _agree_on_an_empty_group(drawing: Drawing, input: Row) -> Row:
    used = {row["groupId"] for row in drawing.world["Membership"]}
    empty = [row["id"] for row in drawing.world["Group"] if row["id"] not in used]
    return input | {"groupId": drawing.choose(*empty)} if empty else input


def _agree_on_an_offer(drawing: Drawing, input: Row) -> Row:
    offers = [
        row["id"]
        for row in drawing.world["Membership"]
        if row["personId"] and row["acceptedAt"] is None and row["endsAt"] is None
    ]
    return input | {"membershipId": drawing.choose(*offers)} if offers else input


def _agree_on_what_to_accept(drawing: Drawing, input: Row) -> Row:
    """Often what a member of the staff is offered."""
    offers = [
        row["id"]
        for row in drawing.world["Membership"]
        if row["personId"] and row["acceptedAt"] is None and row["endsAt"] is None
        if row["role"] in ("MENTOR", *policy.LEADERS)
    ]
    if offers and drawing.chance(60):
        found = input | {"membershipId": drawing.choose(*offers)}
    else:
        found = _agree_on_an_offer(drawing, input)
    if found["noticeVersion"] == SHOWN:
        (row,) = (x for x in drawing.world["Membership"] if x["id"] == found["membershipId"])
        found |= {"noticeVersion": version_of_offer(drawing.world, row)}
    return found


def _agree_on_who_waits(drawing: Drawing, input: Row) -> Row:
    waiting = [row for row in drawing.world["Membership"] if not row["confirmed"]]
    able = [row for row in waiting if row["acceptedAt"] and row["endsAt"] is None] or waiting
    return input | {"membershipId": drawing.choose(*able)["id"]} if able else input


def _agree_on_who_granted(drawing: Drawing, input: Row) -> Row:
    memberships = drawing.world["Membership"]
    granters = [
        row["id"]
        for row in memberships
        for other in memberships
        if row["organisationId"] == other["organisationId"] and row["personId"]
        if row["personId"] in (other["grantedById"], other["confirmedById"])
    ]
    if not granters or drawing.chance(50):
        return input
    return input | {"membershipId": drawing.choose(*granters), "endGranted": True}


MUTATIONS = (
    MutationRecord(
        name="createOrganisation",
        cases=(Case("a new one", {"name": "New"}, SIGNED_IN),),
        may=rights.any_person,
        does=_create_organisation,
    ),
    MutationRecord(
        name="updateOrganisation",
        cases=(
            Case(
                "one that is not verified",
                {"organisationId": Id("other organisation"), "name": "New"},
                frozenset({Caller.OTHER_ADMIN}),
            ),
        ),
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
        cases=(
            Case(
                "one without members",
                {"groupId": Id("far group")},
                frozenset({Caller.OTHER_ADMIN}),
            ),
        ),
        may=rights.leaders_over,
        does=_delete_group,
        agree=_agree_on_an_empty_group,
    ),
    MutationRecord(
        name="endGroup",
        cases=(Case("the group", GROUP, LEADERS),),
        may=rights.leaders_over,
        does=membership_effects.end_group,
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
        may=rights.any_person,
        does=membership_effects.join_group,
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
        does=membership_effects.invite,
        agree=_agree_on_the_invited,
    ),
    MutationRecord(
        name="acceptMembership",
        cases=(
            Case(
                "the student's",
                {
                    "membershipId": Id("student's, not accepted"),
                    "noticeVersion": version_of("STUDENT", "organisation", True, "other group"),
                },
                STUDENT,
            ),
        ),
        may=rights.who_may_accept,
        does=membership_effects.accept_membership,
        agree=_agree_on_what_to_accept,
    ),
    MutationRecord(
        name="declineInvitation",
        cases=(Case("the student's", {"membershipId": Id("student's, not accepted")}, STUDENT),),
        may=rights.who_may_decline,
        does=membership_effects.decline_invitation,
        agree=_agree_on_an_offer,
    ),
    MutationRecord(
        name="confirmMembership",
        cases=(
            Case(
                "the caregiver's, whom the manager invited",
                {"membershipId": Id("caregiver's, not confirmed")},
                STUDENT | ADMIN,
            ),
            Case(
                "of a student who joined by a code",
                {"membershipId": Id("classmate's, not confirmed")},
                OTHER_MENTOR | LEADERS,
            ),
        ),
        may=rights.who_may_confirm,
        does=membership_effects.confirm_membership,
        agree=_agree_on_who_waits,
    ),
    MutationRecord(
        name="endMembership",
        cases=(
            Case("the student's", {"membershipId": Id("student's")}, STUDENT | MENTOR | LEADERS),
            Case("the mentor's", {"membershipId": Id("mentor's")}, MENTOR | LEADERS),
            Case(
                "the caregiver's",
                {"membershipId": Id("caregiver's")},
                CAREGIVER | STUDENT | LEADERS,
            ),
            Case("the manager's", {"membershipId": Id("manager's")}, LEADERS),
            Case("the admin's", {"membershipId": Id("admin's")}, ADMIN),
        ),
        may=rights.who_may_end,
        does=membership_effects.end_membership,
        agree=_agree_on_who_granted,
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
        "id": draw_new_id("Organisation", "Group"),
        "name": NAMES,
        "email": _draw_email,
        "joinCode": _draw_join_code,
        "role": _draw_role,
        "timeZone": ("Pacific/Auckland",),
        "region": ("here",),
        "retentionDays": (1, 90),
        "expectedVersion": (1, 1, 2, None),
        "noticeVersion": (SHOWN, SHOWN, SHOWN, "2026-11"),
        "report": (False, True),
        "endGranted": (False, True),
        "joinApproval": (False, True),
        "days": (None, 1, 365),
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
            f" grantedBy {sample.PERSON} confirmedBy {sample.PERSON} endedBy {sample.PERSON}"
            f" enrolledBy {sample.PERSON}"
            " applicantName }",
            f"me {{ memberships{ONLY} % }} organisations {{ memberships{ONLY} % }}"
            f" groups {{ members{ONLY} % }}",
        ),
    },
)
