"""Writing down what a procedure changed; single changes write their own entry (`sql.audit`)."""

from __future__ import annotations

from uuid import UUID, uuid4

from poutama.db.transaction import Transaction
from poutama.viewer import Viewer

_RECORD = """
INSERT INTO audit_entry (id, actor_id, actor_name, subject_id, action, kind, row_id)
SELECT $1::uuid, $2::uuid, (SELECT p.name FROM person AS p WHERE p.id = $2::uuid), $3::uuid,
    $4::text, $5::text, $6::uuid
"""


async def record_change(
    transaction: Transaction,
    viewer: Viewer,
    action: str,
    kind: str,
    row: UUID | None,
    subject: UUID | None,
) -> None:
    """Add an entry: `action` is INSERT, UPDATE or DELETE, `subject` whose data the row is.

    A READ of no single row has no `row`.
    """
    await transaction.execute(_RECORD, uuid4(), viewer.person_id, subject, action, kind, row)
