"""An index for people's email addresses in lower case, by which a first sign-in finds them."""

from __future__ import annotations

from alembic import op

revision = "0012_email_index"
down_revision = "0011_reminders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index if not exists person_lower_email_idx on person (lower(email))")


def downgrade() -> None:
    op.execute("drop index if exists person_lower_email_idx")
