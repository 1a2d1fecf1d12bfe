"""Refusing evidence, with the sentence that its student reads. The job does it, and the sweep."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record

from poutama.changes import Changes
from poutama.db.transaction import Transaction
from poutama.features.evidence.keys import every_key
from poutama.features.evidence.usage import Holder, release_quota
from poutama.store.deletion import schedule_deletion


async def reject(
    transaction: Transaction, changes: Changes, evidence: UUID, reason: str, row: Record
) -> None:
    """Refuse pending evidence: it counts no longer, and nothing of it is kept.

    `row` has its stem, bytes, uploader_id and organisation_id, as this transaction has read them.
    """
    await changes.update(
        "Evidence",
        evidence,
        {"state": "REJECTED", "rejection": reason},
        columns={"upload_key": None},
    )
    holder = Holder(row["uploader_id"], row["organisation_id"])
    await release_quota(transaction, holder, row["bytes"])
    await schedule_deletion(transaction, every_key(row["stem"]))
