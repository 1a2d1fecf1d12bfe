"""The mutation that decides to whom an address belongs.

Who may call it is declared in `addresses.graphql`. What is decided here: whether the organisation
is still the one to ask, and whether a second adult has to confirm the answer; `deciding` carries it
out.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import msgspec

from poutama.changes import NOW, ColumnValue
from poutama.errors import NotFoundError
from poutama.features.addresses.deciding import decide, find_conflict, require_decidable
from poutama.procedure import ProcedureContext


class AddressDecision(StrEnum):
    """Whether the person who has the address and the one who claims it are the same."""

    SAME_PERSON = "SAME_PERSON"
    DIFFERENT_PEOPLE = "DIFFERENT_PEOPLE"


class ResolveAddressConflictInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which conflict, how it is decided, and which version of it was shown."""

    conflict_id: UUID
    decision: AddressDecision
    expected_version: int


class ResolveAddressConflictPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The conflict."""

    address_conflict: UUID


async def resolve_address_conflict(
    context: ProcedureContext, input: ResolveAddressConflictInput
) -> ResolveAddressConflictPayload:
    """Decide; deciding the same again changes nothing.

    SAME_PERSON hands a record to a sign-in or to a school's row: the first administrator proposes
    it, and it counts once another adult has decided the same.

    Raises:
        ConflictError: it was decided otherwise, it says something else than what was shown, the
            organisation no longer decides about the person, or the address or the account has gone
            to another person since.
    """
    conflict, viewer = input.conflict_id, context.viewer.person_id
    row = await find_conflict(context.transaction, conflict)
    if row is None:
        raise NotFoundError.of("AddressConflict")
    if row["decision"] == input.decision:
        return ResolveAddressConflictPayload(conflict)
    if input.decision == row["proposal"] and row["proposed_by"] == viewer:
        return ResolveAddressConflictPayload(conflict)
    require_decidable(row, input.expected_version)
    if input.decision is AddressDecision.SAME_PERSON and row["proposal"] is None:
        proposed: dict[str, ColumnValue] = {
            "proposal": input.decision,
            "proposedAt": NOW,
            "proposedBy": viewer,
        }
        await context.changes.update("AddressConflict", conflict, proposed)
    else:
        await decide(context.transaction, context.changes, row, input.decision, viewer)
    return ResolveAddressConflictPayload(conflict)
