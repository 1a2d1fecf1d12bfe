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
from poutama.features.addresses.deciding import decide, find_conflict, require_undecided
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

    SAME_PERSON hands a record to a sign-in or to a school's row: the first administrator proposes
    it, and it counts once another adult has decided the same.

    Raises:
        ConflictError: it was decided otherwise, the organisation no longer decides about the
            person, or the address or the account has gone to another person since.
    """
    conflict, viewer = input.conflict_id, context.viewer.person_id
    row = await find_conflict(context.transaction, conflict)
    if row is None:
        raise NotFoundError.of("AddressConflict")
    if row["decision"] == input.decision:
        return ResolveAddressConflictPayload(conflict)
    require_undecided(row)
    if input.decision is AddressDecision.SAME_PERSON and row["proposal"] is None:
        proposed: dict[str, ColumnValue] = {
            "proposal": input.decision,
            "proposedAt": NOW,
            "proposedBy": viewer,
        }
        await context.changes.update("AddressConflict", conflict, proposed)
    elif input.decision != row["proposal"] or row["proposed_by"] != viewer:
        await decide(context.transaction, context.changes, row, input.decision, viewer)
    return ResolveAddressConflictPayload(conflict)
