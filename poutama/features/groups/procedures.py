"""The mutations of organisations, groups and memberships that are more than one change.

Who may call them is declared beside each mutation in `groups.graphql`. What is asked here is how
things belong together, such as that a group is one of the organisation.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from poutama.changes import NOW
from poutama.errors import BadUserInputError, ConflictError, NotFoundError
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current
from poutama.text import normalize_email

# Without the letters and digits that are read for one another.
CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
CODE_LENGTH = 8

_IS_CURRENT = render_is_current("membership")
_FIND_GROUP = "SELECT 1 FROM learning_group WHERE id = $1::uuid AND organisation_id = $2::uuid"
_FIND_CODE = "SELECT id, organisation_id FROM learning_group WHERE join_code = $1::text"
_FIND_SAME = """
SELECT id FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = $3::text AND group_id IS NOT DISTINCT FROM $4::uuid
    AND child_id IS NOT DISTINCT FROM $5::uuid AND (ends_at IS NULL OR ends_at > now())
"""
_FIND_PERSON = "SELECT id FROM person WHERE email = $1::text"
# Accepted: otherwise the founder of an organisation could make anyone anyone's caregiver.
_FIND_STUDENT = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = 'STUDENT' AND {_IS_CURRENT}
"""  # noqa: S608  constants
_FIND_MEMBERSHIP = """
SELECT person_id, organisation_id, role, accepted_at, ends_at <= now() AS ended
FROM membership WHERE id = $1::uuid
"""
_OTHER_ADMINS = f"""
SELECT 1 FROM membership WHERE organisation_id = $1::uuid AND id <> $2::uuid
    AND role = 'ADMIN' AND {_IS_CURRENT} LIMIT 1
"""  # noqa: S608


class Role(StrEnum):
    """What a membership makes of a person."""

    STUDENT = "STUDENT"
    MENTOR = "MENTOR"
    MENTOR_MANAGER = "MENTOR_MANAGER"
    ADMIN = "ADMIN"
    CAREGIVER = "CAREGIVER"


class OrganisationPayload(msgspec.Struct, frozen=True):
    """The organisation."""

    organisation: UUID


class GroupPayload(msgspec.Struct, frozen=True):
    """The group."""

    group: UUID


class MembershipPayload(msgspec.Struct, frozen=True):
    """The membership."""

    membership: UUID


class CreateOrganisationInput(msgspec.Struct, frozen=True, rename="camel"):
    """What the organisation is called, where it is, and how long it keeps data, in days."""

    name: str
    time_zone: str
    region: str
    retention_days: int


class CreateGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """In which organisation, and what it is called."""

    organisation_id: UUID
    name: str


class RenewJoinCodeInput(msgspec.Struct, frozen=True, rename="camel"):
    """Of which group."""

    group_id: UUID


class JoinGroupInput(msgspec.Struct, frozen=True, rename="camel"):
    """The code that the group gives out."""

    join_code: str


class InviteInput(msgspec.Struct, frozen=True, rename="camel"):
    """Whom, and to what: a group for students and mentors, a child for caregivers."""

    organisation_id: UUID
    email: str
    name: str
    role: Role
    group_id: UUID | None = None
    child_id: UUID | None = None


class AcceptMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership."""

    membership_id: UUID


class EndMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership."""

    membership_id: UUID


@cache
def _time_zones() -> frozenset[str]:
    """Read once, because it walks through the database; a name must not become a path into it."""
    return frozenset(available_timezones())


async def create_organisation(
    context: ProcedureContext, given: CreateOrganisationInput
) -> OrganisationPayload:
    """Found an organisation with the caller as its administrator.

    Raises:
        BadUserInputError: an unknown time zone.
    """
    if given.time_zone not in _time_zones():
        expected = "an IANA time zone such as Pacific/Auckland"
        raise BadUserInputError.at("input.timeZone", expected)
    organisation = await context.changes.insert(
        "Organisation",
        {
            "name": given.name.strip(),
            "timeZone": given.time_zone,
            "region": given.region,
            "retentionDays": given.retention_days,
        },
    )
    await context.changes.insert(
        "Membership",
        {
            "organisation": organisation,
            "person": context.viewer.person_id,
            "role": Role.ADMIN,
            "source": "FOUNDED",
            "acceptedAt": NOW,
        },
    )
    return OrganisationPayload(organisation)


async def create_group(context: ProcedureContext, given: CreateGroupInput) -> GroupPayload:
    """Add a group with a join code to an organisation."""
    group = await context.changes.insert(
        "Group",
        {
            "organisation": given.organisation_id,
            "name": given.name.strip(),
            "joinCode": new_join_code(),
        },
    )
    return GroupPayload(group)


