"""Idempotency keys keep the ids of what was written, not the answer that was shown.

A repeated mutation reads its payload again, through the rules as of then. Answers kept by an
earlier version are dropped; their keys stay, so that nothing happens twice: sent again, such a
mutation is refused as one that has happened.
"""

from __future__ import annotations

from alembic import op

revision = "0013_idempotent_ids"
down_revision = "0012_email_index"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table idempotency_key add column if not exists written text not null default '[]'"
    )
    op.execute("alter table idempotency_key drop column if exists response")


def downgrade() -> None:
    # A column of that name was never unset; the keys of a day are forgotten.
    op.execute("delete from idempotency_key where true")
    op.execute("alter table idempotency_key add column if not exists response text not null")
    op.execute("alter table idempotency_key drop column if exists written")
