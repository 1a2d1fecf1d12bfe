"""Evidence says how long it lasts, where it is sound or video."""

from __future__ import annotations

from alembic import op

revision = "0043_evidence_seconds"
down_revision = "0042_absences"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table evidence add column if not exists seconds int8")


def downgrade() -> None:
    op.execute("alter table evidence drop column if exists seconds")
