"""A group can be put away: since when it has ended. It is kept, with its memberships."""

from __future__ import annotations

from alembic import op

revision = "0039_ended_groups"
down_revision = "0038_people_without_email"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table learning_group add column if not exists ended_at timestamptz")


def downgrade() -> None:
    op.execute("alter table learning_group drop column if exists ended_at")
