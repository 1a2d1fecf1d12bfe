"""`openRecord` and `closeRecord`: a manager or administrator reads a student's content for a time.

Who may call them is declared in `records.graphql`; what an opened record permits is the
relationship OPENER (`poutama.sql.relationship`). The procedures find the organisation, and write
the row that the student and the administrators see. How many one person opens is its `@quota`.
"""

from __future__ import annotations

from uuid import UUID

import msgspec

from poutama.changes import NOW
from poutama.errors import BadUserInputError, ForbiddenError, NotFoundError
from poutama.procedure import ProcedureContext
from poutama.sql.relationship import render_is_current

MAX_HOURS = 24
"""The longest that a record can be open; the table has the same limit."""

NOT_VERIFIED = (
    "This organisation is not verified, and only managers and administrators of verified"
    " organisations open records. Ask those who run the service to verify the organisation."
)

# Where the caller leads and the person is a student, both now.
_FIND_ORGANISATIONS = f"""
SELECT DISTINCT leader.organisation_id, place.verified
FROM membership AS leader JOIN organisation AS place ON place.id = leader.organisation_id
    JOIN membership AS student ON student.organisation_id = leader.organisation_id
WHERE leader.person_id = $1::uuid AND leader.role IN ('MENTOR_MANAGER', 'ADMIN')
    AND student.person_id = $2::uuid AND student.role = 'STUDENT'
    AND {render_is_current("leader")} AND {render_is_current("student")}
ORDER BY leader.organisation_id
"""  # noqa: S608  constants
_FIND_OPENING = f"""
SELECT now() + $3::int8 * interval '1 hour' AS expires_at,
    (SELECT name FROM person WHERE id = $1::uuid) AS opener_name,
    (
        SELECT count(DISTINCT admin.person_id)::int8 FROM membership AS admin
        WHERE admin.organisation_id = $2::uuid AND admin.role = 'ADMIN'
            AND admin.person_id <> $1::uuid AND {render_is_current("admin")}
    ) AS other_administrators
"""  # noqa: S608
_FIND_IS_OPEN = """
SELECT closed_at IS NULL AND expires_at > now() AS is_open FROM opened_record WHERE id = $1::uuid
"""


class OpenRecordInput(msgspec.Struct, frozen=True, rename="camel"):
    """Whose record, and why; the organisation where there is a choice."""

    person_id: UUID
    reason: str
    organisation_id: UUID | None = None


class CloseRecordInput(msgspec.Struct, frozen=True, rename="camel"):
    """Which opened record."""

    opened_record_id: UUID


class OpenedRecordPayload(msgspec.Struct, frozen=True, rename="camel"):
    """The opened record."""

    opened_record: UUID


async def open_record(context: ProcedureContext, input: OpenRecordInput) -> OpenedRecordPayload:
    """Open a student's record for the caller, for `opened_record_hours`.

    Raises:
        NotFoundError: the person is not a student of the organisation that the input names.
        ForbiddenError: the organisation is not verified.
        BadUserInputError: the caller has to name one of several organisations.
        QuotaExceededError: the caller opened as many as one person may within a day.
    """
    transaction, viewer = context.transaction, context.viewer.person_id
    organisation = await _find_organisation(context, input)
    hours = max(1, min(context.settings.opened_record_hours, MAX_HOURS))
    (opening,) = await transaction.fetch(_FIND_OPENING, viewer, organisation, hours)
    opened = await context.changes.insert(
        "OpenedRecord",
        {
            "person": input.person_id,
            "opener": viewer,
            "organisation": organisation,
            "reason": input.reason,
            "openerName": opening["opener_name"],
            "otherAdministrators": opening["other_administrators"],
            "expiresAt": opening["expires_at"],
        },
    )
    return OpenedRecordPayload(opened)


async def close_record(context: ProcedureContext, input: CloseRecordInput) -> OpenedRecordPayload:
    """Close an opened record now; one that is closed or has expired stays as it is."""
    opened = input.opened_record_id
    ((is_open,),) = await context.transaction.fetch(_FIND_IS_OPEN, opened)
    if is_open:
        await context.changes.update("OpenedRecord", opened, {"closedAt": NOW})
    return OpenedRecordPayload(opened)


async def _find_organisation(context: ProcedureContext, input: OpenRecordInput) -> UUID:
    rows = await context.transaction.fetch(
        _FIND_ORGANISATIONS, context.viewer.person_id, input.person_id
    )
    if input.organisation_id is not None:
        rows = [row for row in rows if row["organisation_id"] == input.organisation_id]
        if not rows:
            raise NotFoundError.of("Person")
    found: list[UUID] = [row["organisation_id"] for row in rows if row["verified"]]
    if rows and not found:
        raise ForbiddenError(NOT_VERIFIED)
    if len(found) != 1:
        raise BadUserInputError.at(
            "input.organisationId",
            "one of the verified organisations that you lead and the student is in",
        )
    return found[0]
