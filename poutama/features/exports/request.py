"""`exportJourney`: enqueues the job that writes a student's journey.

Runs in the mutation's transaction, perhaps several times over. A person who asks again while the
first job is at work gets that one.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from poutama.db.transaction import Transaction
from poutama.features.exports.job import EXPORT, ExportInput
from poutama.jobs.table import enqueue
from poutama.procedure import ProcedureContext

_RUNNING = """
SELECT id FROM job WHERE person_id = $1::uuid AND subject_id = $2::uuid AND kind = $3::text
    AND state IN ('QUEUED', 'RUNNING') AND NOT cancel_requested
    AND coalesce((input ->> 'notesForStaff')::bool, false) = $4::bool
    AND coalesce((input ->> 'access')::bool, false) = $5::bool
ORDER BY created_at, id LIMIT 1
"""
_NOW = "SELECT now()"


class ExportJourneyInput(msgspec.Struct, frozen=True, rename="camel"):
    """Whose journey, None for the caller's own; and whether notes for staff are in it."""

    notes_for_staff: bool
    person_id: UUID | None = None


class ExportJourneyPayload(msgspec.Struct, frozen=True):
    """The job that writes it."""

    job: UUID


async def export_journey(
    context: ProcedureContext, input: ExportJourneyInput
) -> ExportJourneyPayload:
    """Begin an export of the caller's own journey, or of one that they may see."""
    transaction, viewer = context.transaction, context.viewer.person_id
    person = input.person_id or viewer
    with_staff = input.notes_for_staff
    running = await transaction.fetch(_RUNNING, viewer, person, EXPORT, with_staff, False)
    if running:
        return ExportJourneyPayload(running[0]["id"])
    # The moment is the database's, and fixed from now on: a step that is run again prints it again.
    ((now,),) = await transaction.fetch(_NOW)
    job = await enqueue(
        transaction,
        EXPORT,
        person_id=viewer,
        subject_id=person,
        input=make_input(person, now, notes_for_staff=with_staff),
    )
    if person != viewer:
        # A student with few goals or none would otherwise not learn of it.
        await context.changes.record_read("Journey", person)
    return ExportJourneyPayload(job)


async def answer_access(transaction: Transaction, person: UUID) -> UUID:
    """Begin an export of all that is held of the person, for the person; returns its job."""
    running = await transaction.fetch(_RUNNING, person, person, EXPORT, False, True)
    if running:
        job: UUID = running[0]["id"]
        return job
    ((now,),) = await transaction.fetch(_NOW)
    wanted = make_input(person, now, access=True)
    return await enqueue(transaction, EXPORT, person_id=person, subject_id=person, input=wanted)


def make_input(
    person: UUID, now: datetime, *, notes_for_staff: bool = False, access: bool = False
) -> ExportInput:
    """The job's input, with a folder that is its alone."""
    folder = f"people/{person}/exports/{secrets.token_urlsafe(24)}"
    return ExportInput(
        person_id=person,
        as_of=now.astimezone(UTC),
        folder=folder,
        notes_for_staff=notes_for_staff,
        access=access,
    )
