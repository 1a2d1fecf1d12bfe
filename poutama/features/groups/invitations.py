"""Invitations: offering a person a membership by their email address, and declining one.

Who may call the mutations is declared beside each in `groups.graphql` and `consent.graphql`. An
invitation to an address that no person has signed in with is a membership without a person; nothing
here makes a person, and the answer is the same whether the address has one or not.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from poutama.db.address_conflicts import render_has_left, render_is_claimed
from poutama.db.verified_organisations import render_is_verified
from poutama.errors import BadUserInputError, ConflictError, ForbiddenError, NotFoundError
from poutama.features.groups.endings import decline
from poutama.features.groups.memberships import MembershipPayload, Role
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current
from poutama.text import normalize_email

logger = logging.getLogger(__name__)

NOT_VERIFIED = (
    "This organisation is not verified, and only verified organisations invite students and"
    " caregivers by email. Students can join a group by its join code; ask those who run the"
    " service to verify the organisation."
)

_FIND_GROUP = """
SELECT 1 FROM learning_group
WHERE id = $1::uuid AND organisation_id = $2::uuid AND ended_at IS NULL
"""
# Accepted: otherwise an organisation could make anyone the caregiver of anyone.
_FIND_STUDENT = f"""
SELECT 1 FROM membership WHERE person_id = $1::uuid AND organisation_id = $2::uuid
    AND role = 'STUDENT' AND {render_is_current("membership")}
"""  # noqa: S608  constants
_IS_VERIFIED = "SELECT verified FROM organisation WHERE id = $1::uuid"
# Schools give the addresses of people who left to newcomers: the offer waits for a sign-in.
_FIND_PERSON = f"""
SELECT p.id FROM person AS p WHERE p.email = $1::text
    AND NOT {render_has_left("p.id")} AND NOT {render_is_claimed("p.id", "p.email")}
"""  # noqa: S608  constants
# What was declined lately, and until when that counts. Anyone can found organisations that are not
# verified: what one of them offered was declined for all by the same inviter or founder.
_FIND_DECLINED = f"""
SELECT max(d.declined_at) + $3::int8 * interval '1 day' AS until FROM membership AS d
WHERE d.invited_email = $2::text AND d.declined_at > now() - $3::int8 * interval '1 day'
    AND (d.organisation_id = $1::uuid OR (
        NOT {render_is_verified("$1::uuid")} AND NOT {render_is_verified("d.organisation_id")}
        AND (d.granted_by_id = $4::uuid OR EXISTS (
            SELECT 1 FROM membership AS f JOIN membership AS o ON o.person_id = f.person_id
            WHERE f.organisation_id = $1::uuid AND f.source = 'FOUNDED'
                AND o.organisation_id = d.organisation_id AND o.source = 'FOUNDED'
        ))
    ))
"""  # noqa: S608  constants
# Of the person only what the inviter sees of them: that they belong there. What they have not
# accepted, or what waits for approval, is found by the address that was invited alone.
_FIND_SAME = f"""
SELECT id FROM membership
WHERE (invited_email = $1::text OR (person_id = $2::uuid AND {render_is_current("membership")}))
    AND organisation_id = $3::uuid
    AND role = $4::text AND group_id IS NOT DISTINCT FROM $5::uuid
    AND child_id IS NOT DISTINCT FROM $6::uuid AND (ends_at IS NULL OR ends_at > now())
    AND (accepted_at IS NOT NULL OR expires_at IS NULL OR expires_at > now())
ORDER BY created_at, id
"""  # noqa: S608  constants
_FIND_OPEN = "SELECT now() AS now FROM invitation WHERE id = $1::uuid"
# What the organisation offers the person or the address besides: declined with it. What the person
# asked for by a join code is declined by itself.
_FIND_OTHERS = """
SELECT o.id FROM membership AS m JOIN membership AS o ON o.organisation_id = m.organisation_id
WHERE m.id = $1::uuid AND o.id <> m.id AND m.source <> 'JOIN_CODE' AND o.source <> 'JOIN_CODE'
    AND (o.person_id = m.person_id OR (o.person_id IS NULL AND o.invited_email = m.invited_email))
    AND o.accepted_at IS NULL AND (o.ends_at IS NULL OR o.ends_at > now())
    AND (o.expires_at IS NULL OR o.expires_at > now())
"""
_ADD_REPORT = """
INSERT INTO invitation_report (id, organisation_id, reporter_id, inviter_id, role, reason)
SELECT $1::uuid, m.organisation_id, m.person_id, m.granted_by_id, m.role, $3::text
FROM membership AS m WHERE m.id = $2::uuid RETURNING organisation_id
"""


class InviteInput(msgspec.Struct, frozen=True, rename="camel"):
    """Whom, and to what: a group for students and mentors, a child for caregivers."""

    organisation_id: UUID
    email: str
    name: str
    role: Role
    group_id: UUID | None = None
    child_id: UUID | None = None


class DeclineInvitationInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership, and whether those who run the service should look at it."""

    membership_id: UUID
    report: bool
    reason: str | None = None


