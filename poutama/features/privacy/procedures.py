"""The mutations of requests for access and erasure.

Who may call them is declared in `privacy.graphql`. A request goes to the one verified organisation
that knows the person (`deciders`); with none, or several, the operator decides (`poutama
requests`).
"""

from __future__ import annotations

from secrets import token_urlsafe
from uuid import UUID

import msgspec

from poutama.changes import NOW
from poutama.errors import ConflictError
from poutama.features import load_features
from poutama.features.privacy.deciders import render_decider
from poutama.features.privacy.decision import find_acceptable, require_decider
from poutama.features.privacy.inputs import ERASURE, ErasureInput
from poutama.features.privacy.receipt_page import CODE_BYTES
from poutama.features.privacy.states import IS_PENDING, RequestKind, RequestState
from poutama.features.privacy.working_days import find_due
from poutama.jobs.table import enqueue
from poutama.procedure import ProcedureContext

TIME_ZONE = "Pacific/Auckland"
"""Of a person whose request goes to no organisation."""

_FIND_PENDING = f"""
SELECT r.id FROM privacy_request AS r
WHERE r.person_id = $1::uuid AND r.kind = $2::text AND {IS_PENDING}
ORDER BY r.created_at, r.id LIMIT 1
"""  # noqa: S608  constants
_FIND_DECIDER = f"""
SELECT decider.id, decider.time_zone, t.now FROM (SELECT now() AS now) AS t
    LEFT JOIN organisation AS decider ON decider.id = {render_decider("$1::uuid")}
"""  # noqa: S608  constants
_FIND_REQUEST = """
SELECT r.state, r.organisation_id, (SELECT name FROM person WHERE id = $2::uuid) AS decider_name
FROM privacy_request AS r WHERE r.id = $1::uuid
"""


class PrivacyRequestInput(msgspec.Struct, frozen=True):
    """What the person adds to a request for access or erasure."""

    note: str


class AcceptPrivacyRequestInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which request."""

    privacy_request_id: UUID


class RefusePrivacyRequestInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which request, and why."""

    privacy_request_id: UUID
    reason: str


class PrivacyRequestPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The request."""

    privacy_request: UUID


async def request_erasure(
    context: ProcedureContext, input: PrivacyRequestInput
) -> PrivacyRequestPayload:
    """Request that all data about the caller is erased; once until it is done or refused."""
    return await _request(context, RequestKind.ERASURE, input.note)


async def request_access(
    context: ProcedureContext, input: PrivacyRequestInput
) -> PrivacyRequestPayload:
    """Request all data about the caller; once until it is answered or refused."""
    return await _request(context, RequestKind.ACCESS, input.note)


async def accept_privacy_request(
    context: ProcedureContext, input: AcceptPrivacyRequestInput
) -> PrivacyRequestPayload:
    """Accept a request: a job exports the person's data for them, or erases the person.

    Raises:
        ConflictError: it is decided already, or the caller may not decide this one.
    """
    transaction, viewer = context.transaction, context.viewer.person_id
    request = input.privacy_request_id
    kind, person = await find_acceptable(transaction, request, viewer)
    (row,) = await transaction.fetch(_FIND_REQUEST, request, viewer)
    if kind is RequestKind.ACCESS:
        job = await load_features().load_answer_access()(transaction, person)
    else:
        job = await enqueue(
            transaction,
            ERASURE,
            person_id=viewer,
            organisation_id=row["organisation_id"],
            input=ErasureInput(privacy_request_id=request),
        )
    await context.changes.update(
        "PrivacyRequest",
        request,
        {
            "state": RequestState.ACCEPTED,
            "decidedAt": NOW,
            "deciderName": row["decider_name"],
            "job": job,
        },
    )
    return PrivacyRequestPayload(request)


async def refuse_privacy_request(
    context: ProcedureContext, input: RefusePrivacyRequestInput
) -> PrivacyRequestPayload:
    """Refuse a request, with a reason that the person reads.

    Raises:
        ConflictError: it is decided already, or the operator decides.
    """
    viewer, request = context.viewer.person_id, input.privacy_request_id
    (row,) = await context.transaction.fetch(_FIND_REQUEST, request, viewer)
    if row["state"] != RequestState.OPEN:
        raise ConflictError("The request is decided already.")
    await require_decider(context.transaction, request)
    await context.changes.update(
        "PrivacyRequest",
        request,
        {
            "state": RequestState.REFUSED,
            "decidedAt": NOW,
            "deciderName": row["decider_name"],
            "reason": input.reason,
        },
    )
    return PrivacyRequestPayload(request)


async def _request(
    context: ProcedureContext, kind: RequestKind, note: str
) -> PrivacyRequestPayload:
    transaction, viewer = context.transaction, context.viewer.person_id
    pending = await transaction.fetch(_FIND_PENDING, viewer, kind)
    if pending:
        return PrivacyRequestPayload(pending[0]["id"])
    ((organisation, zone, now),) = await transaction.fetch(_FIND_DECIDER, viewer)
    request = await context.changes.insert(
        "PrivacyRequest",
        {
            "person": viewer,
            "organisation": organisation,
            "kind": kind,
            "note": note,
            "dueAt": find_due(now, zone or TIME_ZONE),
            "receiptCode": token_urlsafe(CODE_BYTES) if kind is RequestKind.ERASURE else None,
        },
    )
    return PrivacyRequestPayload(request)
