"""The evidence quota of a person and of an organisation: files and bytes in use, and their limits.

The mutations, the job and the sweep call it in the transaction that changes the evidence itself, so
that every reader sees the right count. Two requests that would exceed the limit together conflict
on one row: one of them is retried, and reads what the other has reserved.
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
    """Whose quota a file counts against: a person, and their organisation if they are a student.

    Either may have been deleted before the file is.
    """

    person: UUID | None
    organisation: UUID | None


async def reserve_quota(
    transaction: Transaction, settings: Settings, holder: Holder, bytes_: int
) -> None:
    """Add one file to the usage.

    Raises:
        QuotaExceededError: the file exceeds a limit; the transaction must not commit.
    """
    rows = await transaction.fetch(_TAKE, holder.person, None, bytes_)
    _require(rows[0]["files"], settings.evidence_person_files, "files", "you have")
    _require(rows[0]["bytes"], settings.evidence_person_bytes, "bytes", "your files have")
    if holder.organisation is not None:
        rows = await transaction.fetch(_TAKE, None, holder.organisation, bytes_)
        allowed = settings.evidence_organisation_bytes
        _require(rows[0]["bytes"], allowed, "organisation", "your organisation's files have")


async def release_quota(
    transaction: Transaction, holder: Holder, bytes_: int, files: int = 1
) -> None:
    """Subtract a file from the usage; with `files` 0, the bytes by which a file has shrunk."""
    # The person first, as in `reserve_quota`: another order could deadlock.
    for id_ in (holder.person, holder.organisation):
        if id_ is not None:
            await transaction.execute(_CHANGE, id_, -bytes_, -files)


def _require(used: int, allowed: int, limit: str, whose: str) -> None:
    if used > allowed:
        unit = "files" if limit == "files" else "bytes"
        raise QuotaExceededError(
            f"addEvidence: this file does not fit the quota; {whose} at most {allowed:,} {unit}"
            " together. Delete some first.",
            limit=limit,
            allowed=allowed,
        )
