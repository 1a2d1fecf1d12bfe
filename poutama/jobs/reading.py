"""In which right a job's requester reads the person whom the job is about: kept with the job.

Called where a job begins to exist (`jobs.table`) and with each step (`jobs.lease`), in the same
transaction. The rules of `resultUrl` ask whether all these rights hold when the result is read: a
result that a mentor requested is not for the caregiver that they are later, and what was read as
the staff of two organisations is not for the staff of one. Never removes a right from the job: what
was read in it may be in the result, which does not say of its parts in which right they were read.
"""

from __future__ import annotations

from uuid import UUID

from poutama.db.transaction import Transaction

_PLACES = """
    SELECT '["' || string_agg(place.id, '", "' ORDER BY place.id) || '"]' FROM (
        SELECT kept.value AS id
        FROM jsonb_array_elements_text(coalesce(job.read_organisation_ids, '[]')::jsonb)
            AS kept(value)
        UNION
        SELECT held.organisation_id::text AS id FROM person_access AS held
        WHERE held.person_id = job.subject_id AND held.holder_id = job.person_id
            AND held.reason IN ('MENTOR', 'OPENED_RECORD')
    ) AS place
"""
_CARES = """
    SELECT 1 FROM person_access AS held
    WHERE held.person_id = job.subject_id AND held.holder_id = job.person_id
        AND held.reason = 'CAREGIVER'
"""
_CARED = f"read_as IN ('CAREGIVER', 'STAFF_AND_CAREGIVER') OR EXISTS ({_CARES})"
_KEEP = f"""
UPDATE job SET
    read_organisation_ids = ({_PLACES}),
    read_as = CASE
        WHEN ({_PLACES}) IS NOT NULL AND ({_CARED}) THEN 'STAFF_AND_CAREGIVER'
        WHEN ({_PLACES}) IS NOT NULL THEN 'STAFF'
        WHEN {_CARED} THEN 'CAREGIVER' ELSE read_as END
WHERE id = $1::uuid AND subject_id IS NOT NULL AND subject_id IS DISTINCT FROM person_id
"""  # noqa: S608  constants


async def keep_reading(transaction: Transaction, job: UUID) -> None:
    """Add to the job the right that its requester has now to read the person whom it is about."""
    await transaction.execute(_KEEP, job)