async def renew_join_code(context: ProcedureContext, given: RenewJoinCodeInput) -> GroupPayload:
    """Give a group a new join code."""
    await context.changes.update("Group", given.group_id, {"joinCode": new_join_code()})
    return GroupPayload(given.group_id)


async def join_group(context: ProcedureContext, given: JoinGroupInput) -> MembershipPayload:
    """Make the caller a student of the group with that code, not accepted yet; once.

    Raises:
        NotFoundError: no group has this code.
    """
    code = given.join_code.strip().upper()
    found = await context.transaction.fetch(_FIND_CODE, code)
    if not found:
        raise NotFoundError("No group has this join code.")
    group, organisation = found[0]
    person = context.viewer.person_id
    same = await context.transaction.fetch(
        _FIND_SAME, person, organisation, Role.STUDENT, group, None
    )
    if same:
        return MembershipPayload(same[0]["id"])
    membership = await context.changes.insert(
        "Membership",
        {
            "organisation": organisation,
            "group": group,
            "person": person,
            "role": Role.STUDENT,
            "source": "JOIN_CODE",
        },
    )
    return MembershipPayload(membership)


async def invite(context: ProcedureContext, given: InviteInput) -> MembershipPayload:
    """Invite a person by email, whether they have signed in before or not; once.

    Raises:
        NotFoundError: the group or the child is not one of the organisation.
        BadUserInputError: not an email address, or role, group and child do not go together.
    """
    email, name = _check_email(given.email), given.name.strip()
    await _check_invitation(context, given)
    person = await _find_or_add_person(context, email, name)
    same = await context.transaction.fetch(
        _FIND_SAME, person, given.organisation_id, given.role, given.group_id, given.child_id
    )
    if same:
        return MembershipPayload(same[0]["id"])
    membership = await context.changes.insert(
        "Membership",
        {
            "organisation": given.organisation_id,
            "group": given.group_id,
            "person": person,
            "child": given.child_id,
            "role": given.role,
            "source": "INVITED",
            "invitedName": name,
            "invitedEmail": email,
        },
        columns={"granted_by_id": context.viewer.person_id},
    )
    return MembershipPayload(membership)


async def accept_membership(
    context: ProcedureContext, given: AcceptMembershipInput
) -> MembershipPayload:
    """Accept a membership of one's own; accepting again changes nothing.

    Raises:
        NotFoundError: it has ended.
    """
    (row,) = await context.transaction.fetch(_FIND_MEMBERSHIP, given.membership_id)
    if row["ended"]:
        raise NotFoundError.of("Membership")
    if row["accepted_at"] is None:
        await context.changes.update("Membership", given.membership_id, {"acceptedAt": NOW})
    return MembershipPayload(given.membership_id)


async def end_membership(context: ProcedureContext, given: EndMembershipInput) -> MembershipPayload:
    """End a membership now; ending it again changes nothing.

    Raises:
        ConflictError: it is the organisation's last administrator's.
    """
    membership = given.membership_id
    (row,) = await context.transaction.fetch(_FIND_MEMBERSHIP, membership)
    if not row["ended"]:
        if row["role"] == Role.ADMIN and row["accepted_at"] is not None:
            others = await context.transaction.fetch(
                _OTHER_ADMINS, row["organisation_id"], membership
            )
            if not others:
                raise ConflictError("An organisation keeps an administrator.")
        await context.changes.update("Membership", membership, {"endsAt": NOW})
    return MembershipPayload(membership)


def new_join_code() -> str:
    """Eight letters and digits, 39 bits of chance."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


async def _check_invitation(context: ProcedureContext, given: InviteInput) -> None:
    """Refuse a role, group or child that do not go together, or are not the organisation's."""
    if (given.role in (Role.STUDENT, Role.MENTOR)) != (given.group_id is not None):
        raise BadUserInputError.at(
            "input.groupId", "a group for a student or a mentor, and none for others"
        )
    if (given.role is Role.CAREGIVER) != (given.child_id is not None):
        raise BadUserInputError.at("input.childId", "a child for a caregiver, and none for others")
    organisation = given.organisation_id
    if given.group_id is not None and not await context.transaction.fetch(
        _FIND_GROUP, given.group_id, organisation
    ):
        raise NotFoundError.of("Group")
    if given.child_id is not None and not await context.transaction.fetch(
        _FIND_STUDENT, given.child_id, organisation
    ):
        raise NotFoundError.of("Person")


async def _find_or_add_person(context: ProcedureContext, email: str, name: str) -> UUID:
    found = await context.transaction.fetch(_FIND_PERSON, email)
    if found:
        known: UUID = found[0]["id"]
        return known
    return await context.changes.insert("Person", {"email": email, "name": name})


def _check_email(text: str) -> str:
    email = normalize_email(text.strip())
    if email is None:
        raise BadUserInputError.at("input.email", "an email address")
    return email
