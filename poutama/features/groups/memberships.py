"""Accepting a membership, and the consent that this records.

Who may call the mutation is declared beside it in `groups.graphql`; `endings` ends memberships.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec
from asyncpg import Record

from poutama.changes import NOW, ColumnValue
from poutama.db.address_conflicts import render_is_claimed
from poutama.db.second_adults import render_needs_second_adult
from poutama.errors import ConflictError, ForbiddenError, NotFoundError
from poutama.features.groups.join_codes import render_waits
from poutama.features.groups.notice import Offer, describe_sharing, name_version
from poutama.features.groups.staff import let_staff_wait
from poutama.procedure import ProcedureContext

NO_LONGER_VERIFIED = (
    "The organisation is no longer verified, and only verified organisations admit students and"
    " caregivers by email, or people by rosters. Students can join a group by its join code."
)

_FIND_OFFER = """
SELECT person_id, organisation_id, role, source, organisation_name, group_name,
    organisation_verified AS verified
FROM invitation WHERE id = $1::uuid
"""
# What the person was offered besides, of the same kind: it is answered with this one.
_FIND_OTHERS = """
SELECT o.id FROM membership AS m JOIN membership AS o ON o.person_id = m.person_id
    AND o.organisation_id = m.organisation_id AND o.role = m.role AND o.id <> m.id
    AND o.group_id IS NOT DISTINCT FROM m.group_id
    AND o.child_id IS NOT DISTINCT FROM m.child_id
WHERE m.id = $1::uuid AND o.accepted_at IS NULL AND (o.ends_at IS NULL OR o.ends_at > now())
ORDER BY o.id
"""
# Of a membership by a code, the group counts as it is now; a code that was renewed since admits by
# approval.
_FIND_MEMBERSHIP = f"""
SELECT m.accepted_at, p.name, coalesce(m.ends_at <= now(), false) AS ended,
    NOT m.confirmed OR (m.source = 'JOIN_CODE' AND (
        m.expires_at IS DISTINCT FROM g.join_code_expires_at OR {render_waits("m.person_id", "g")}
    )) OR {render_needs_second_adult("m")} AS waits,
    {render_is_claimed("m.person_id", "m.invited_email")} AS claimed
FROM membership AS m LEFT JOIN person AS p ON p.id = m.person_id
    LEFT JOIN learning_group AS g ON g.id = m.group_id
WHERE m.id = $1::uuid
"""  # noqa: S608  constants

NOT_WHAT_WAS_SHOWN = (
    "What accepting shares is not what was shown. Read the invitation again, show its `sharing`,"
    " and accept with its `noticeVersion`."
)
CLAIMED = (
    "Another person claims the address that this was offered to. An administrator of the school"
    " must decide whose it is (addressConflicts)."
)


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
    notice_version: str


async def accept_membership(
    context: ProcedureContext, input: AcceptMembershipInput
) -> MembershipPayload:
    """Accept a membership of one's own, and record the consent; accepting again changes nothing.

    One by a join code waits to be confirmed where it would if the person joined now, or where the
    code was renewed since; so does one of an adult whom the school does not know
    (`db.second_adults`). Other offers of the same membership end, unless it waits. The person's
    memberships as staff wait again where this one is a student's (`staff`).

    Raises:
        NotFoundError: it has ended or has expired.
        ForbiddenError: only a verified organisation may offer it, and it is no longer one.
        ConflictError: the sentences that were shown are not the current ones, or another person
            claims the address; or the organisation would be left without an administrator.
    """
    membership = input.membership_id
    offers = await context.transaction.fetch(_FIND_OFFER, membership)
    if not offers:
        (row,) = await context.transaction.fetch(_FIND_MEMBERSHIP, membership)
        if row["ended"] or row["accepted_at"] is None:
            raise NotFoundError.of("Membership")
        return MembershipPayload(membership)
    check_verified(offers[0])
    offer = _read_offer(offers[0])
    if input.notice_version != name_version(offer):
        raise ConflictError(NOT_WHAT_WAS_SHOWN)
    (row,) = await context.transaction.fetch(_FIND_MEMBERSHIP, membership)
    if row["claimed"]:
        raise ConflictError(CLAIMED)
    values: dict[str, ColumnValue] = {"acceptedAt": NOW}
    if row["waits"]:
        values |= {"confirmed": False, "confirmedAt": None, "confirmedBy": None}
        values["applicantName"] = row["name"]
    await context.changes.update("Membership", membership, values)
    await _record_consent(context, membership, offers[0], offer, input.notice_version)
    if not row["waits"]:
        await _end_others(context, membership)
    await let_staff_wait(context, offers[0]["person_id"], offers[0]["organisation_id"])
    return MembershipPayload(membership)


def check_verified(offer: Record) -> None:
    """Refuse what only a verified organisation may offer, where it is not one.

    Args:
        offer: the `source` and `role` of a membership, and whether its organisation is `verified`.

    Raises:
        ForbiddenError: students and caregivers by address, and all by rosters.
    """
    invited = offer["source"] == "INVITED" and offer["role"] in (Role.STUDENT, Role.CAREGIVER)
    if (invited or offer["source"] == "ROSTER") and not offer["verified"]:
        raise ForbiddenError(NO_LONGER_VERIFIED)


async def _end_others(context: ProcedureContext, membership: UUID) -> None:
    values: dict[str, ColumnValue] = {"endsAt": NOW, "endedBy": context.viewer.person_id}
    for other in await context.transaction.fetch(_FIND_OTHERS, membership):
        await context.changes.update("Membership", other["id"], values)


def _read_offer(row: Record) -> Offer:
    return Offer(row["role"], row["organisation_name"], row["verified"], row["group_name"])


async def _record_consent(
    context: ProcedureContext, membership: UUID, row: Record, offer: Offer, shown: str
) -> None:
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
