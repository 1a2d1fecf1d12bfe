"""How much evidence a person and an organisation have, and that it is no more than they may.

The mutations, the job and the sweep call it in the transaction that changes the evidence itself, so
that the count is right whenever anybody can read it. Two who would go over the limit together meet
on one row: one of them is tried again, and sees what the other has taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from poutama.db.transaction import Transaction
from poutama.errors import QuotaExceededError
from poutama.settings import Settings

_TAKE = """
INSERT INTO evidence_usage (id, person_id, organisation_id, bytes, files)
VALUES (coalesce($1::uuid, $2::uuid), $1::uuid, $2::uuid, $3::int8, 1)
ON CONFLICT (id) DO UPDATE SET
    bytes = evidence_usage.bytes + excluded.bytes, files = evidence_usage.files + 1
RETURNING bytes, files
"""
_CHANGE = """
UPDATE evidence_usage SET bytes = bytes + $2::int8, files = files + $3::int8 WHERE id = $1::uuid
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a file: a person, and the organisation in which they are a student, if any.

    Either may be gone by the time that the file goes.
    """

    person: UUID | None
    organisation: UUID | None


async def take_room(
    transaction: Transaction, settings: Settings, holder: Holder, bytes_: int
) -> None:
    """Count one more file.

    Raises:
        QuotaExceededError: there is no room for it; the transaction must not commit.
    """
    rows = await transaction.fetch(_TAKE, holder.person, None, bytes_)
    _require(rows[0]["files"], settings.evidence_person_files, "files", "you have")
    _require(rows[0]["bytes"], settings.evidence_person_bytes, "bytes", "your files have")
    if holder.organisation is not None:
        rows = await transaction.fetch(_TAKE, None, holder.organisation, bytes_)
        allowed = settings.evidence_organisation_bytes
        _require(rows[0]["bytes"], allowed, "organisation", "your organisation's files have")


async def give_room_back(
    transaction: Transaction, holder: Holder, bytes_: int, files: int = 1
) -> None:
    """Count a file no more; with `files` 0, one that has become so much smaller."""
    # The person first, as when it was taken: in another order two could wait for each other.
    for id_ in (holder.person, holder.organisation):
        if id_ is not None:
            await transaction.execute(_CHANGE, id_, -bytes_, -files)


def _require(used: int, allowed: int, limit: str, whose: str) -> None:
    if used > allowed:
        unit = "files" if limit == "files" else "bytes"
        raise QuotaExceededError(
            f"addEvidence: there is no room for this file; {whose} at most {allowed:,} {unit}"
            " together. Delete some first.",
            limit=limit,
            allowed=allowed,
        )
