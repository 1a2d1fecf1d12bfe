"""Accepting and ending a membership, and the consent that either leaves behind.

Who may call the mutations is declared beside each in `groups.graphql`.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec
from asyncpg import Record

from poutama.changes import NOW
from poutama.errors import ConflictError, NotFoundError
from poutama.features.groups.notice import NOTICE_VERSION, Offer, describe_sharing
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current

_FIND_OFFER = """
SELECT person_id, organisation_id, role, organisation_name, organisation_verified, group_name
FROM invitation WHERE id = $1::uuid
"""
_FIND_MEMBERSHIP = """
SELECT organisation_id, role, accepted_at, coalesce(ends_at <= now(), false) AS ended
FROM membership WHERE id = $1::uuid
"""
_FIND_CONSENTS = "SELECT id FROM consent WHERE membership_id = $1::uuid AND withdrawn_at IS NULL"
_OTHER_ADMINS = f"""
SELECT 1 FROM membership WHERE organisation_id = $1::uuid AND id <> $2::uuid
    AND role = 'ADMIN' AND {render_is_current("membership")} LIMIT 1
"""  # noqa: S608  constants


class Role(StrEnum):
    """What a membership makes of a person."""

    STUDENT = "STUDENT"
    MENTOR = "MENTOR"
    MENTOR_MANAGER = "MENTOR_MANAGER"
    ADMIN = "ADMIN"
    CAREGIVER = "CAREGIVER"


class MembershipPayload(msgspec.Struct, frozen=True):
    """The membership."""

    membership: UUID


class AcceptMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership, and which notice the person was shown."""

    membership_id: UUID
    notice_version: str | None = None


class EndMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership."""

    membership_id: UUID


async def accept_membership(
    context: ProcedureContext, given: AcceptMembershipInput
) -> MembershipPayload:
    """Accept a membership of one's own, and record the consent; accepting again changes nothing.

    Raises:
        NotFoundError: it has ended or has expired.
        ConflictError: the notice that was shown is not the current one.
    """
    membership = given.membership_id
    offers = await context.transaction.fetch(_FIND_OFFER, membership)
    if not offers:
        (row,) = await context.transaction.fetch(_FIND_MEMBERSHIP, membership)
        if row["ended"] or row["accepted_at"] is None:
            raise NotFoundError.of("Membership")
        return MembershipPayload(membership)
    if given.notice_version not in (None, NOTICE_VERSION):
        raise ConflictError(
            f"The notice has changed to version {NOTICE_VERSION}: show the invitation again."
        )
    await context.changes.update("Membership", membership, {"acceptedAt": NOW})
    await _record_consent(context, membership, offers[0], given.notice_version)
    return MembershipPayload(membership)


async def end_membership(context: ProcedureContext, given: EndMembershipInput) -> MembershipPayload:
    """End a membership now, and with it the consent; ending it again changes nothing.

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
        ender = {"ended_by_id": context.viewer.person_id}
        await context.changes.update("Membership", membership, {"endsAt": NOW}, columns=ender)
    for consent in await context.transaction.fetch(_FIND_CONSENTS, membership):
        await context.changes.update(
            "Consent",
            consent["id"],
            {"withdrawnAt": NOW, "withdrawnBy": context.viewer.person_id},
        )
    return MembershipPayload(membership)


async def _record_consent(
    context: ProcedureContext, membership: UUID, row: Record, shown: str | None
) -> None:
    offer = Offer(
        row["role"], row["organisation_name"], row["organisation_verified"], row["group_name"]
    )
    await context.changes.insert(
        "Consent",
        {
            "person": row["person_id"],
            "organisation": row["organisation_id"],
            "membership": membership,
            "role": row["role"],
            "basis": "PERSON",
            "noticeVersion": shown,
            "notice": "\n".join(describe_sharing(offer)),
            "givenBy": context.viewer.person_id,
        },
    )
