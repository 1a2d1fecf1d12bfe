"""Confirming a membership that waits for it.

It is a caregiver's, an adult's whom the school does not know (`db.second_adults`), or a student's
who joined by a code.

Who may call the mutation is declared beside it in `groups.graphql`. Until then the membership gives
no right: `sql.relationship` counts confirmed ones alone, and a caregiver's only until the child
leaves (`lapses`).
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.changes import NOW, ColumnValue
from poutama.db.second_adults import render_leads
from poutama.errors import ConflictError, ForbiddenError, NotFoundError
from poutama.features.groups.lapses import HAS_LAPSED
from poutama.features.groups.memberships import MembershipPayload, check_verified
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current

CHILD_IS_AWAY = (
    "The child is not a student of the organisation now. Confirm the caregiver once they are: it"
    " would count for nothing before."
)

FIRST_ADULT = (
    "You applied the roster that made this membership, so that another manager or administrator"
    " confirms it, or those who run the service."
)

# Who applied the roster is the first adult; one who leads is known, and is one themselves.
_FIND = f"""
SELECT m.confirmed AND NOT {HAS_LAPSED} AS confirmed, m.accepted_at IS NOT NULL AS accepted,
    m.source, m.role, o.verified, coalesce(m.ends_at <= now(), false) AS ended,
    m.enrolled_by_id = $2::uuid AND NOT {render_leads("m.person_id", "m.organisation_id")} AS first,
    m.role = 'CAREGIVER' AND NOT EXISTS (
        SELECT 1 FROM membership AS c WHERE c.person_id = m.child_id AND c.role = 'STUDENT'
            AND (c.organisation_id = m.organisation_id) IS TRUE AND {render_is_current("c")}
    ) AS child_is_away
FROM membership AS m JOIN organisation AS o ON o.id = m.organisation_id WHERE m.id = $1::uuid
"""  # noqa: S608  constants


class ConfirmMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership."""

    membership_id: UUID


async def confirm_membership(
    context: ProcedureContext, input: ConfirmMembershipInput
) -> MembershipPayload:
    """Confirm a membership; confirming it again changes nothing.

    Raises:
        NotFoundError: it has ended.
        ForbiddenError: only a verified organisation may offer it, and it is no longer one; or the
            caller applied the roster that made it, and its person does not lead the organisation.
        ConflictError: its person has not accepted it, so that its person is not known; or it is a
            caregiver's whose child is not a student of the organisation now.
    """
    membership = input.membership_id
    (row,) = await context.transaction.fetch(_FIND, membership, context.viewer.person_id)
    if row["ended"]:
        raise NotFoundError.of("Membership")
    if row["confirmed"]:
        return MembershipPayload(membership)
    if not row["accepted"]:
        raise ConflictError("The person has not accepted yet; confirm the membership then.")
    check_verified(row)
    if row["first"]:
        raise ForbiddenError(FIRST_ADULT)
    if row["child_is_away"]:
        raise ConflictError(CHILD_IS_AWAY)
    values: dict[str, ColumnValue] = {
        "confirmed": True,
        "confirmedAt": NOW,
        "confirmedBy": context.viewer.person_id,
        "applicantName": None,
    }
    await context.changes.update("Membership", membership, values)
    return MembershipPayload(membership)
