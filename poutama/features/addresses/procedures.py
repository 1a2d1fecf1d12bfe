"""The mutation that decides to whom an address belongs.

Who may call it is declared in `addresses.graphql`. What is decided here: whether the organisation
is still the one to ask, and what follows from the answer.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec
from asyncpg import Record

from poutama.changes import NOW
from poutama.db.address_conflicts import SIGN_IN
from poutama.errors import ConflictError
from poutama.features.addresses.decision_statements import (
    BIND,
    FIND,
    FIND_BOUND,
    FIND_UNACCEPTED,
    RESOLVE_ALIKE,
    UNBIND,
    UNLINK,
)
from poutama.procedure import ProcedureContext


class AddressDecision(StrEnum):
    """Whether the person who has the address and the one who claims it are the same."""

    SAME_PERSON = "SAME_PERSON"
    DIFFERENT_PEOPLE = "DIFFERENT_PEOPLE"


class ResolveAddressConflictInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which conflict, and how it is decided."""

    conflict_id: UUID
    decision: AddressDecision


class ResolveAddressConflictPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The conflict."""

    address_conflict: UUID


async def resolve_address_conflict(
    context: ProcedureContext, input: ResolveAddressConflictInput
) -> ResolveAddressConflictPayload:
    """Decide; deciding the same again changes nothing.

    Raises:
        ConflictError: it was decided otherwise, the organisation no longer decides about the
            person, or the address or the account has gone to another person since.
    """
    conflict = input.conflict_id
    (row,) = await context.transaction.fetch(FIND, conflict)
    if row["decision"] == input.decision:
        return ResolveAddressConflictPayload(conflict)
    if row["decision"] is not None:
        raise ConflictError(f"It was decided already: {row['decision']}.")
    if not row["decides"]:
        raise ConflictError("The person belongs to another verified organisation, which decides.")
    if not row["has_address"]:
        raise ConflictError("The person no longer has this address; there is nothing to decide.")
    if input.decision is AddressDecision.DIFFERENT_PEOPLE:
        await _free_address(context, row)
    elif row["kind"] == SIGN_IN:
        await _bind_sign_in(context, row)
    viewer = context.viewer.person_id
    decided = {"decision": input.decision, "decidedAt": NOW}
    await context.changes.update(
        "AddressConflict", conflict, decided, columns={"decided_by": viewer}
    )
    await context.transaction.execute(
        RESOLVE_ALIKE, row["person_id"], input.decision, viewer, conflict
    )
    return ResolveAddressConflictPayload(conflict)


async def _free_address(context: ProcedureContext, row: Record) -> None:
    """Take the address from the person, and what was offered to it and never accepted."""
    person = row["person_id"]
    for offered in await context.transaction.fetch(FIND_UNACCEPTED, person):
        await context.changes.update("Membership", offered["id"], {"endsAt": NOW})
    await context.transaction.execute(UNLINK, person)
    await context.changes.update("Person", person, {"email": None})


async def _bind_sign_in(context: ProcedureContext, row: Record) -> None:
    """Let the account sign in as the person, instead of an older one of the same issuer."""
    person, issuer, subject = row["person_id"], row["source"], row["claimant"]
    bound = await context.transaction.fetch(FIND_BOUND, issuer, subject)
    if bound and bound[0]["person_id"] != person:
        raise ConflictError("The account has become another person's since.")
    await context.transaction.execute(UNBIND, person, issuer)
    await context.transaction.execute(BIND, issuer, subject, person)
    await context.changes.record_update("Person", person)
