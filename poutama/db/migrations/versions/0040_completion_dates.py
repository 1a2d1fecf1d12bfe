"""Goals and tasks record when they became complete.

Of rows that are complete already it is not known: they stay without a date.
"""

from __future__ import annotations

from alembic import op

revision = "0040_completion_dates"
down_revision = "0039_ended_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("goal", "goal_task"):
        op.execute(f"alter table {table} add column if not exists completed_at timestamptz")


def downgrade() -> None:
    for table in ("goal", "goal_task"):
        op.execute(f"alter table {table} drop column if exists completed_at")
