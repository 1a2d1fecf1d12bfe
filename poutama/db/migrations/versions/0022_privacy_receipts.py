"""The code by which an erased person reads the receipt, and the reminder of the due date."""

from __future__ import annotations

from alembic import op

revision = "0022_privacy_receipts"
down_revision = "0021_address_conflicts"
branch_labels = None
depends_on = None

UPGRADE = (
    "alter table privacy_request add column if not exists receipt_code text",
    "alter table privacy_request add column if not exists reminder text",
    "create unique index if not exists privacy_request_receipt_code_key"
    " on privacy_request (receipt_code)",
    "create index if not exists privacy_request_due_idx on privacy_request (state, due_at)",
)

DOWNGRADE = (
    "drop index if exists privacy_request_due_idx",
    "drop index if exists privacy_request_receipt_code_key",
    "alter table privacy_request drop column if exists reminder",
    "alter table privacy_request drop column if exists receipt_code",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
