"""Carrying out what was decided about a claimed address, and keeping who decided it.

Called by the mutation (`procedures`) and by the operator's command (`commands.address_conflicts`).
That a sign-in or a row of a roster is a person's takes two: this is called once both have said so.
"""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record

from poutama.changes import NOW, Changes
from poutama.db.address_conflicts import DIFFERENT_PEOPLE, SIGN_IN
from poutama.db.transaction import Transaction
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

NOT_WHAT_WAS_SHOWN = (
    "The conflict is not what was shown. Read it again, show both names, and decide with its"
    " `version`."
)


async def find_conflict(transaction: Transaction, conflict: UUID) -> Record | None:
    """Return the conflict as it is decided about; None if it is not found."""
    rows = await transaction.fetch(FIND, conflict)
    return rows[0] if rows else None


def require_decidable(row: Record, shown: int) -> None:
    """Refuse to decide what is not what was shown, or can no longer be decided.

    Args:
        row: the conflict, as `find_conflict` returns it.
        shown: the version of it that was shown to who decides.

    Raises:
        ConflictError: it has another version, it was decided, the organisation no longer decides
            about the person, or the address has gone to another person since.
    """
    if row["version"] != shown:
        raise ConflictError(NOT_WHAT_WAS_SHOWN)
    if row["decision"] is not None:
        raise ConflictError(f"It was decided already: {row['decision']}.")
    if not row["decides"]:
        raise ConflictError("The person belongs to another verified organisation, which decides.")
    if not row["has_address"]:
        raise ConflictError("The person no longer has this address; there is nothing to decide.")


async def decide(
    transaction: Transaction, changes: Changes, row: Record, decision: str, by: UUID | None
) -> None:
    """Carry out the decision.

    Args:
        transaction: in which it is decided.
        changes: of the transaction.
        row: the conflict, as `find_conflict` returns it.
        decision: SAME_PERSON or DIFFERENT_PEOPLE.
        by: who decides, of two the second; None: the operator.

    Raises:
        ConflictError: the account has become another person's since.
    """
    if decision == DIFFERENT_PEOPLE:
        await _free_address(transaction, changes, row)
    elif row["kind"] == SIGN_IN:
        await _bind_sign_in(transaction, changes, row)
    decided = {"decision": decision, "decidedAt": NOW, "decidedBy": by}
    await changes.update("AddressConflict", row["id"], decided)
    await transaction.execute(RESOLVE_ALIKE, row["person_id"], decision, by, row["id"])


async def _free_address(transaction: Transaction, changes: Changes, row: Record) -> None:
    """Take the address from the person, and what was offered to it and never accepted."""
    person = row["person_id"]
    for offered in await transaction.fetch(FIND_UNACCEPTED, person):
        await changes.update("Membership", offered["id"], {"endsAt": NOW})
    await transaction.execute(UNLINK, person)
    await changes.update("Person", person, {"email": None})


async def _bind_sign_in(transaction: Transaction, changes: Changes, row: Record) -> None:
    """Let the account sign in as the person, instead of an older one of the same issuer."""
    person, issuer, subject = row["person_id"], row["source"], row["claimant"]
    bound = await transaction.fetch(FIND_BOUND, issuer, subject)
    if bound and bound[0]["person_id"] != person:
        raise ConflictError("The account has become another person's since.")
    await transaction.execute(UNBIND, person, issuer)
    await transaction.execute(BIND, issuer, subject, person)
    await changes.record_update("Person", person)