async def invite(context: ProcedureContext, input: InviteInput) -> MembershipPayload:
    """Offer a membership to the person who has the address; once.

    A person who has left, or whose address another claims, is not taken for the one who is meant:
    the offer waits for a sign-in with the address, as where no person has it.

    Raises:
        NotFoundError: the group or the child is not one of the organisation, or it has ended.
        BadUserInputError: not an email address, or role, group and child do not go together.
        ForbiddenError: a student or caregiver, and the organisation is not verified.
        ConflictError: the address declined an invitation of the organisation lately; of one that is
            not verified, or of another such one by the same inviter or founder.
    """
    email = _check_email(input.email)
    await _check_invitation(context, input)
    await _check_declined(context, input.organisation_id, email)
    found = await context.transaction.fetch(_FIND_PERSON, email)
    person: UUID | None = found[0]["id"] if found else None
    offered = (input.organisation_id, input.role, input.group_id, input.child_id)
    same = await context.transaction.fetch(_FIND_SAME, email, person, *offered)
    if same:
        return MembershipPayload(same[0]["id"])
    membership = await context.changes.insert(
        "Membership",
        {
            "organisation": input.organisation_id,
            "group": input.group_id,
            "person": person,
            "child": input.child_id,
            "role": input.role,
            "confirmed": input.role is not Role.CAREGIVER,
            "source": "INVITED",
            "invitedName": input.name.strip(),
            "invitedEmail": email,
            "grantedBy": context.viewer.person_id,
            "expiresAt": datetime.now(UTC) + timedelta(days=context.settings.invitation_days),
        },
    )
    return MembershipPayload(membership)


async def decline_invitation(
    context: ProcedureContext, input: DeclineInvitationInput
) -> MembershipPayload:
    """Decline a membership that the caller was offered, and report it if they say so.

    What else the organisation offers them is declined with it.

    Raises:
        NotFoundError: it was answered, has ended or has expired.
    """
    membership = input.membership_id
    found = await context.transaction.fetch(_FIND_OPEN, membership)
    if not found:
        raise NotFoundError.of("Invitation")
    others = await context.transaction.fetch(_FIND_OTHERS, membership)
    await decline(context, [membership, *(each["id"] for each in others)], found[0]["now"])
    if input.report:
        reason = (input.reason or "").strip()
        (row,) = await context.transaction.fetch(_ADD_REPORT, uuid4(), membership, reason)
        logger.warning(
            "an invitation of the organisation %s was reported; see `poutama organisations"
            " reports`",
            row["organisation_id"],
        )
    return MembershipPayload(membership)


async def _check_invitation(context: ProcedureContext, input: InviteInput) -> None:
    """Refuse a role, group or child that do not go together, or are not the organisation's."""
    if (input.role in (Role.STUDENT, Role.MENTOR)) != (input.group_id is not None):
        raise BadUserInputError.at(
            "input.groupId", "a group for a student or a mentor, and none for others"
        )
    if (input.role is Role.CAREGIVER) != (input.child_id is not None):
        raise BadUserInputError.at("input.childId", "a child for a caregiver, and none for others")
    organisation = input.organisation_id
    if input.role in (Role.STUDENT, Role.CAREGIVER):
        (row,) = await context.transaction.fetch(_IS_VERIFIED, organisation)
        if not row["verified"]:
            raise ForbiddenError(NOT_VERIFIED)
    if input.group_id is not None and not await context.transaction.fetch(
        _FIND_GROUP, input.group_id, organisation
    ):
        raise NotFoundError.of("Group")
    if input.child_id is not None and not await context.transaction.fetch(
        _FIND_STUDENT, input.child_id, organisation
    ):
        raise NotFoundError.of("Person")


async def _check_declined(context: ProcedureContext, organisation: UUID, email: str) -> None:
    days = context.settings.invitation_pause_days
    inviter = context.viewer.person_id
    (row,) = await context.transaction.fetch(_FIND_DECLINED, organisation, email, days, inviter)
    if row["until"] is not None:
        raise ConflictError(
            "This address has declined an invitation of the organisation, or of another one of the"
            f" same people; it can be invited again from {row['until']:%Y-%m-%d}."
        )


def _check_email(text: str) -> str:
    email = normalize_email(text.strip())
    if email is None:
        raise BadUserInputError.at("input.email", "an email address")
    return email
