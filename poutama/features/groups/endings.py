"""Ending a membership with the consent to it, and what its person granted where the caller wishes;
and ending what a person declines, for `invitations`.

Who may call the mutation is declared beside it in `groups.graphql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg import Record

from poutama.changes import ColumnValue
from poutama.features.groups.lapses import find_lapsed, let_wait
from poutama.features.groups.memberships import Role
from poutama.features.groups.staff import require_administrator
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current

_FIND = """
SELECT organisation_id, person_id, role, accepted_at IS NOT NULL AS accepted,
    accepted_at IS NULL AND person_id = $2::uuid AS own_offer,
    coalesce(ends_at <= now(), false) AS ended, now() AS now
FROM membership WHERE id = $1::uuid
"""
_DECLINE = """
UPDATE membership SET declined_at = now()
WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
"""
_FIND_CONSENTS = """
SELECT id FROM consent WHERE withdrawn_at IS NULL
    AND membership_id IN (SELECT jsonb_array_elements_text($1::jsonb)::uuid)
"""
_FIND_ROLES = f"""
SELECT role FROM membership WHERE organisation_id = $1::uuid AND person_id = $2::uuid
    AND role IN ('MENTOR_MANAGER', 'ADMIN') AND {render_is_current("membership")}
"""  # noqa: S608  constants
# What a manager may end by themselves, and an administrator; never the caller's own.
_IS_THEIRS = """
m.organisation_id = $1::uuid AND m.person_id IS DISTINCT FROM $3::uuid
    AND (m.ends_at IS NULL OR m.ends_at > now())
    AND ($4::bool OR m.role NOT IN ('MENTOR_MANAGER', 'ADMIN'))
"""
_FIND_GRANTED = f"""
SELECT m.id, m.role = 'ADMIN' AND m.accepted_at IS NOT NULL AS admin FROM membership AS m
WHERE m.granted_by_id = $2::uuid AND {_IS_THEIRS}
"""  # noqa: S608
_FIND_CONFIRMED = f"""
SELECT m.id, p.name FROM membership AS m JOIN person AS p ON p.id = m.person_id
WHERE m.confirmed_by_id = $2::uuid AND m.confirmed AND {_IS_THEIRS}
"""  # noqa: S608


class EndMembershipInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which membership, and whether to end what its person granted."""

    membership_id: UUID
    end_granted: bool


class EndMembershipPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The membership, and how many others were ended or wait again."""

    membership: UUID
    ended_grants: int


async def end_membership(
    context: ProcedureContext, input: EndMembershipInput
) -> EndMembershipPayload:
    """End a membership now, and with it the consent; ending it again changes nothing.

    Caregivers of a student who leaves the organisation wait to be confirmed again (`lapses`).

    To end an offer of one's own that one has not accepted is to decline it.

    Raises:
        ConflictError: the organisation would be left without an administrator.
    """
    membership = input.membership_id
    (row,) = await context.transaction.fetch(_FIND, membership, context.viewer.person_id)
    granted, confirmed = await _find_grants(context, row) if input.end_granted else ([], [])
    ending = [] if row["ended"] else [membership]
    ending += [each["id"] for each in granted if each["id"] != membership]
    if row["own_offer"] and not row["ended"]:
        await _mark_declined(context, [membership])
    # First: a caregiver who waits already is not marked once more when their child leaves.
    waiting = [each for each in confirmed if each["id"] not in ending]
    await let_wait(context.changes, waiting)
    await end_all(context, ending, row["now"], [membership])
    gone = _list_ids([each["id"] for each in waiting])
    await let_wait(context.changes, await find_lapsed(context.transaction, gone))
    leaves = row["role"] == Role.ADMIN and row["accepted"] and not row["ended"]
    if leaves or any(each["admin"] for each in granted):
        await require_administrator(context, row["organisation_id"])
    others = len(ending) - (membership in ending)
    return EndMembershipPayload(membership, others + len(waiting))


async def end_all(
    context: ProcedureContext, memberships: list[UUID], now: datetime, ended: Sequence[UUID] = ()
) -> None:
    """End memberships with the consents to them; caregivers of students who leave wait again.

    Args:
        context: of the procedure.
        memberships: those that last.
        now: the time of the transaction.
        ended: those of which the consents end as well.
    """
    await _end(context, memberships, now)
    await _withdraw(context, [*ended, *memberships], now)
    lapsed = await find_lapsed(context.transaction, _list_ids(memberships))
    await let_wait(context.changes, lapsed)


async def decline(context: ProcedureContext, offers: list[UUID], now: datetime) -> None:
    """End offers that their person declines: the addresses are not invited again for some time.

    Args:
        context: of the procedure.
        offers: memberships that are not accepted.
        now: the time of the transaction.
    """
    await _mark_declined(context, offers)
    await _end(context, offers, now)


async def _mark_declined(context: ProcedureContext, offers: list[UUID]) -> None:
    await context.transaction.execute(_DECLINE, _list_ids(offers))


async def _find_grants(context: ProcedureContext, row: Record) -> tuple[list[Record], list[Record]]:
    """What the membership's person offered and confirmed there, where the caller leads."""
    organisation, viewer = row["organisation_id"], context.viewer.person_id
    held = await context.transaction.fetch(_FIND_ROLES, organisation, viewer)
    roles = {each["role"] for each in held}
    if not roles or row["person_id"] is None:
        return [], []
    about = (organisation, row["person_id"], viewer, Role.ADMIN in roles)
    granted = await context.transaction.fetch(_FIND_GRANTED, *about)
    return list(granted), list(await context.transaction.fetch(_FIND_CONFIRMED, *about))


async def _end(context: ProcedureContext, memberships: list[UUID], now: datetime) -> None:
    values: dict[str, ColumnValue] = {
        "endsAt": now,
        "endedBy": context.viewer.person_id,
        "applicantName": None,
    }
    await context.changes.update_many("Membership", dict.fromkeys(memberships, values))


async def _withdraw(context: ProcedureContext, memberships: list[UUID], now: datetime) -> None:
    consents = await context.transaction.fetch(_FIND_CONSENTS, _list_ids(memberships))
    values: dict[str, ColumnValue] = {"withdrawnAt": now, "withdrawnBy": context.viewer.person_id}
    await context.changes.update_many("Consent", {each["id"]: values for each in consents})


def _list_ids(memberships: list[UUID]) -> str:
    return msgspec.json.encode(memberships).decode()
