"""What happens to a request for access or erasure: the acceptance, and the erasure itself.

Called by the procedures, by the job ERASURE and by the operator's command. It asks no permission;
it refuses what no one may decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from poutama.changes import NOW, Changes
from poutama.db.transaction import Transaction
from poutama.erasure import erase_person, render_receipt
from poutama.errors import ConflictError
from poutama.features import load_features
from poutama.features.privacy.deciders import render_may_decide
from poutama.features.privacy.states import RequestKind, RequestState
from poutama.sql.relationship import render_is_current

_FIND_ACCEPTANCE = f"""
SELECT r.kind, r.state, r.person_id, r.organisation_id,
    coalesce(j.state IN ('FAILED', 'CANCELLED'), true) AS job_ended,
    {render_may_decide("r")} AS may_decide,
    EXISTS (
        SELECT 1 FROM membership AS own
        WHERE own.person_id = r.person_id AND own.role = 'ADMIN' AND {render_is_current("own")}
            AND NOT EXISTS (
                SELECT 1 FROM membership AS peer
                WHERE peer.organisation_id = own.organisation_id AND peer.role = 'ADMIN'
                    AND peer.person_id <> own.person_id AND {render_is_current("peer")}
            )
    ) AS is_last_admin
FROM privacy_request AS r LEFT JOIN job AS j ON j.id = r.job_id WHERE r.id = $1::uuid
"""  # noqa: S608  constants

_FIND_MAY_DECIDE = f"""
SELECT {render_may_decide("r")} AS may_decide FROM privacy_request AS r WHERE r.id = $1::uuid
"""  # noqa: S608
OPERATOR_DECIDES = (
    "The operator of the system decides: this organisation is not verified, or it is not the only"
    " one that the person belongs to."
)

_FIND_ACCEPTED = """
SELECT coalesce(p.name, $2::text) AS actor_name
FROM privacy_request AS r LEFT JOIN person AS p ON p.id = $3::uuid
WHERE r.id = $1::uuid AND r.state = 'ACCEPTED' AND r.person_id IS NOT NULL
"""
_DETACH = "UPDATE privacy_request SET person_id = NULL WHERE id = $1::uuid"


async def find_acceptable(
    transaction: Transaction, request: UUID, decider: UUID | None
) -> tuple[RequestKind, UUID]:
    """The kind of a request that may be accepted now, and whose it is.

    Args:
        transaction: the decision's.
        request: its id; it must be there.
        decider: who accepts it; None for the operator.

    Raises:
        ConflictError: it is decided already, or must not be accepted like this; says why.
    """
    (row,) = await transaction.fetch(_FIND_ACCEPTANCE, request)
    kind = RequestKind(row["kind"])
    again = row["state"] == RequestState.ACCEPTED and row["job_ended"]
    if row["person_id"] is None or not (row["state"] == RequestState.OPEN or again):
        raise ConflictError("The request is decided already.")
    if decider is not None and not row["may_decide"]:
        raise ConflictError(OPERATOR_DECIDES)
    if kind is RequestKind.ERASURE:
        if row["person_id"] == decider:
            raise ConflictError("Another administrator decides about the erasure of your data.")
        if row["is_last_admin"]:
            raise ConflictError("An organisation keeps an administrator.")
    return kind, row["person_id"]


async def require_decider(transaction: Transaction, request: UUID) -> None:
    """Refuse an organisation's decision about a request that is not its to decide.

    Raises:
        ConflictError: the operator decides.
    """
    (row,) = await transaction.fetch(_FIND_MAY_DECIDE, request)
    if not row["may_decide"]:
        raise ConflictError(OPERATOR_DECIDES)


async def complete_erasure(
    transaction: Transaction,
    changes: Changes,
    request: UUID,
    person: UUID,
    keys: Sequence[str],
    actor: UUID,
    actor_name: str = "",
) -> None:
    """Erase the person of a request, and write the receipt; nothing if that has happened.

    Raises:
        DatabaseError: the database refused it.
    """
    rows = await transaction.fetch(_FIND_ACCEPTED, request, actor_name, actor)
    if not rows:
        return
    await transaction.execute(_DETACH, request)
    features = load_features()
    erased = await erase_person(
        transaction,
        person,
        features.personal_data,
        features.stored_data,
        keys,
        actor=actor,
        actor_name=rows[0]["actor_name"],
    )
    await changes.update(
        "PrivacyRequest",
        request,
        {
            "state": RequestState.DONE,
            "doneAt": NOW,
            "reminder": None,
            "note": "",
            "receipt": render_receipt(erased),
        },
    )
