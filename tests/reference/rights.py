"""Who may change what, said so that a school's privacy officer can check it; the other half of
`tests.reference.policy`.

The records of `tests.features` name the rule of each mutation; `tests/db/test_changes.py` compares
with these few whom the engine lets do what.
"""

from __future__ import annotations

from uuid import UUID

from tests.reference.policy import LEADERS, Policy, Row


def any_person(_policy: Policy, _about: Row) -> bool:
    """Goals and organisations of one's own, and groups whose code one knows."""
    return True


def oneself(policy: Policy, person: Row) -> bool:
    """A name is the person's own to change."""
    return bool(person["id"] == policy.viewer)


def the_student(policy: Policy, goal: Row) -> bool:
    """The student's words, steps and evidence are the student's, though others see them."""
    return bool(goal["personId"] == policy.viewer)


def who_helps(policy: Policy, goal: Row) -> bool:
    """The student, and the mentors, and who has opened the record, who see the goal write notes;
    caregivers do not.
    """
    return the_student(policy, goal) or bool(policy.organisations_that_see(goal))


def who_wrote_it(policy: Policy, note: Row) -> bool:
    """Notes are changed by their authors, as long as they see the goal."""
    return note["authorId"] == policy.viewer and policy.may_see("GoalNote", note)


def its_admins(policy: Policy, organisation: Row) -> bool:
    return policy.leads(organisation["id"], "ADMIN")


def its_leaders(policy: Policy, organisation: Row) -> bool:
    return policy.leads(organisation["id"])


def leaders_over(policy: Policy, group: Row) -> bool:
    return policy.leads(group["organisationId"])


def mentors_and_leaders(policy: Policy, group: Row) -> bool:
    return policy.mentors(group["id"]) or leaders_over(policy, group)


def who_may_invite(policy: Policy, membership: Row) -> bool:
    """Those who lead invite; those who lead are invited by administrators."""
    roles = ("ADMIN",) if membership["role"] in LEADERS else LEADERS
    return policy.leads(membership["organisationId"], *roles)


def who_may_decline(policy: Policy, membership: Row) -> bool:
    return membership["personId"] == policy.viewer and not policy.is_over(membership)


def who_may_accept(policy: Policy, membership: Row) -> bool:
    """The person; of staff, not who offered it to themselves."""
    by_oneself = membership["grantedById"] == policy.viewer
    theirs = not by_oneself or membership["role"] in ("STUDENT", "CAREGIVER")
    return theirs and who_may_decline(policy, membership)


def who_may_confirm(policy: Policy, membership: Row) -> bool:
    """The child, a second adult who leads, of students a mentor; never the person themselves."""
    if membership["personId"] == policy.viewer:
        return False
    second = membership["grantedById"] != policy.viewer
    return (
        membership["childId"] == policy.viewer
        or (second and policy.leads(membership["organisationId"]))
        or (membership["role"] == "STUDENT" and policy.mentors(membership["groupId"]))
    )


def waits_for_a_second_adult(policy: Policy, membership: Row) -> bool:
    """Of staff, once accepted: in a verified organisation, whose address is of none of its mail
    domains, or is, or was, a student's there; and a leader who mentors without another's offer.
    The domain is `rows.ADD_DOMAIN`'s.
    """
    place, role = membership["organisationId"], membership["role"]
    if role not in ("MENTOR", *LEADERS):
        return False
    known = (membership["invitedEmail"] or "").endswith("@school.example")
    known = known and not has_studied(policy, membership)
    return (is_verified(policy, place) and not known) or _mentors_as_leader(policy, membership)


def waits_again(policy: Policy, membership: Row) -> bool:
    """Of staff that counts: whose account is a student's by then, or who leads and mentors without
    another's offer, and whom no second adult has confirmed. Founders were checked.
    """
    if membership["role"] not in ("MENTOR", *LEADERS) or membership["source"] == "FOUNDED":
        return False
    if membership["acceptedAt"] is None or policy.is_over(membership):
        return False
    if not membership["confirmed"] or membership["confirmedAt"] is not None:
        return False
    studied = is_verified(policy, membership["organisationId"]) and has_studied(policy, membership)
    return studied or _mentors_as_leader(policy, membership)


def is_verified(policy: Policy, place: UUID) -> bool:
    return any(each["verified"] for each in policy.world["Organisation"] if each["id"] == place)


def has_studied(policy: Policy, membership: Row) -> bool:
    """Whether the account, or the address that was invited, is, or was, a student's there."""
    place, address = membership["organisationId"], membership["invitedEmail"]
    return any(
        each["organisationId"] == place
        and each["role"] == "STUDENT"
        and (
            each["personId"] == membership["personId"]
            or (address is not None and each["invitedEmail"] == address)
        )
        for each in policy.world["Membership"]
    )


def _mentors_as_leader(policy: Policy, membership: Row) -> bool:
    """A roster's mentor, say, who leads there or will, once confirmed or begun."""
    return (
        membership["role"] == "MENTOR"
        and membership["grantedById"] is None
        and any(
            each["role"] in LEADERS
            and each["personId"] == membership["personId"]
            and each["organisationId"] == membership["organisationId"]
            and each["acceptedAt"] is not None
            and not policy.is_over(each)
            for each in policy.world["Membership"]
        )
    )


def who_may_end(policy: Policy, membership: Row) -> bool:
    """One's own and one's caregiver's; administrators all; managers all but those who lead; mentors
    their students'."""
    organisation, role = membership["organisationId"], membership["role"]
    mine = policy.viewer in (membership["personId"], membership["childId"])
    if mine or policy.leads(organisation, "ADMIN"):
        return True
    if role in LEADERS:
        return False
    return policy.leads(organisation) or (
        role == "STUDENT" and policy.mentors(membership["groupId"])
    )


def admins_over(policy: Policy, roster_import: Row) -> bool:
    return policy.leads(roster_import["organisationId"], "ADMIN")


def who_may_decide(policy: Policy, conflict: Row) -> bool:
    """Administrators; managers alone what an administrator has decided before, and so."""
    second = conflict["proposal"] == conflict["asked"] == "SAME_PERSON"
    return admins_over(policy, conflict) or (second and policy.leads(conflict["organisationId"]))


def who_sees_the_goals(policy: Policy, person: Row) -> bool:
    return policy.may_see_goals_of(person["id"])


def who_sees_it(policy: Policy, job: Row) -> bool:
    return policy.may_see("Job", job)


def who_may_open(policy: Policy, person: Row) -> bool:
    """Those who lead an organisation that the person is a student of, and are another person."""
    return person["id"] != policy.viewer and any(
        policy.leads(study["organisationId"])
        for study in policy.current("STUDENT", of=person["id"])
    )


def who_may_close(policy: Policy, opened: Row) -> bool:
    """Who opened it, and the organisation's administrators; not the student."""
    return opened["openerId"] == policy.viewer or policy.leads(opened["organisationId"], "ADMIN")
