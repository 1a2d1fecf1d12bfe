"""Refusing evidence, with the sentence that its student reads. The job does it, and the sweep."""

from __future__ import annotations

from uuid import UUID

from asyncpg import Record

from poutama.db.transaction import Transaction
from poutama.features.evidence.keys import every_key
from poutama.features.evidence.usage import Holder, give_room_back
from poutama.store.deletion import doom_objects

_REJECT = """
UPDATE evidence SET
    state = 'REJECTED', upload_key = NULL, rejection = $2::text, version = version + 1,
    updated_at = now()
WHERE id = $1::uuid
"""


async def reject(transaction: Transaction, evidence: UUID, reason: str, row: Record) -> None:
    """Refuse pending evidence: it takes no room any more, and nothing of it is kept.

    `row` has its stem, bytes, uploader_id and organisation_id, as this transaction has read them.
    """
    await transaction.execute(_REJECT, evidence, reason)
    holder = Holder(row["uploader_id"], row["organisation_id"])
    await give_room_back(transaction, holder, row["bytes"])
    await doom_objects(transaction, every_key(row["stem"]))
